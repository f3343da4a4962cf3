use std::collections::{HashSet, VecDeque};

use crate::{PENDING_MAX, Uuid};

/// How many updates are remembered: more than can wait, so that none of these is forgotten.
const SEEN_MAX: usize = 2 * PENDING_MAX;

/// The updates of a task that came last.
///
/// A task that lives long makes updates without end; whoever sends one again does so soon after.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    order: VecDeque<Uuid>,
    all: HashSet<Uuid>,
}

impl Seen {
    pub(crate) fn contains(&self, uuid: Uuid) -> bool {
        self.all.contains(&uuid)
    }

    pub(crate) fn insert(&mut self, uuid: Uuid) {
        if !self.all.insert(uuid) {
            return;
        }
        self.order.push_back(uuid);
        if self.order.len() > SEEN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let uuid = |number: usize| Uuid((number as u128).to_be_bytes());
        let mut seen = Seen::default();
        (0..SEEN_MAX + 2).for_each(|number| seen.insert(uuid(number)));
        assert!(!seen.contains(uuid(1)) && seen.contains(uuid(2)));
        assert_eq!(seen.all.len(), seen.order.len());
    }
}
