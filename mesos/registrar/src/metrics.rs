//! What a registrar counts.

use std::time::Duration;

use libprocess::Node;
use libprocess::metrics::{Gauge, Started, Timer};

/// Of several registrars on one node, the first one's numbers are shown.
#[derive(Default)]
pub(crate) struct Metrics {
    queued_operations: Option<Gauge>,
    /// Shown from the time the registry was read.
    registry_size_bytes: Option<Gauge>,
    state_fetch: Option<Timer>,
    state_store: Option<Timer>,
}

impl Metrics {
    pub(crate) fn register(node: &Node) -> Metrics {
        let metrics = node.metrics();
        Metrics {
            queued_operations: metrics.gauge("registrar/queued_operations").ok(),
            registry_size_bytes: None,
            state_fetch: metrics.timer("registrar/state_fetch", None).ok(),
            state_store: metrics.timer("registrar/state_store", Some(Duration::from_hours(24))).ok(),
        }
    }

    pub(crate) fn queued(&self, operations: usize) {
        if let Some(gauge) = &self.queued_operations {
            gauge.set(operations as f64);
        }
    }

    pub(crate) fn size(&mut self, node: &Node, bytes: usize) {
        if self.registry_size_bytes.is_none() {
            self.registry_size_bytes = node.metrics().gauge("registrar/registry_size_bytes").ok();
        }
        if let Some(gauge) = &self.registry_size_bytes {
            gauge.set(bytes as f64);
        }
    }

    pub(crate) fn fetching(&self) -> Option<Started> {
        self.state_fetch.as_ref().map(Timer::start)
    }

    pub(crate) fn storing(&self) -> Option<Started> {
        self.state_store.as_ref().map(Timer::start)
    }
}
