//! How long things take.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stout::Time;

use super::registry::Registration;
use crate::Clock;

/// How many samples of its window a timer keeps; the oldest go first.
const SAMPLES_MAX: usize = 4096;

/// What a window tells at which share of its sorted samples.
const PERCENTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)];

/// Times something that happens again and again. Clones share their samples.
///
/// The last sample is shown under the name with `_ms` behind it, in milliseconds. A timer with a
/// window also shows `/count`, `/min`, `/max` and percentiles from `/p50` to `/p9999` of the samples
/// in it, as soon as there are two.
#[derive(Clone)]
pub struct Timer {
    clock: Clock,
    samples: Arc<Samples>,
    _registration: Arc<Registration>,
}

/// The samples of a timer, in milliseconds.
pub(super) struct Samples {
    window: Option<Duration>,
    recorded: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    last: Option<f64>,
    in_window: VecDeque<(Time, f64)>,
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
        self.samples.recorded.lock().last
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
        Self { window, recorded: Mutex::default() }
    }

    fn record(&self, now: Time, took: Duration) {
        let milliseconds = took.as_secs_f64() * 1e3;
        let mut recorded = self.recorded.lock();
        recorded.last = Some(milliseconds);
        if let Some(window) = self.window {
            recorded.in_window.push_back((now, milliseconds));
            recorded.forget(now, window);
        }
    }

    /// What a snapshot shows of the timer.
    pub(super) fn show(&self, key: &str, now: Time, mut show: impl FnMut(String, f64)) {
        let mut recorded = self.recorded.lock();
        let Some(last) = recorded.last else { return };
        show(key.to_owned(), last);
        let Some(window) = self.window else { return };
        recorded.forget(now, window);
        let mut sorted: Vec<f64> = recorded.in_window.iter().map(|(_, sample)| *sample).collect();
        drop(recorded);
        sorted.sort_by(f64::total_cmp);
        let (&[min, ..], &[_, .., max]) = (&sorted[..], &sorted[..]) else { return };
        show(format!("{key}/count"), sorted.len() as f64);
        show(format!("{key}/min"), min);
        show(format!("{key}/max"), max);
        for (name, share) in PERCENTILES {
            show(format!("{key}/{name}"), percentile(&sorted, share));
        }
    }
}

impl Recorded {
    /// Drops what is older than the window, or more than is kept.
    fn forget(&mut self, now: Time, window: Duration) {
        let excess = self.in_window.len().saturating_sub(SAMPLES_MAX);
        self.in_window.drain(..excess);
        while self.in_window.front().is_some_and(|&(at, _)| at + window < now) {
            self.in_window.pop_front();
        }
    }
}

/// The value at that share of the sorted samples, between two samples in proportion.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let position = share * sorted.len().saturating_sub(1) as f64;
    let index = position.floor() as usize;
    let at = |index: usize| sorted.get(index).or(sorted.last()).copied().unwrap_or(0.0);
    let (low, high) = (at(index), at(index + 1));
    low + (high - low) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_samples_in_proportion() {
        let sorted = [0.0, 10.0, 20.0, 30.0, 40.0];
        assert_eq!(percentile(&sorted, 0.5), 20.0);
        assert_eq!(percentile(&sorted, 0.9), 36.0);
        assert_eq!(percentile(&sorted, 1.0), 40.0);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn window_forgets_what_is_old_or_too_much() {
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
        for _ in 0..2 * SAMPLES_MAX {
            samples.record(Time::from_nanos(0), Duration::ZERO);
        }
        assert_eq!(samples.recorded.lock().in_window.len(), SAMPLES_MAX);
    }
}
