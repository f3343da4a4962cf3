//! Numbers that go up and down.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::registry::Registration;

/// A number that somebody sets. Clones set the same one.
#[derive(Clone)]
pub struct Gauge {
    bits: Arc<AtomicU64>,
    _registration: Arc<Registration>,
}

impl Gauge {
    pub(super) fn new(bits: Arc<AtomicU64>, registration: Registration) -> Self {
        Self { bits, _registration: Arc::new(registration) }
    }

    /// Sets the number.
    pub fn set(&self, value: f64) {
        self.bits.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Changes the number by as much, up or down.
    pub fn add(&self, change: f64) {
        let added = |bits| Some((f64::from_bits(bits) + change).to_bits());
        // The closure never declines.
        let _ = self.bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added);
    }

    /// The number.
    pub fn value(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Gauge").field(&self.value()).finish()
    }
}

/// A number that is worked out when a snapshot asks for it, for as long as a clone of this lives.
#[derive(Clone)]
#[must_use = "the gauge is gone when this is dropped"]
pub struct PullGauge {
    registration: Arc<Registration>,
}

impl PullGauge {
    pub(super) fn new(registration: Registration) -> Self {
        Self { registration: Arc::new(registration) }
    }
}

impl fmt::Debug for PullGauge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PullGauge").field(&self.registration.key()).finish()
    }
}
