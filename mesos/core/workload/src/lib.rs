//! The model of an agent: executors, tasks, checkpoints, recovery.
//!
//! [`Workload`] holds what an agent knows and decides what it does. It has one door,
//! [`Workload::apply`]: an [`Input`] goes in (a word of the master, a call of an executor, the end of a
//! container, a timer), and [`Effect`]s come out, which the caller performs in order. It forks nothing,
//! writes nothing and reads no clock, so every rule about launching, killing and recovering tasks can be
//! replayed from a list of inputs.
//!
//! - [`model`]: frameworks, executors and tasks as they are kept;
//! - [`events`]: what goes in and comes out;
//! - [`paths`] and [`records`]: where what is written lies, and its bytes;
//! - [`recovery`]: what is made of it after a restart; [`compatible`]: whether it is still the same agent;
//! - [`gc`]: when what is left of executors is removed.
//!
//! ```
//! use mesos_api::v1::{AgentId, AgentInfo};
//! use mesos_workload::{Effect, Input, Options, Phase, Workload};
//! use stout::Time;
//!
//! let info = AgentInfo { hostname: "host".into(), ..AgentInfo::default() };
//! let mut workload = Workload::new(Options::new("/var/lib/mesos", "10.0.0.1:5051"), info, [7; 32]);
//! let mut effects: Vec<Effect> = Vec::new();
//!
//! // Nothing was running before: there is nobody to wait for.
//! assert!(!workload.reconnect(&mut effects));
//! workload.apply(Input::Registered(AgentId { value: "S0".into() }), Time::EPOCH, &mut effects);
//! assert_eq!(workload.phase(), Phase::Running);
//! ```

#![forbid(unsafe_code)]

pub mod command;
pub mod compatible;
pub mod environment;
pub mod events;
mod executors;
pub mod gc;
mod ids;
mod kill;
mod launch;
pub mod model;
mod options;
pub mod paths;
pub mod records;
pub mod recovery;
mod registration;
mod resources;
mod sync;
mod task_end;
mod updates;
mod workload;

#[cfg(test)]
mod tests;

pub use events::{
    Count, Effect, Garbage, Input, Launch, LaunchError, PrepareError, RunKey, Subscription, Termination,
    VolumeRemoval,
};
pub use model::{Executor, ExecutorState, Framework, Link};
pub use options::{Options, Program};
pub use paths::Layout;
pub use records::File;
pub use registration::{Registration, capabilities};
pub use resources::framework_roles;
pub use sync::{SYNC_RETRY_WAIT, Sync, volume_changes};
pub use workload::{Phase, Workload};
