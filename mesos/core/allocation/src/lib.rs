//! The allocation cycle: who is offered what.
//!
//! [`Allocation`] is a pure core. It is told what happens ([`Input`]) together with the time, and answers
//! with what to do ([`Output`]); it reads no clock, and what is arbitrary comes from the seed in its
//! [`Options`]. The actor around it is the crate `mesos-allocator`.
//!
//! A run looks at the agents to which something happened, or at all of them once per allocation interval:
//!
//! 1. Roles with quota get unreserved resources up to their guarantee, and what is reserved for them.
//! 2. The other roles get the rest: the role with the smallest dominant share first, and in it the
//!    framework with the smallest. Unreserved resources stay free where quotas will need them.
//! 3. Frameworks on agents that are planned to go away get inverse offers.
//!
//! [`Allocation::explain`] tells, in numbers and in words, why a role gets nothing now; a [`Quota`] guarantees
//! a role amounts and may limit it.
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use mesos_allocation::{Allocation, Input, Options, Output};
//! use mesos_api::v1::{AgentId, AgentInfo, FrameworkId, FrameworkInfo};
//! use mesos_resources::Resources;
//! use stout::Time;
//!
//! let mut allocation = Allocation::new(Options::default());
//! let mut out = Vec::new();
//! let id = FrameworkId { value: "f".to_owned() };
//! let framework = Input::AddFramework {
//!     id: id.clone(),
//!     info: FrameworkInfo::default(),
//!     used: BTreeMap::new(),
//!     active: true,
//!     suppressed_roles: BTreeSet::new(),
//! };
//! allocation.apply(framework, Time::EPOCH, &mut out);
//! assert!(out.is_empty());
//!
//! let agent = Input::AddAgent {
//!     id: AgentId { value: "a".to_owned() },
//!     info: AgentInfo::default(),
//!     capabilities: vec![],
//!     unavailability: None,
//!     total: Resources::parse("cpus:2;mem:1024", "*")?,
//!     used: BTreeMap::new(),
//! };
//! allocation.apply(agent, Time::EPOCH, &mut out);
//! assert!(matches!(&out[..], [Output::Offers { framework, .. }] if *framework == id));
//! # Ok::<(), mesos_resources::ResourceError>(())
//! ```
#![forbid(unsafe_code)]

mod agent;
mod agents;
mod allocation;
mod attention;
mod explain;
mod filter;
mod framework;
mod frameworks;
mod input;
mod ledger;
mod mutation;
mod offers;
mod options;
mod output;
mod quota;
mod quotas;
mod random;
mod ranking;
mod role;
mod roles;
mod run;
mod table;
mod tally;
mod tree;

pub use allocation::{Allocation, RoleStatus};
pub use explain::{Explanation, FrameworkExplanation, FrameworkState};
pub use input::Input;
#[doc(hidden)]
#[cfg(feature = "mutations")]
pub use mutation::Fix;
pub use options::Options;
pub use output::Output;
pub use quotas::Quota;
