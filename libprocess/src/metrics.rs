//! Counters, gauges and timers, the page that shows them, and statistics over time.
//!
//! Each node has a [`Metrics`] registry. What it gives out is a handle: cheap to clone and to use,
//! and when its last clone is dropped the metric is gone from the registry.
//!
//! ```
//! use libprocess::{Clock, metrics::Metrics};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let metrics = Metrics::new(Clock::system());
//! let launches = metrics.counter("launcher/launches")?;
//! let _load = metrics.pull("launcher/load", || 0.5)?;
//! launches.add(2);
//!
//! let snapshot = metrics.snapshot(None).await;
//! assert_eq!(snapshot["launcher/launches"], 2.0);
//! assert_eq!(snapshot["launcher/load"], 0.5);
//!
//! assert!(metrics.counter("launcher/load").is_err()); // the name is taken
//! drop(launches);
//! assert!(!metrics.snapshot(None).await.contains_key("launcher/launches"));
//! # Ok::<(), libprocess::metrics::DuplicateMetric>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod counter;
#[cfg(feature = "http")]
mod endpoint;
mod gauge;
#[cfg(feature = "http")]
mod prometheus;
mod rate_limit;
mod registry;
mod statistics;
mod system;
mod time_series;
mod timer;

pub use counter::Counter;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use endpoint::{snapshot, to_json};
pub use gauge::{Gauge, PullGauge};
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use prometheus::text;
pub use registry::{DuplicateMetric, Metrics};
pub use statistics::Statistics;
pub use time_series::TimeSeries;
pub use timer::{Started, Timer};
