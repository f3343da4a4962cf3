//! Sets of integers as ranges.

use std::fmt;
use std::ops::{BitAnd, BitOr, RangeInclusive, Sub};
use std::str::FromStr;

/// An integer that an [`IntervalSet`] can hold.
pub trait Element: Copy + Ord + fmt::Display + fmt::Debug + FromStr + private::Sealed {
    /// The next larger integer.
    fn next(self) -> Option<Self>;
    /// The next smaller integer.
    fn previous(self) -> Option<Self>;
    /// How many integers lie from `self` to `last`, both included, saturating.
    fn count_to(self, last: Self) -> u64;
}

mod private {
    pub trait Sealed {}
}

macro_rules! element {
    ($($integer:ty),*) => {$(
        impl private::Sealed for $integer {}

        impl Element for $integer {
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }

            fn count_to(self, last: Self) -> u64 {
                u64::from(last).saturating_sub(u64::from(self)).saturating_add(1)
            }
        }
    )*};
}

element!(u8, u16, u32, u64);

/// A set of integers kept as sorted ranges, such as ports.
///
/// Adjacent ranges are merged, so that equal sets have equal ranges.
///
/// # Examples
///
/// ```
/// use stout::interval::IntervalSet;
///
/// let mut ports: IntervalSet<u64> = "[31000-31009]".parse()?;
/// ports.remove(31002..=31004);
/// assert_eq!(ports.to_string(), "[31000-31001, 31005-31009]");
/// assert!(ports.contains(31005) && !ports.contains(31004));
/// assert_eq!(ports.count(), 7);
/// # Ok::<(), stout::interval::ParseIntervalError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntervalSet<T = u64> {
    /// First and last of each range: ascending, disjoint and not adjacent.
    ranges: Vec<(T, T)>,
}

impl<T> Default for IntervalSet<T> {
    fn default() -> Self {
        IntervalSet { ranges: Vec::new() }
    }
}

impl<T: Element> IntervalSet<T> {
    /// The empty set.
    pub const fn new() -> Self {
        IntervalSet { ranges: Vec::new() }
    }

    /// Adds every integer of the range; an empty range adds nothing.
    pub fn insert(&mut self, range: RangeInclusive<T>) {
        let (mut first, mut last) = range.into_inner();
        if first > last {
            return;
        }
        // The ranges that overlap or touch the new one lie at start..end.
        let start = self.ranges.partition_point(|(_, end)| end.next().is_some_and(|next| next < first));
        let end =
            self.ranges.partition_point(|(begin, _)| begin.previous().is_none_or(|before| before <= last));
        if let Some(touched) = self.ranges.get(start..end)
            && let (Some(left), Some(right)) = (touched.first(), touched.last())
        {
            first = first.min(left.0);
            last = last.max(right.1);
        }
        self.ranges.splice(start..end.max(start), [(first, last)]);
    }

    /// Takes every integer of the range out; an empty range takes nothing.
    pub fn remove(&mut self, range: RangeInclusive<T>) {
        let (first, last) = range.into_inner();
        if first > last {
            return;
        }
        let start = self.ranges.partition_point(|(_, end)| *end < first);
        let end = self.ranges.partition_point(|(begin, _)| *begin <= last);
        let Some(touched) = self.ranges.get(start..end) else { return };
        let (Some(&(left, _)), Some(&(_, right))) = (touched.first(), touched.last()) else { return };
        let before = first.previous().filter(|before| left <= *before).map(|before| (left, before));
        let after = last.next().filter(|after| *after <= right).map(|after| (after, right));
        self.ranges.splice(start..end, before.into_iter().chain(after));
    }

    /// Whether the integer is in the set.
    pub fn contains(&self, value: T) -> bool {
        self.contains_range(value..=value)
    }

    /// Whether every integer of the range is in the set.
    pub fn contains_range(&self, range: RangeInclusive<T>) -> bool {
        let (first, last) = range.into_inner();
        let index = self.ranges.partition_point(|(_, end)| *end < first);
        first > last || self.ranges.get(index).is_some_and(|(begin, end)| *begin <= first && last <= *end)
    }

    /// Whether every integer of `other` is in the set.
    pub fn is_superset(&self, other: &Self) -> bool {
        other.ranges().all(|range| self.contains_range(range))
    }

    /// Whether the sets share an integer.
    pub fn intersects(&self, other: &Self) -> bool {
        !self.intersection(other).is_empty()
    }

    /// The integers of either set.
    pub fn union(&self, other: &Self) -> Self {
        let mut ranges: Vec<(T, T)> = Vec::with_capacity(self.ranges.len() + other.ranges.len());
        ranges.extend(&self.ranges);
        ranges.extend(&other.ranges);
        Self::merge(ranges)
    }

    /// The integers of all these ranges, none of which is empty.
    fn merge(mut ranges: Vec<(T, T)>) -> Self {
        // This sort knows ascending runs when it sees them.
        ranges.sort();
        ranges.dedup_by(|(begin, end), kept| {
            let joined = begin.previous().is_none_or(|before| before <= kept.1);
            if joined {
                kept.1 = kept.1.max(*end);
            }
            joined
        });
        IntervalSet { ranges }
    }

    /// The integers of this set that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len());
        let mut holes = other.ranges.iter().peekable();
        for &(mut first, last) in &self.ranges {
            let mut open = true;
            while let Some(&&(begin, end)) = holes.peek() {
                if end < first {
                    holes.next();
                    continue;
                }
                if begin > last {
                    break;
                }
                if let Some(before) = begin.previous().filter(|before| first <= *before) {
                    ranges.push((first, before));
                }
                match end.next().filter(|next| *next <= last) {
                    Some(next) => first = next,
                    None => {
                        // The hole may reach into the next range: keep it.
                        open = false;
                        break;
                    }
                }
            }
            if open {
                ranges.push((first, last));
            }
        }
        IntervalSet { ranges }
    }

    /// The integers that are in both sets.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                ranges.push((first, last));
            }
            if a.1 < b.1 {
                left.next()
            } else {
                right.next()
            };
        }
        IntervalSet { ranges }
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<T>> + ExactSizeIterator + '_ {
        self.ranges.iter().map(|(first, last)| *first..=*last)
    }

    /// Every integer, ascending.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.ranges.iter().flat_map(|&(first, last)| {
            std::iter::successors(Some(first), move |value| value.next().filter(|next| *next <= last))
        })
    }

    /// How many integers there are (at most `u64::MAX` is told).
    pub fn count(&self) -> u64 {
        self.ranges.iter().fold(0, |sum: u64, (first, last)| sum.saturating_add(first.count_to(*last)))
    }

    /// How many ranges there are.
    pub fn range_count(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there is no integer.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The smallest integer.
    pub fn first(&self) -> Option<T> {
        self.ranges.first().map(|(first, _)| *first)
    }

    /// The largest integer.
    pub fn last(&self) -> Option<T> {
        self.ranges.last().map(|(_, last)| *last)
    }
}

impl<T: Element> From<RangeInclusive<T>> for IntervalSet<T> {
    fn from(range: RangeInclusive<T>) -> Self {
        let mut set = IntervalSet::new();
        set.insert(range);
        set
    }
}

impl<T: Element> Extend<RangeInclusive<T>> for IntervalSet<T> {
    /// Takes much less time than to insert many ranges one by one.
    fn extend<I: IntoIterator<Item = RangeInclusive<T>>>(&mut self, ranges: I) {
        let mut all = std::mem::take(&mut self.ranges);
        all.extend(ranges.into_iter().map(RangeInclusive::into_inner).filter(|(first, last)| first <= last));
        *self = Self::merge(all);
    }
}

impl<T: Element> FromIterator<RangeInclusive<T>> for IntervalSet<T> {
    fn from_iter<I: IntoIterator<Item = RangeInclusive<T>>>(ranges: I) -> Self {
        let mut set = IntervalSet::new();
        set.extend(ranges);
        set
    }
}

impl<T: Element> BitOr for &IntervalSet<T> {
    type Output = IntervalSet<T>;

    fn bitor(self, other: Self) -> IntervalSet<T> {
        self.union(other)
    }
}

impl<T: Element> BitAnd for &IntervalSet<T> {
    type Output = IntervalSet<T>;

    fn bitand(self, other: Self) -> IntervalSet<T> {
        self.intersection(other)
    }
}

impl<T: Element> Sub for &IntervalSet<T> {
    type Output = IntervalSet<T>;

    fn sub(self, other: Self) -> IntervalSet<T> {
        self.difference(other)
    }
}

/// `[1-3, 5-5]`.
impl<T: Element> fmt::Display for IntervalSet<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[")?;
        for (index, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{first}-{last}")?;
        }
        formatter.write_str("]")
    }
}

/// Why a text is not a set of ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseIntervalError {
    text: String,
    part: String,
}

impl fmt::Display for ParseIntervalError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "'{}' is not a list of ranges such as [1-3, 5-5]: cannot read '{}'",
            self.text, self.part
        )
    }
}

impl std::error::Error for ParseIntervalError {}

impl<T: Element> FromStr for IntervalSet<T> {
    type Err = ParseIntervalError;

    fn from_str(text: &str) -> Result<Self, ParseIntervalError> {
        let error = |part: &str| ParseIntervalError { text: text.to_owned(), part: part.trim().to_owned() };
        let trimmed = text.trim();
        let inner = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let inner = inner.ok_or_else(|| error(trimmed))?;
        if inner.trim().is_empty() {
            return Ok(IntervalSet::new());
        }
        let bound = |text: &str| text.trim().parse::<T>().ok();
        let range = |part: &str| {
            let (first, last) = part.split_once('-')?;
            let (first, last) = (bound(first)?, bound(last)?);
            (first <= last).then_some(first..=last)
        };
        inner.split(',').map(|part| range(part).ok_or_else(|| error(part))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(text: &str) -> IntervalSet<u64> {
        text.parse().unwrap()
    }

    #[test]
    fn touching_ranges_are_merged() {
        assert_eq!(set("[1-3, 4-5, 9-9]").to_string(), "[1-5, 9-9]");
        assert_eq!(set("[5-9, 1-2, 3-4]").range_count(), 1);
    }

    #[test]
    fn the_ends_of_the_integers_are_no_special_case() {
        let all = IntervalSet::from(0..=u64::MAX);
        assert_eq!(all.count(), u64::MAX);
        let mut holed = all.clone();
        holed.remove(0..=0);
        holed.remove(u64::MAX..=u64::MAX);
        assert_eq!(holed, IntervalSet::from(1..=u64::MAX - 1));
        assert_eq!(holed.union(&set("[0-0]")).union(&IntervalSet::from(u64::MAX..=u64::MAX)), all);
        assert_eq!(all.difference(&holed).count(), 2);
        assert_eq!(IntervalSet::<u8>::from(250..=255).iter().count(), 6);
    }

    /// One by one, each of these would move all that came before it.
    #[test]
    fn a_million_ranges_in_the_worst_order_are_collected_at_once() {
        let ranges = (0..1_000_000_u64).rev().map(|n| 3 * n..=3 * n);
        let set: IntervalSet<u64> = ranges.collect();
        assert_eq!((set.range_count(), set.count()), (1_000_000, 1_000_000));
    }

    #[test]
    fn text_that_is_no_list_of_ranges_is_refused() {
        for text in ["", "1-3", "[1]", "[3-1]", "[a-b]", "[1-3,]", "[1-3", "[1-99999999999999999999]"] {
            assert!(text.parse::<IntervalSet<u64>>().is_err(), "{text}");
        }
        assert_eq!(set(" [ ] "), IntervalSet::new());
        assert_eq!(set("[ 1 - 3 ,5-5]").to_string(), "[1-3, 5-5]");
    }

    /// Ranges within 0..=255, few enough to overlap often; some are empty (first > last).
    fn ranges() -> impl Strategy<Value = Vec<(bool, u8, u8)>> {
        let range = (any::<bool>(), any::<u8>(), 0u8..24)
            .prop_map(|(add, first, length)| (add, first, first.saturating_add(length).wrapping_sub(2)));
        prop::collection::vec(range, 0..24)
    }

    /// The set and its model after the same insertions and removals.
    fn build(steps: &[(bool, u8, u8)]) -> (IntervalSet<u8>, BTreeSet<u8>) {
        let (mut set, mut model) = (IntervalSet::new(), BTreeSet::new());
        for &(add, first, last) in steps {
            if add {
                set.insert(first..=last);
                model.extend(first..=last);
            } else {
                set.remove(first..=last);
                model.retain(|value| !(first..=last).contains(value));
            }
        }
        (set, model)
    }

    fn assert_same(set: &IntervalSet<u8>, model: BTreeSet<u8>) {
        assert_eq!(set.iter().collect::<BTreeSet<_>>(), model);
        assert_eq!(set.count(), model.len() as u64);
        let apart = |pair: &[(u8, u8)]| u16::from(pair[0].1) + 1 < u16::from(pair[1].0);
        assert!(set.ranges.windows(2).all(apart), "{set} is not canonical");
        assert!(set.ranges.iter().all(|(first, last)| first <= last), "{set} has an empty range");
    }

    proptest! {
        #[test]
        fn behaves_as_a_set_of_integers(left in ranges(), right in ranges()) {
            let ((a, model_a), (b, model_b)) = (build(&left), build(&right));
            assert_same(&a, model_a.clone());
            assert_same(&a.union(&b), &model_a | &model_b);
            assert_same(&a.difference(&b), &model_a - &model_b);
            assert_same(&a.intersection(&b), &model_a & &model_b);
            prop_assert_eq!(a.is_superset(&b), model_a.is_superset(&model_b));
            prop_assert_eq!(a.intersects(&b), !model_a.is_disjoint(&model_b));
            for value in 0..=u8::MAX {
                prop_assert_eq!(a.contains(value), model_a.contains(&value));
            }
            prop_assert_eq!(a.to_string().parse(), Ok(a.clone()));
            prop_assert_eq!(a.union(&b), b.ranges().chain(a.ranges()).collect());
        }
    }
}
