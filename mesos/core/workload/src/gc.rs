//! When what is left of executors is removed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stout::Time;

/// How old something unused may get: the configured delay, less as the disk fills up.
///
/// `usage` is how full the disk is, between 0 and 1, and `headroom` how much of it shall stay free.
pub fn max_age(delay: Duration, headroom: f64, usage: f64) -> Duration {
    let part = (1.0 - headroom - usage).clamp(0.0, 1.0);
    // NaN, from a disk that cannot be measured, must not remove anything.
    if part.is_nan() { delay } else { delay.mul_f64(part) }
}

/// Paths that are to be removed, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    due: BTreeMap<PathBuf, Time>,
}

impl Schedule {
    /// Nothing is to be removed.
    pub fn new() -> Self {
        Schedule::default()
    }

    /// Removes `path` at `time`; a later word overrides an earlier one.
    pub fn insert(&mut self, path: PathBuf, time: Time) {
        self.due.insert(path, time);
    }

    /// Keeps `path` after all; says whether it was to be removed.
    pub fn keep(&mut self, path: &Path) -> bool {
        self.due.remove(path).is_some()
    }

    /// When the next path is due.
    pub fn next(&self) -> Option<Time> {
        self.due.values().min().copied()
    }

    /// How many paths wait.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Takes the paths that are due, deepest first, so that a directory goes after what is in it.
    pub fn take_due(&mut self, now: Time) -> Vec<PathBuf> {
        let mut taken: Vec<PathBuf> =
            self.due.iter().filter(|(_, time)| **time <= now).map(|(path, _)| path.clone()).collect();
        for path in &taken {
            self.due.remove(path);
        }
        taken.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        taken
    }

    /// The disk is fuller than the delay accounts for: what has less than `remaining` to wait is due.
    pub fn prune(&mut self, now: Time, remaining: Duration) -> Vec<PathBuf> {
        self.take_due(now + remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

    #[test]
    fn a_fuller_disk_keeps_less() {
        for (headroom, usage, expected) in [
            (0.1, 0.0, 0.9),
            (0.1, 0.5, 0.4),
            (0.1, 0.9, 0.0),
            (0.1, 1.0, 0.0),
            (0.0, 0.0, 1.0),
            (0.5, 0.9, 0.0),
        ] {
            let age = max_age(WEEK, headroom, usage).as_secs_f64();
            assert!((age - WEEK.as_secs_f64() * expected).abs() < 1.0, "{headroom} {usage}: {age}");
        }
        assert_eq!(max_age(WEEK, 0.1, f64::NAN), WEEK);
    }

    #[test]
    fn what_is_due_is_taken_once_and_deepest_first() {
        let mut schedule = Schedule::new();
        let at = |secs| Time::EPOCH + Duration::from_secs(secs);
        schedule.insert("/w/f".into(), at(10));
        schedule.insert("/w/f/e/r".into(), at(10));
        schedule.insert("/w/g".into(), at(20));
        schedule.insert("/w/h".into(), at(5));
        assert!(schedule.keep(Path::new("/w/h")));
        assert!(!schedule.keep(Path::new("/w/h")));
        assert_eq!(schedule.next(), Some(at(10)));
        assert_eq!(schedule.take_due(at(9)), Vec::<PathBuf>::new());
        assert_eq!(schedule.take_due(at(10)), [PathBuf::from("/w/f/e/r"), "/w/f".into()]);
        assert_eq!(schedule.prune(at(10), Duration::from_secs(10)), [PathBuf::from("/w/g")]);
        assert!(schedule.is_empty());
    }
}
