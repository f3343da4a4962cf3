//! The registry of agents and the operations on it.
//!
//! The registry is the part of a master's state that must survive it: which agents there are,
//! which were lost, the operators' quotas, weights and maintenance. [`Registry`] holds it and
//! [`Operation`] lists what can be done to it. Where it is stored is not known here.
//!
//! ```
//! use mesos_api::v1::{AgentId, AgentInfo};
//! use mesos_registry::{Operation, OperationError, Registry};
//! use stout::Time;
//!
//! let id = AgentId { value: "agent-1".to_owned() };
//! let info = AgentInfo { hostname: "host".to_owned(), id: Some(id.clone()), ..Default::default() };
//!
//! let mut registry = Registry::new();
//! assert_eq!(registry.apply(Operation::AdmitAgent(Box::new(info.clone()))), Ok(true));
//! assert_eq!(registry.apply(Operation::MarkUnreachable { id: id.clone(), at: Time::EPOCH }), Ok(true));
//! assert_eq!(registry.apply(Operation::MarkReachable(Box::new(info.clone()))), Ok(true));
//! assert_eq!(registry.apply(Operation::MarkReachable(Box::new(info))), Ok(false)); // nothing to do
//! assert_eq!(registry.apply(Operation::RemoveAgent(id.clone())), Ok(true));
//! assert_eq!(registry.apply(Operation::RemoveAgent(id.clone())), Err(OperationError::NotAdmitted(id)));
//! # Ok::<(), String>(())
//! ```
//!
//! # Tour
//!
//! - `registry` is the contents and how they become bytes; `roll` the lists of lost agents.
//! - `operation` lists the operations; `agents`, `maintenance` and `settings` carry them out.

#![forbid(unsafe_code)]

mod agents;
mod maintenance;
mod operation;
mod registry;
mod roll;
mod settings;
#[cfg(test)]
mod tests;

pub use operation::{Operation, OperationError};
pub use registry::Registry;
