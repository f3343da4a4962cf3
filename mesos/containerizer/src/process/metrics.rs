//! What is counted.

use libprocess::metrics::{self, Counter};

/// The containerizer's counters.
pub(super) struct Metrics {
    /// Containers that could not be ended, or not without a trace.
    pub(super) destroy_errors: Counter,
}

impl Metrics {
    /// `None` if another containerizer of this node has them.
    pub(super) fn register(metrics: &metrics::Metrics) -> Option<Self> {
        let destroy_errors = metrics.counter("containerizer/mesos/container_destroy_errors").ok()?;
        Some(Self { destroy_errors })
    }
}
