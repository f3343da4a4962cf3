//! Siblings in fair order, kept up to date as they change.
//!
//! The share of a sibling is a part of a total, and with every allocation the total of frameworks changes,
//! hence the shares of all of them. Computing all shares anew for every agent would make a run cost agents
//! times frameworks. Instead, siblings are kept sorted by a floor: their share of a total of the past. How
//! much the total has changed since then bounds how far below that a share can be now, so only those at
//! the front have to be computed to know who comes next.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Bound;
use std::sync::Arc;

use mesos_resources::{Quantities, Scalar};

/// What decides a sibling's place: the lower share first, then who was allocated to less often, then who
/// comes first by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing {
    portion: Arc<Portion>,
    allocations: u64,
    place: u64,
}

/// What a share is computed from. It is shared because small entries make for quick sorting.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Portion {
    /// The bits of the weight. It is positive, so they compare as it does.
    weight: u64,
    amounts: Quantities,
}

/// A share's bits, the number of allocations, and the place by name.
pub(crate) type Rank = (u64, u64, u64);

impl Standing {
    pub(crate) fn new(amounts: &Quantities, weight: f64, allocations: u64, place: u64) -> Self {
        let portion = Portion { weight: weight.max(0.0).to_bits(), amounts: amounts.clone() };
        Self { portion: Arc::new(portion), allocations, place }
    }

    /// The weighted dominant share of a total, as bits that compare as it does.
    fn share(&self, total: &Quantities) -> u64 {
        let Portion { weight, amounts } = &*self.portion;
        (amounts.dominant_share(total) / f64::from_bits(*weight)).max(0.0).to_bits()
    }

    pub(crate) fn rank(&self, total: &Quantities) -> Rank {
        (self.share(total), self.allocations, self.place)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<K> {
    floor: u64,
    standing: Standing,
    key: K,
}

impl<K> Entry<K> {
    /// Whether both have the same share, whatever the total.
    fn is_level_with(&self, other: &Self) -> bool {
        self.floor == other.floor && self.standing.portion == other.standing.portion
    }
}

/// Siblings sorted by floor, those with the same amounts and weight beside each other in their final order.
#[derive(Debug)]
pub(crate) struct Ranking<K> {
    /// The total that floors are shares of.
    base: Quantities,
    entries: BTreeSet<Entry<K>>,
    /// How many shares were computed in vain since the base was chosen.
    wasted: usize,
}

/// How far somebody has come in a ranking, which must not change meanwhile.
#[derive(Debug)]
pub(crate) struct Cursor<K> {
    total: Quantities,
    factor: f64,
    /// The first of each group with equal amounts that has been looked at.
    heads: Heads<K>,
    /// The one that is not ranked.
    only: Option<K>,
    /// The first that has not been looked at.
    frontier: Option<Entry<K>>,
    looked_at: usize,
    given: usize,
}

type Head<K> = (Rank, Entry<K>);

/// A heap that keeps the least apart: mostly there is one, for which nothing has to be allocated.
#[derive(Debug)]
struct Heads<K> {
    least: Option<Head<K>>,
    others: BinaryHeap<Reverse<Head<K>>>,
}

impl<K: Ord> Heads<K> {
    fn push(&mut self, head: Head<K>) {
        match &mut self.least {
            None => self.least = Some(head),
            Some(least) if head < *least => self.others.push(Reverse(std::mem::replace(least, head))),
            Some(_) => self.others.push(Reverse(head)),
        }
    }

    fn pop(&mut self) -> Option<Head<K>> {
        let next = self.others.pop().map(|Reverse(head)| head);
        std::mem::replace(&mut self.least, next)
    }
}

impl<K> Cursor<K> {
    /// A walk over one or none, for which nothing has to be sorted.
    pub(crate) fn over(only: Option<K>) -> Self {
        Self {
            total: Quantities::new(),
            factor: 1.0,
            heads: Heads { least: None, others: BinaryHeap::new() },
            only,
            frontier: None,
            looked_at: 0,
            given: 0,
        }
    }
}

/// What rounding may add to a floor.
const SLACK: f64 = 1.0 - 1e-12;

impl<K: Copy + Ord> Ranking<K> {
    pub(crate) fn new() -> Self {
        Self { base: Quantities::new(), entries: BTreeSet::new(), wasted: 0 }
    }

    /// Replaces what was known of a sibling.
    pub(crate) fn replace(&mut self, key: K, old: Option<Standing>, new: Option<Standing>) {
        if let Some(old) = old {
            self.entries.remove(&self.entry(old, key));
        }
        if let Some(new) = new {
            self.entries.insert(self.entry(new, key));
        }
    }

    fn entry(&self, standing: Standing, key: K) -> Entry<K> {
        Entry { floor: standing.share(&self.base), standing, key }
    }

    /// Starts at the front, with shares being parts of this total.
    pub(crate) fn open(&mut self, total: &Quantities) -> Cursor<K> {
        let mut factor = self.factor(total);
        if (factor <= 0.0 || self.wasted > 4 * self.entries.len()) && self.base != *total {
            self.base = total.clone();
            self.wasted = 0;
            let entries = std::mem::take(&mut self.entries);
            self.entries = entries.into_iter().map(|entry| self.entry(entry.standing, entry.key)).collect();
            factor = 1.0;
        }
        Cursor {
            total: total.clone(),
            factor: factor * SLACK,
            frontier: self.entries.first().cloned(),
            ..Cursor::over(None)
        }
    }

    /// How much smaller than its floor a share of this total can be.
    fn factor(&self, total: &Quantities) -> f64 {
        let part = |(name, base): (&mesos_resources::Name, Scalar)| match total.get(name) {
            Scalar::ZERO => 0.0,
            now => base.thousandths() as f64 / now.thousandths() as f64,
        };
        self.base.iter().map(part).fold(1.0, f64::min)
    }

    /// The sibling that comes next.
    pub(crate) fn next(&self, cursor: &mut Cursor<K>) -> Option<K> {
        if let Some(only) = cursor.only.take() {
            return Some(only);
        }
        while let Some(frontier) = &cursor.frontier {
            let least = f64::from_bits(frontier.floor) * cursor.factor;
            if let Some((rank, _)) = &cursor.heads.least
                && f64::from_bits(rank.0) < least
            {
                break;
            }
            let last = Entry {
                standing: Standing { allocations: u64::MAX, place: u64::MAX, ..frontier.standing.clone() },
                ..frontier.clone()
            };
            let beyond = self.entries.range((Bound::Excluded(&last), Bound::Unbounded)).next().cloned();
            if let Some(entry) = std::mem::replace(&mut cursor.frontier, beyond) {
                cursor.heads.push((entry.standing.rank(&cursor.total), entry));
            }
            cursor.looked_at += 1;
        }
        let (rank, entry) = cursor.heads.pop()?;
        let after = (Bound::Excluded(&entry), Bound::Unbounded);
        if let Some(next) = self.entries.range(after).next().filter(|next| next.is_level_with(&entry)) {
            let rank = (rank.0, next.standing.allocations, next.standing.place);
            cursor.heads.push((rank, next.clone()));
        }
        cursor.given += 1;
        Some(entry.key)
    }

    /// Ends a walk.
    pub(crate) fn close(&mut self, cursor: &Cursor<K>) {
        self.wasted += cursor.looked_at.saturating_sub(cursor.given + 1);
    }
}

/// A place between two neighbours, if there is room.
pub(crate) fn between(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    // Most names come in ascending order: what is added last leaves room for many more.
    const STEP: u64 = 1 << 40;
    match (before, after) {
        (before, None) => before.unwrap_or(0).checked_add(STEP),
        (before, Some(after)) => {
            let before = before.unwrap_or(0);
            let middle = before + after.saturating_sub(before) / 2;
            (before < middle && middle < after).then_some(middle)
        }
    }
}

/// Places for so many, with as much room between them as there is.
pub(crate) fn spread(count: usize) -> impl Iterator<Item = u64> {
    let step = u64::MAX / (count as u64).saturating_add(2);
    (1..).map(move |at: u64| at.saturating_mul(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amounts(of: &[i64]) -> Quantities {
        let names = ["cpus", "mem", "x"];
        names.into_iter().zip(of).map(|(name, of)| (name, Scalar::from_thousandths(*of))).collect()
    }

    fn walk(ranking: &mut Ranking<usize>, total: &Quantities) -> Vec<usize> {
        let mut cursor = ranking.open(total);
        let all = std::iter::from_fn(|| ranking.next(&mut cursor)).collect();
        ranking.close(&cursor);
        all
    }

    #[test]
    fn there_is_room_between_places_until_there_is_none() {
        assert!(between(None, None) < between(between(None, None), None));
        assert_eq!(between(Some(4), Some(6)), Some(5));
        assert_eq!(between(Some(4), Some(5)), None);
        assert_eq!(between(Some(u64::MAX - 3), None), None);
        let places: Vec<_> = spread(1000).take(1000).collect();
        assert!(places.is_sorted() && between(places.last().copied(), None).is_some());
    }

    proptest! {
        /// However amounts and totals change, the order is what sorting gives.
        #[test]
        fn a_ranking_is_what_sorting_gives(
            steps in proptest::collection::vec(
                (0usize..6, proptest::collection::vec(0i64..5, 3), 1u8..3, 0u64..3,
                 proptest::collection::vec(0i64..9, 3)),
                1..60,
            ),
        ) {
            let mut ranking = Ranking::new();
            let mut now: Vec<Option<Standing>> = vec![None; 6];
            for (key, of, weight, allocations, total) in steps {
                let new = (of[0] != 4)
                    .then(|| Standing::new(&amounts(&of), f64::from(weight), allocations, key as u64));
                ranking.replace(key, now[key].take(), new.clone());
                now[key] = new;
                let total = amounts(&total);
                let mut sorted: Vec<_> = now.iter().enumerate()
                    .filter_map(|(key, standing)| Some((standing.as_ref()?.rank(&total), key)))
                    .collect();
                sorted.sort_unstable();
                let sorted: Vec<_> = sorted.into_iter().map(|(_, key)| key).collect();
                prop_assert_eq!(walk(&mut ranking, &total), sorted);
            }
        }
    }
}
