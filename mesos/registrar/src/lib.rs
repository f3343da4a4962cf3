//! Batched writes to the registry.
//!
//! A [`Registrar`] owns the registry of a leading master: it reads it once, marks it as the
//! master's own, and from then on applies [operations](mesos_registry::Operation) to it. One
//! write is in flight at a time; what arrives meanwhile goes out together in the next.
//!
//! ```
//! use mesos_api::v1::MasterInfo;
//! use mesos_registrar::{InMemoryStorage, Options, Registrar};
//! use mesos_registry::Operation;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let node = libprocess::Node::builder().start().await?;
//! let registrar = Registrar::start(&node, InMemoryStorage::default(), Options::default());
//! let registry = registrar.recover(MasterInfo::default()).await?;
//! assert!(registry.slaves.is_none());
//! let mutated = registrar.apply(Operation::RemoveQuota("role".to_owned())).await?;
//! assert_eq!(mutated, Ok(false)); // it had no quota
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod metrics;
mod process;
mod registrar;
mod storage;
#[cfg(test)]
mod tests;

pub use registrar::{Options, Registrar};
pub use storage::{InMemoryStorage, Storage, Stored};
