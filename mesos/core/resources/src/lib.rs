//! Resource values and their algebra.
//!
//! [`Resources`] is the collection everything else works with: what an agent has, what a task uses,
//! what an offer holds. It is always canonical: resources that mean the same thing are merged, empty
//! ones are gone, reservations are in the form that allows refinement, and scalars are fixed point
//! numbers of three decimals, so that adding and subtracting never drifts.
//!
//! - [`Resource`] is one entry of it; [`Value`], [`Scalar`], [`Ranges`] are amounts.
//! - [`Quantities`] are bare amounts by name, for arithmetic that ignores who owns what.
//! - [`Conversion`] says what an offer operation turns into what; [`Resources::apply`] performs it.
//! - [`validate`] checks what comes from outside, [`format`](mod@format) converts between the two wire forms of
//!   reservations, [`roles`] knows role names.
//!
//! ```
//! use mesos_resources::Resources;
//!
//! let agent = Resources::parse("cpus:4;mem:1024;ports:[31000-32000];disk(web):100", "*")?;
//! let task = Resources::parse("cpus:0.1;mem:32", "*")?;
//! assert!(agent.contains(&task));
//! let rest = &agent - &task;
//! assert_eq!(rest.cpus(), Some(3.9));
//! assert_eq!(rest + task, agent);
//! # Ok::<(), mesos_resources::ResourceError>(())
//! ```
#![forbid(unsafe_code)]

mod apply;
mod display;
mod error;
pub mod format;
mod kind;
mod name;
mod parse;
mod quantities;
mod resource;
mod resources;
pub mod roles;
mod scalar;
pub mod validate;
mod value;

pub use apply::{Conversion, apply_checkpointed, conversions, operation_provider_id};
pub use error::ResourceError;
pub use name::Name;
pub use quantities::Quantities;
pub use resource::Resource;
pub use resources::Resources;
pub use scalar::Scalar;
pub use value::{Ranges, Value};

#[cfg(test)]
mod properties;
