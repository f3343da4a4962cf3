//! Where a registry is kept.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use libprocess::Future;

/// Where the bytes of one registry are kept.
pub trait Storage: Send + Sync + 'static {
    /// What was stored last; no bytes when nothing was.
    fn fetch(&self) -> Future<Bytes>;

    /// Replaces what was fetched or stored last.
    fn store(&self, contents: Bytes) -> Future<Stored>;
}

/// How a store ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The contents are safe.
    Written,
    /// Somebody else stored since this storage fetched; nothing was changed.
    Outdated,
}

/// Keeps a registry as long as a clone of this lives.
#[derive(Clone, Debug, Default)]
pub struct InMemoryStorage {
    contents: Arc<Mutex<Bytes>>,
}

impl Storage for InMemoryStorage {
    fn fetch(&self) -> Future<Bytes> {
        Future::ready(self.contents.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn store(&self, contents: Bytes) -> Future<Stored> {
        *self.contents.lock().unwrap_or_else(PoisonError::into_inner) = contents;
        Future::ready(Stored::Written)
    }
}
