//! Atomics and cells, which the models replace by those of loom.

#[cfg(not(libprocess_loom))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

#[cfg(libprocess_loom)]
pub(super) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// A cell whose users keep each other out; loom checks that they do.
#[derive(Debug)]
#[cfg(not(libprocess_loom))]
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(libprocess_loom))]
impl<T> UnsafeCell<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

#[cfg(libprocess_loom)]
pub(super) use loom::cell::UnsafeCell;
