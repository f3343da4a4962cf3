//! Which metrics there are.

#[cfg(feature = "http")]
mod kinds;

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;

use super::timer::Samples;
use super::{Counter, Gauge, PullGauge, Timer, rate_limit, system};
use crate::Clock;
use crate::sync::{Rate, RateLimiter};

/// How long a snapshot waits for gauges when nobody says how long.
const GAUGE_WAIT_MAX: Duration = Duration::from_secs(30);

#[cfg(feature = "http")]
pub(super) use kinds::Kind;

/// The metrics of a node. Clones are the same registry.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
}

pub(super) struct Registry {
    clock: Clock,
    sources: Mutex<BTreeMap<String, Source>>,
    limit: Option<RateLimiter>,
}

/// Where the number of a metric comes from.
#[derive(Clone)]
enum Source {
    Counter(Arc<AtomicU64>),
    Gauge(Arc<AtomicU64>),
    Pull(Arc<dyn Fn() -> Option<f64> + Send + Sync>),
    PullLater(Arc<dyn Fn() -> BoxFuture<'static, Option<f64>> + Send + Sync>),
    Timer(Arc<Samples>),
}

impl Metrics {
    /// An empty registry. Its page keeps to the rate that `LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT`
    /// in the environment gives, two snapshots a second unless it is set.
    pub fn new(clock: Clock) -> Self {
        Self::with_rate(clock, rate_limit::from_env())
    }

    /// An empty registry whose page shows so many snapshots in a time, and as many at once after a quiet
    /// time; `None` for any number.
    pub fn with_rate(clock: Clock, rate: Option<Rate>) -> Self {
        let limit = rate.map(|rate| RateLimiter::with_burst(clock.clone(), rate, rate.permits));
        Self { registry: Arc::new(Registry { clock, sources: Mutex::default(), limit }) }
    }

    /// A counter that starts at 0.
    ///
    /// # Errors
    ///
    /// [`DuplicateMetric`] if there is a metric with this name.
    pub fn counter(&self, name: impl Into<String>) -> Result<Counter, DuplicateMetric> {
        let value = Arc::new(AtomicU64::new(0));
        let registration = self.register(name.into(), Source::Counter(Arc::clone(&value)))?;
        Ok(Counter::new(value, registration))
    }

    /// A gauge that somebody sets, and that starts at 0.
    ///
    /// # Errors
    ///
    /// [`DuplicateMetric`] if there is a metric with this name.
    pub fn gauge(&self, name: impl Into<String>) -> Result<Gauge, DuplicateMetric> {
        let bits = Arc::new(AtomicU64::new(0f64.to_bits()));
        let registration = self.register(name.into(), Source::Gauge(Arc::clone(&bits)))?;
        Ok(Gauge::new(bits, registration))
    }

    /// A gauge that is worked out by a closure, which is called for each snapshot and must not block.
    /// It returns a number, or an option of one: without a number the gauge is left out.
    ///
    /// # Errors
    ///
    /// [`DuplicateMetric`] if there is a metric with this name.
    pub fn pull<V: Into<Option<f64>>>(
        &self,
        name: impl Into<String>,
        value: impl Fn() -> V + Send + Sync + 'static,
    ) -> Result<PullGauge, DuplicateMetric> {
        let value = Arc::new(move || value().into());
        Ok(PullGauge::new(self.register(name.into(), Source::Pull(value))?))
    }

    /// A gauge that is worked out by a future, made for each snapshot: one that asks a process, say.
    /// If it gives no number, or not in time, the gauge is left out.
    ///
    /// # Errors
    ///
    /// [`DuplicateMetric`] if there is a metric with this name.
    pub fn pull_later<F>(
        &self,
        name: impl Into<String>,
        value: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<PullGauge, DuplicateMetric>
    where
        F: Future<Output: Into<Option<f64>>> + Send + 'static,
    {
        let value = Arc::new(move || value().map(Into::into).boxed());
        Ok(PullGauge::new(self.register(name.into(), Source::PullLater(value))?))
    }

    /// A timer, shown as `NAME_ms`; with a window, its statistics too.
    ///
    /// # Errors
    ///
    /// [`DuplicateMetric`] if there is a metric with this name and `_ms` behind it.
    pub fn timer(&self, name: impl fmt::Display, window: Option<Duration>) -> Result<Timer, DuplicateMetric> {
        let samples = Arc::new(Samples::new(window));
        let registration = self.register(format!("{name}_ms"), Source::Timer(Arc::clone(&samples)))?;
        Ok(Timer::new(self.registry.clock.clone(), samples, registration))
    }

    fn register(&self, key: String, source: Source) -> Result<Registration, DuplicateMetric> {
        match self.registry.sources.lock().entry(key) {
            btree_map::Entry::Occupied(taken) => Err(DuplicateMetric { name: taken.key().clone() }),
            btree_map::Entry::Vacant(free) => {
                let key = free.key().clone();
                free.insert(source);
                Ok(Registration { registry: Arc::downgrade(&self.registry), key })
            }
        }
    }

    /// All metrics by name, with those about the machine (`system/...`).
    ///
    /// Gauges that fail, have no finite number, or are not there after `timeout` (30 seconds, unless
    /// given) are left out.
    pub async fn snapshot(&self, timeout: Option<Duration>) -> BTreeMap<String, f64> {
        let registry = &self.registry;
        let now = registry.clock.now();
        let sources = registry.sources.lock().clone();
        let mut shown: BTreeMap<String, f64> = BTreeMap::new();
        let mut later = FuturesUnordered::new();
        for (key, source) in sources {
            match source {
                Source::Counter(value) => {
                    shown.insert(key, value.load(Ordering::Relaxed) as f64);
                }
                Source::Gauge(bits) => {
                    shown.insert(key, f64::from_bits(bits.load(Ordering::Relaxed)));
                }
                Source::Pull(value) => shown.extend(value().map(|value| (key, value))),
                Source::PullLater(value) => {
                    later.push(value().map(|value| value.map(|value| (key, value))));
                }
                Source::Timer(samples) => samples.show(&key, now, |key, value| {
                    shown.insert(key, value);
                }),
            }
        }
        shown.extend(system::gauges());
        if !later.is_empty() {
            let arrive = async {
                while let Some(value) = later.next().await {
                    shown.extend(value);
                }
            };
            // The gauges that are late are left out.
            let _ = registry.clock.timeout(timeout.unwrap_or(GAUGE_WAIT_MAX), arrive).await;
        }
        shown.retain(|_, value| value.is_finite());
        shown
    }

    /// Waits until one more snapshot may be taken for the page, or for one in its place.
    pub async fn permit(&self) {
        if let Some(limit) = &self.registry.limit {
            // It lives as long as this does, and so does not leave anybody waiting.
            let _ = limit.acquire().await;
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.registry.sources.lock().keys()).finish()
    }
}

/// Keeps a metric in its registry.
pub(super) struct Registration {
    registry: Weak<Registry>,
    key: String,
}

impl Registration {
    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            // What a source holds may itself hold metrics: it is dropped after the lock.
            let source = registry.sources.lock().remove(&self.key);
            drop(source);
        }
    }
}

/// There is a metric with this name already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DuplicateMetric {
    /// The name.
    pub name: String,
}

impl fmt::Display for DuplicateMetric {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "there is a metric named '{}' already", self.name)
    }
}

impl std::error::Error for DuplicateMetric {}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> (Metrics, Clock) {
        let clock = Clock::paused(stout::Time::from_nanos(0));
        (Metrics::with_rate(clock.clone(), None), clock)
    }

    #[tokio::test]
    async fn name_is_free_again_when_the_last_handle_is_dropped() {
        let (metrics, _) = metrics();
        let gauge = metrics.gauge("x").unwrap();
        let clone = gauge.clone();
        drop(gauge);
        let error = metrics.counter("x").unwrap_err();
        assert_eq!(error.to_string(), "there is a metric named 'x' already");
        clone.set(2.5);
        clone.add(-1.0);
        assert_eq!(metrics.snapshot(None).await["x"], 1.5);
        drop(clone);
        assert!(metrics.counter("x").is_ok());
    }

    #[tokio::test]
    async fn failing_gauge_is_left_out() {
        let (metrics, _) = metrics();
        let _none = metrics.pull("none", || None).unwrap();
        let _nan = metrics.pull("nan", || f64::NAN).unwrap();
        let _failed = metrics.pull_later("failed", || async { None }).unwrap();
        let _fine = metrics.pull_later("fine", || async { 1.0 }).unwrap();
        let snapshot = metrics.snapshot(None).await;
        assert_eq!(snapshot.get("fine"), Some(&1.0));
        for name in ["none", "nan", "failed"] {
            assert!(!snapshot.contains_key(name), "{name}");
        }
    }

    #[tokio::test]
    async fn late_gauge_is_left_out_after_the_timeout() {
        let (metrics, clock) = metrics();
        let _late = metrics.pull_later("late", std::future::pending::<f64>).unwrap();
        let _fine = metrics.pull_later("fine", || async { 1.0 }).unwrap();
        let snapshot = tokio::spawn({
            let metrics = metrics.clone();
            async move { metrics.snapshot(Some(Duration::from_millis(10))).await }
        });
        while !snapshot.is_finished() {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_millis(10)).await;
        }
        let snapshot = snapshot.await.unwrap();
        assert!(snapshot.contains_key("fine") && !snapshot.contains_key("late"));
    }

    #[tokio::test]
    async fn timer_shows_statistics_from_two_samples_on() {
        let (metrics, clock) = metrics();
        let timer = metrics.timer("run", Some(Duration::from_secs(3600))).unwrap();
        let plain = metrics.timer("plain", None).unwrap();
        assert!(!metrics.snapshot(None).await.contains_key("run_ms"));
        let started = timer.start();
        clock.advance(Duration::from_millis(250)).await;
        assert_eq!(started.stop(), Duration::from_millis(250));
        let snapshot = metrics.snapshot(None).await;
        assert_eq!(snapshot["run_ms"], 250.0);
        assert!(!snapshot.contains_key("run_ms/count"));
        timer.record(Duration::from_millis(750));
        plain.record(Duration::from_millis(1));
        plain.record(Duration::from_millis(2));
        let snapshot = metrics.snapshot(None).await;
        let expected =
            [("run_ms", 750.0), ("run_ms/count", 2.0), ("run_ms/min", 250.0), ("run_ms/p50", 500.0)];
        for (key, value) in expected {
            assert_eq!(snapshot[key], value, "{key}");
        }
        for statistic in ["max", "p90", "p95", "p99", "p999", "p9999"] {
            assert!(snapshot.contains_key(&format!("run_ms/{statistic}")), "{statistic}");
        }
        assert_eq!(snapshot["plain_ms"], 2.0);
        assert!(!snapshot.contains_key("plain_ms/count"));
    }

    #[tokio::test]
    async fn machine_is_part_of_every_snapshot() {
        let (metrics, _) = metrics();
        let snapshot = metrics.snapshot(None).await;
        let names =
            ["cpus_total", "load_1min", "load_5min", "load_15min", "mem_total_bytes", "mem_free_bytes"];
        for name in names {
            assert!(snapshot.contains_key(&format!("system/{name}")), "{name}");
        }
    }
}
