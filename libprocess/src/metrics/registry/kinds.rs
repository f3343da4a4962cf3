//! What kind each metric is, as Prometheus wants to know.

use std::collections::BTreeMap;

use super::{Metrics, Source};

/// What a metric is to those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::metrics) enum Kind {
    Counter,
    Gauge,
    Timer,
}

impl Metrics {
    /// What each metric is, those about the machine left out.
    pub(in crate::metrics) fn kinds(&self) -> BTreeMap<String, Kind> {
        let kind = |source: &Source| match source {
            Source::Counter(_) => Kind::Counter,
            Source::Gauge(_) | Source::Pull(_) | Source::PullLater(_) => Kind::Gauge,
            Source::Timer(_) => Kind::Timer,
        };
        self.registry.sources.lock().iter().map(|(name, source)| (name.clone(), kind(source))).collect()
    }
}
