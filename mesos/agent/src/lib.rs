//! The agent daemon as a library.
//!
//! [`Agent::start`] runs an agent on a [`Node`](libprocess::Node): it registers with its master, launches
//! executors and hands them tasks, sees to it that what they report arrives, and takes all that up again
//! after a restart. What it decides, [`mesos_workload`] decides; here are the actor, its messages and
//! endpoints, and the files it writes.
//!
//! ```no_run
//! use libprocess::Node;
//! use mesos_agent::{Agent, AgentFlags, Parts};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder().delegate("slave(1)").start().await?;
//! let flags = AgentFlags {
//!     master: "127.0.0.1:5050".into(),
//!     work_dir: "/var/lib/mesos-agent".into(),
//!     ..AgentFlags::default()
//! };
//! let agent = Agent::start(&node, flags, Parts::default()).await?;
//! agent.finished().await?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod agent;
mod attributes;
pub mod detector;
mod disk;
pub mod flags;
mod gc;
mod http;
mod leave;
mod machine;
mod metrics;
mod perform;
mod process;
mod recovery;
mod register;
mod runs;
mod sandbox;
mod serial;
mod updates;
mod v0;
mod volumes;

pub use agent::{Agent, AgentFailed, Parts, StartError};
pub use detector::{Leader, MasterDetector, StandaloneDetector};
pub use flags::AgentFlags;
pub use mesos_containerizer::Helper;
pub use mesos_workload::Program;
