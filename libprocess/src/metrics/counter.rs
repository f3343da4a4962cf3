//! Numbers that only grow.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::registry::Registration;

/// Counts something that happens. Clones count together.
#[derive(Clone)]
pub struct Counter {
    value: Arc<AtomicU64>,
    _registration: Arc<Registration>,
}

impl Counter {
    pub(super) fn new(value: Arc<AtomicU64>, registration: Registration) -> Self {
        Self { value, _registration: Arc::new(registration) }
    }

    /// Counts one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts several.
    pub fn add(&self, count: u64) {
        self.value.fetch_add(count, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn value(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Counter").field(&self.value()).finish()
    }
}
