//! How long things take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stout::Time;

use super::registry::Registration;
use super::{Statistics, TimeSeries};
use crate::Clock;

/// Times something that happens again and again. Clones share their samples.
///
/// The last sample is shown under the name with `_ms` behind it, in milliseconds. A timer with a
/// window also shows `/count`, `/min`, `/max` and percentiles from `/p50` to `/p9999` of the samples
/// in it, as soon as there are two; of very many, the older ones are [thinned out](TimeSeries).
#[derive(Clone)]
pub struct Timer {
    clock: Clock,
    samples: Arc<Samples>,
    _registration: Arc<Registration>,
}

/// The samples of a timer, in milliseconds.
pub(super) struct Samples {
    window: Option<Duration>,
    series: Mutex<TimeSeries<f64>>,
}

impl Timer {
    pub(super) fn new(clock: Clock, samples: Arc<Samples>, registration: Registration) -> Self {
        Self { clock, samples, _registration: Arc::new(registration) }
    }

    /// Starts a measurement, which [`Started::stop`] ends. Any number may be under way.
    pub fn start(&self) -> Started {
        Started { timer: self.clone(), at: self.clock.now() }
    }

    /// Measures how long a future takes. One that is dropped is not counted.
    pub async fn time<F: Future>(&self, future: F) -> F::Output {
        let started = self.start();
        let output = future.await;
        started.stop();
        output
    }

    /// Adds a sample that was measured elsewhere.
    pub fn record(&self, took: Duration) {
        self.samples.record(self.clock.now(), took);
    }

    /// The last sample in milliseconds, if there is one.
    pub fn value(&self) -> Option<f64> {
        self.samples.series.lock().latest().map(|(_, sample)| sample)
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Timer").field("last_ms", &self.value()).finish_non_exhaustive()
    }
}

/// A measurement under way. Dropping it counts nothing.
#[derive(Debug)]
#[must_use = "nothing is counted until this is stopped"]
pub struct Started {
    timer: Timer,
    at: Time,
}

impl Started {
    /// Ends the measurement and returns how long it took.
    pub fn stop(self) -> Duration {
        let now = self.timer.clock.now();
        let took = now - self.at;
        self.timer.samples.record(now, took);
        took
    }
}

impl Samples {
    pub(super) fn new(window: Option<Duration>) -> Self {
        let series = match window {
            Some(window) => TimeSeries::new(window),
            // Only the latest one is ever looked at.
            None => TimeSeries::with_capacity(Duration::ZERO, 0),
        };
        Self { window, series: Mutex::new(series) }
    }

    fn record(&self, now: Time, took: Duration) {
        self.series.lock().push(now, took.as_secs_f64() * 1e3);
    }

    /// What a snapshot shows of the timer.
    pub(super) fn show(&self, key: &str, now: Time, mut show: impl FnMut(String, f64)) {
        let mut series = self.series.lock();
        let Some((_, latest)) = series.latest() else { return };
        show(key.to_owned(), latest);
        if self.window.is_none() {
            return;
        }
        series.forget(now);
        for (name, value) in series.statistics().iter().flat_map(Statistics::shown) {
            show(format!("{key}/{name}"), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_of_the_samples_in_the_window() {
        let samples = Samples::new(Some(Duration::from_secs(60)));
        for second in 0..100 {
            samples.record(Time::from_nanos(second * 1_000_000_000), Duration::from_millis(1));
        }
        let shown = |now: i64| {
            let mut shown = std::collections::BTreeMap::new();
            samples.show("x_ms", Time::from_nanos(now * 1_000_000_000), |key, value| {
                shown.insert(key, value);
            });
            shown
        };
        assert_eq!(shown(99)["x_ms/count"], 61.0);
        assert_eq!(shown(99).len(), 10);
        assert_eq!(shown(500).into_iter().collect::<Vec<_>>(), [("x_ms".to_owned(), 1.0)]);
    }
}
