//! Callbacks in the order in which they fall due.

use std::collections::BTreeMap;

use stout::Time;

pub(super) type Callback = Box<dyn FnOnce() + Send>;

/// When a timer is due, and its number among all timers: those of one instant fire in the order in
/// which they were set.
pub(super) type TimerKey = (Time, u64);

#[derive(Default)]
pub(super) struct Timers {
    waiting: BTreeMap<TimerKey, Callback>,
    count: u64,
}

impl Timers {
    pub(super) fn insert(&mut self, due: Time, callback: Callback) -> TimerKey {
        self.count += 1;
        let key = (due, self.count);
        self.waiting.insert(key, callback);
        key
    }

    pub(super) fn remove(&mut self, key: TimerKey) -> Option<Callback> {
        self.waiting.remove(&key)
    }

    pub(super) fn next_due(&self) -> Option<Time> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes what is due at `now`, earliest first.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<Callback> {
        let later = self.waiting.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.waiting, later).into_values().collect()
    }
}
