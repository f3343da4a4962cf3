//! When a check runs.

use std::time::Duration;

/// A check that never pauses would be a busy loop.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) delay: Duration,
    pub(crate) interval: Duration,
    /// None: as long as it takes.
    pub(crate) timeout: Option<Duration>,
}

impl Schedule {
    /// From what a check says, in seconds, or does not say.
    pub(crate) fn new(delay: Option<f64>, interval: Option<f64>, timeout: Option<f64>) -> Self {
        Self {
            delay: seconds(delay, 15.0),
            interval: seconds(interval, 10.0).max(INTERVAL_MIN),
            timeout: Some(seconds(timeout, 20.0)).filter(|timeout| !timeout.is_zero()),
        }
    }
}

/// Seconds as a duration; what is none, such as a negative number, counts as zero.
pub(crate) fn seconds(value: Option<f64>, default: f64) -> Duration {
    Duration::try_from_secs_f64(value.unwrap_or(default)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_mesos() {
        let schedule = Schedule::new(None, None, None);
        assert_eq!((schedule.delay.as_secs(), schedule.interval.as_secs()), (15, 10));
        assert_eq!(schedule.timeout, Some(Duration::from_secs(20)));
    }

    #[test]
    fn no_timeout_and_no_interval_are_taken_with_care() {
        let schedule = Schedule::new(Some(-1.0), Some(0.0), Some(0.0));
        assert_eq!(
            (schedule.delay, schedule.interval, schedule.timeout),
            (Duration::ZERO, INTERVAL_MIN, None)
        );
        assert_eq!(seconds(Some(f64::NAN), 1.0), Duration::ZERO);
    }
}
