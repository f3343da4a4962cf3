//! Points in time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time: signed nanoseconds since the Unix epoch, so from 1677 to 2262.
///
/// Arithmetic saturates at both ends and never panics.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stout::Time;
///
/// let start = Time::from_secs_f64(1.5);
/// let end = start + Duration::from_secs(2);
/// assert_eq!(end.as_secs_f64(), 3.5);
/// assert_eq!(end - start, Duration::from_secs(2));
/// assert_eq!(start - end, Duration::ZERO); // a difference is never negative
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

impl Time {
    /// 1970-01-01 00:00:00 UTC.
    pub const EPOCH: Time = Time(0);
    /// The latest time that can be told.
    pub const MAX: Time = Time(i64::MAX);

    /// The time that many nanoseconds after (or, negative, before) the epoch.
    pub const fn from_nanos(nanos: i64) -> Time {
        Time(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The time that many seconds after the epoch; what is out of range saturates, NaN is the epoch.
    pub fn from_secs_f64(secs: f64) -> Time {
        let whole = secs.trunc();
        let rest = ((secs - whole) * 1e9).round();
        // Casts of floats saturate, and turn NaN into zero.
        Time((whole as i64).saturating_mul(1_000_000_000).saturating_add(rest as i64))
    }

    /// Seconds since the epoch, rounded to what a double can hold.
    pub fn as_secs_f64(self) -> f64 {
        (self.0 / 1_000_000_000) as f64 + (self.0 % 1_000_000_000) as f64 / 1e9
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// The time from `earlier` to this one, or `None` when `earlier` is later.
    pub fn checked_duration_since(self, earlier: Time) -> Option<Duration> {
        if self < earlier {
            return None;
        }
        Some(Duration::from_nanos(self.0.abs_diff(earlier.0)))
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Time {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Time(nanos(after)),
            Err(before) => Time(-nanos(before.duration())),
        }
    }
}

impl From<Time> for SystemTime {
    fn from(time: Time) -> SystemTime {
        let distance = Duration::from_nanos(time.0.unsigned_abs());
        let moved =
            if time.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        moved.unwrap_or(UNIX_EPOCH)
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, duration: Duration) -> Time {
        let nanos = i128::from(self.0).saturating_add_unsigned(duration.as_nanos());
        Time(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, duration: Duration) -> Time {
        let nanos = i128::from(self.0).saturating_sub_unsigned(duration.as_nanos());
        Time(i64::try_from(nanos).unwrap_or(i64::MIN))
    }
}

impl SubAssign<Duration> for Time {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        self.checked_duration_since(earlier).unwrap_or(Duration::ZERO)
    }
}

/// Seconds since the epoch with nine decimals.
impl fmt::Debug for Time {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        write!(formatter, "Time({sign}{}.{:09}s)", nanos / 1_000_000_000, nanos % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let far = Duration::MAX;
        assert_eq!(Time::EPOCH + far, Time::MAX);
        assert_eq!(Time::EPOCH - far, Time::from_nanos(i64::MIN));
        assert_eq!(Time::from_nanos(i64::MIN) - Time::MAX, Duration::ZERO);
        assert_eq!(Time::MAX - Time::from_nanos(i64::MIN), Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn seconds_round_trip_to_the_nearest_double() {
        for secs in [0.0, 1.5, -1.5, 1_514_764_800.25] {
            assert_eq!(Time::from_secs_f64(secs).as_secs_f64(), secs);
        }
        assert_eq!(Time::from_secs_f64(f64::NAN), Time::EPOCH);
        assert_eq!(Time::from_secs_f64(f64::INFINITY), Time::MAX);
        assert_eq!(Time::from_secs_f64(-0.5).as_secs(), -1);
    }

    #[test]
    fn system_time_round_trips() {
        for nanos in [-1_500_000_000, 0, 1_514_764_800_123_456_789] {
            let time = Time::from_nanos(nanos);
            assert_eq!(Time::from(SystemTime::from(time)), time);
        }
    }
}
