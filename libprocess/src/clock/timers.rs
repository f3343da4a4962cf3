//! Callbacks in the order in which they fall due.

use std::collections::BTreeMap;

use stout::Time;

use super::wheel::{Wheel, WheelKey};

pub(super) type Callback = Box<dyn FnOnce() + Send>;

/// The timers of a clock. Those of a test clock fire exactly at their time, those of the system's within the
/// millisecond after it, and are cheaper for that; those of one instant fire in the order in which they
/// were set.
pub(super) enum Timers {
    Exact { waiting: BTreeMap<ExactKey, Callback>, count: u64 },
    Wheel(Box<Wheel>),
}

/// When a timer is due, and its number among all timers.
type ExactKey = (Time, u64);

#[derive(Debug, Clone, Copy)]
pub(super) enum TimerKey {
    Exact(ExactKey),
    Wheel(WheelKey),
}

impl Timers {
    pub(super) fn exact() -> Self {
        Self::Exact { waiting: BTreeMap::new(), count: 0 }
    }

    pub(super) fn wheel(began: Time) -> Self {
        Self::Wheel(Box::new(Wheel::new(began)))
    }

    pub(super) fn insert(&mut self, due: Time, callback: Callback) -> TimerKey {
        match self {
            Self::Exact { waiting, count } => {
                *count += 1;
                let key = (due, *count);
                waiting.insert(key, callback);
                TimerKey::Exact(key)
            }
            Self::Wheel(wheel) => TimerKey::Wheel(wheel.insert(due, callback)),
        }
    }

    pub(super) fn remove(&mut self, key: TimerKey) -> Option<Callback> {
        match (self, key) {
            (Self::Exact { waiting, .. }, TimerKey::Exact(key)) => waiting.remove(&key),
            (Self::Wheel(wheel), TimerKey::Wheel(key)) => wheel.remove(key),
            _ => None,
        }
    }

    /// When something is to be taken: no timer is due earlier.
    pub(super) fn next_due(&self) -> Option<Time> {
        match self {
            Self::Exact { waiting, .. } => waiting.first_key_value().map(|((due, _), _)| *due),
            Self::Wheel(wheel) => wheel.next_due(),
        }
    }

    /// Takes what is due at `now`, earliest first.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<Callback> {
        match self {
            Self::Exact { waiting, .. } => {
                let later = waiting.split_off(&(now, u64::MAX));
                std::mem::replace(waiting, later).into_values().collect()
            }
            Self::Wheel(wheel) => wheel.take_due(now),
        }
    }
}
