//! What is counted.

use libprocess::metrics::{self, Counter};

/// The containerizer's counters.
pub(super) struct Metrics {
    /// Containers that could not be ended, or not without a trace.
    pub(super) destroy_errors: Counter,
    fetches_succeeded: Counter,
    fetches_failed: Counter,
}

impl Metrics {
    /// `None` if another containerizer of this node has them.
    pub(super) fn register(metrics: &metrics::Metrics) -> Option<Self> {
        Some(Self {
            destroy_errors: metrics.counter("containerizer/mesos/container_destroy_errors").ok()?,
            fetches_succeeded: metrics.counter("containerizer/fetcher/task_fetches_succeeded").ok()?,
            fetches_failed: metrics.counter("containerizer/fetcher/task_fetches_failed").ok()?,
        })
    }

    /// The URIs of a container were fetched, or could not be.
    pub(super) fn fetched(&self, succeeded: bool) {
        if succeeded { self.fetches_succeeded.inc() } else { self.fetches_failed.inc() }
    }
}
