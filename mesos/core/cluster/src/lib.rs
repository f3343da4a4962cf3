//! The model of a master: frameworks, agents, tasks, offers.
//!
//! [`Cluster`] knows everything a master knows and makes every decision that a
//! master makes; it has no clock, no connections and no disk. What happens comes
//! in as an [`Input`], what is to be done comes out as [`Effect`]s:
//!
//! ```
//! use mesos_api::v1::MasterInfo;
//! use mesos_cluster::{Cluster, Input, Options};
//! use stout::Time;
//!
//! let mut cluster = Cluster::new(Options::new(MasterInfo::default()));
//! let mut effects = Vec::new();
//! cluster.apply(Input::Recovered(Box::default()), Time::EPOCH, &mut effects);
//! assert!(!effects.is_empty()); // tell the allocator, start the timers
//! ```
//!
//! # Tour
//!
//! - What there is: [`Framework`], [`Agent`], [`Task`], [`Offer`], all in a
//!   [`Snapshot`] that is cheap to take and never changes. `view` turns them into
//!   the answers of the operator API.
//! - Schedulers: `subscribe`, `disconnect` and `teardown` for their coming and
//!   going; `calls` for the small calls; `accept`, then `acceptance` with `launch`
//!   and `operations` for what they do with offers; `kill`, `acknowledge`, `reconcile`.
//! - Agents: `registration`, `reregistration` with `return_of_agent` (to the same
//!   master) and `readmission` (to another one), `recovery` for a master's first
//!   moment; `agent_update`, `updates` and `executors` for their news; `unreachable`
//!   and `removal` for their end, `registry_gc` for the time after.
//! - `offers` are made from what the allocator says and taken back.
//! - Operators: `operator`, `operator_resources`, `maintenance`.
//! - [`validation`] holds the rules for what comes from outside.
//! - `accounting` is the only place where resources are counted.
//!
//! Questions to the authorizer and writes to the registry leave as effects and
//! come back as inputs with the same [`Token`]; what waits for them is kept in
//! `pending`.
#![forbid(unsafe_code)]

mod accept;
mod acceptance;
mod accounting;
mod acknowledge;
mod agent;
mod agent_update;
mod calls;
mod capabilities;
mod cluster;
mod connection;
mod counters;
mod disconnect;
mod effect;
mod event;
mod executors;
mod framework;
mod history;
mod ids;
mod input;
mod kill;
mod launch;
mod maintenance;
mod observation;
mod offer;
mod offers;
mod operation_updates;
mod operations;
mod operator;
mod operator_resources;
mod options;
mod pending;
mod quota;
mod readmission;
mod reconcile;
mod recovery;
mod registration;
mod registry_gc;
mod removal;
mod reregistration;
mod return_of_agent;
mod snapshot;
mod status;
mod step;
mod subscribe;
mod task;
mod teardown;
#[cfg(test)]
mod testing;
mod text;
mod transition;
mod unreachable;
mod updates;
pub mod validation;
mod view;
mod wire;

pub use agent::{Agent, AgentState, Machine};
pub use capabilities::{AgentCapabilities, FrameworkCapabilities};
pub use cluster::Cluster;
pub use connection::{AgentPeer, ConnectionId, RequestId, SchedulerPeer, Token};
pub use counters::{Counters, TaskEnd};
pub use effect::{Effect, Level, OperatorError, ToAgent};
pub use event::{HEARTBEAT_INTERVAL_SECONDS, SchedulerEvent};
pub use framework::{Framework, FrameworkState, roles_of};
pub use history::History;
pub use input::{FromAgent, Input, OperatorAction, Subscribe, Timer};
pub use observation::Observation;
pub use offer::Offer;
pub use options::{Options, RemovalRate};
pub use snapshot::{MachineState, Snapshot, TaskStates};
pub use task::{STATUS_HISTORY_MAX, Task, is_removable, is_terminal};
