//! Atomics and locks, which the models replace by those of loom.

#[cfg(not(libprocess_loom))]
pub(super) use std::sync::atomic::{AtomicUsize, Ordering, fence};

#[cfg(libprocess_loom)]
pub(super) use loom::sync::atomic::{AtomicUsize, Ordering, fence};

#[cfg(not(libprocess_loom))]
pub(super) use parking_lot::Mutex;

/// As that of `parking_lot`, as far as it is used.
#[cfg(libprocess_loom)]
pub(super) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(libprocess_loom)]
impl<T> Mutex<T> {
    pub(super) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(super) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().expect("no model panics with a lock")
    }
}
