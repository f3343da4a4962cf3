//! How long to wait before a child is begun anew.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a supervisor waits before it begins a child anew that has ended: twice as long each time that it
/// fails without having run for long.
///
/// The waits begin anew once a child has run for as long as the longest of them.
///
/// ```
/// use std::time::Duration;
/// use libprocess::supervision::Backoff;
///
/// let second = Duration::from_secs(1);
/// let backoff = Backoff::exponential(second, 10 * second);
/// let waits: Vec<_> = (1..=5).map(|failures| backoff.wait(failures).as_secs()).collect();
/// assert_eq!(waits, [1, 2, 4, 8, 10]);
/// // What draws the numbers is up to the caller, so that a test can.
/// assert_eq!(backoff.jitter(|| 0.5).wait(1), second * 3 / 4);
/// ```
#[derive(Clone, Default)]
pub struct Backoff {
    wait_min: Duration,
    wait_max: Duration,
    jitter: Option<Arc<dyn Fn() -> f64 + Send + Sync>>,
}

impl Backoff {
    /// No wait at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Waits that begin with `wait_min` and double up to `wait_max`.
    pub fn exponential(wait_min: Duration, wait_max: Duration) -> Self {
        Self { wait_min, wait_max, jitter: None }
    }

    /// Shortens each wait by up to a half, so that what failed together does not come back together. `source`
    /// draws numbers from 0, for half of the wait, to 1, for all of it.
    #[must_use]
    pub fn jitter(self, source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self { jitter: Some(Arc::new(source)), ..self }
    }

    /// The wait after so many failures one after the other.
    pub fn wait(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let wait = self.wait_min.saturating_mul(doubled).min(self.wait_max);
        match &self.jitter {
            Some(source) => wait / 2 + (wait / 2).mul_f64(unit(source())),
            None => wait,
        }
    }

    /// A child that has run for so long has not failed again, but for the first time.
    pub(super) fn calm(&self) -> Duration {
        self.wait_max
    }
}

/// The number as one between 0 and 1, whatever came.
fn unit(number: f64) -> f64 {
    if number.is_nan() { 1.0 } else { number.clamp(0.0, 1.0) }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("wait_min", &self.wait_min)
            .field("wait_max", &self.wait_max)
            .field("jitter", &self.jitter.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn jitter_keeps_the_wait_between_its_half_and_all_of_it_whatever_is_drawn() {
        for (drawn, expected) in [(0.0, 2), (1.0, 4), (-7.0, 2), (7.0, 4), (f64::NAN, 4), (f64::INFINITY, 4)]
        {
            let backoff = Backoff::exponential(4 * SECOND, 60 * SECOND).jitter(move || drawn);
            assert_eq!(backoff.wait(1), expected * SECOND, "{drawn}");
        }
    }

    #[test]
    fn wait_after_very_many_failures_is_the_longest() {
        let backoff = Backoff::exponential(SECOND, 60 * SECOND);
        assert_eq!(backoff.wait(u32::MAX), 60 * SECOND);
        assert_eq!(backoff.wait(0), SECOND);
        assert_eq!(Backoff::none().wait(u32::MAX), Duration::ZERO);
        let endless = Backoff::exponential(Duration::MAX, Duration::MAX);
        assert_eq!(endless.wait(9), Duration::MAX);
    }
}
