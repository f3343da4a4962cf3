//! The rules for what schedulers, agents and operators send.
//!
//! Each function returns the text that its sender gets to read.

pub mod agent;
pub mod call;
pub mod check;
pub mod command;
pub mod container;
pub mod executor;
pub mod framework;
pub mod group;
pub mod id;
pub mod maintenance;
pub mod offer;
pub mod operation;
pub mod quota;
pub mod resource;
pub mod task;

/// Nothing is wrong, or what is.
pub type Verdict = Result<(), String>;

/// Puts what was looked at in front of what is wrong with it.
pub(crate) fn within(verdict: Verdict, what: &str) -> Verdict {
    verdict.map_err(|error| format!("{what}: {error}"))
}
