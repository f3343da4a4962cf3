//! A cluster in one process: a master and agents, each on a node of its own.
//!
//! They talk to each other, and to everybody else, as they would on machines of their own; only the
//! executors and what they run are processes of the system. So the program that holds the cluster
//! must be ready to be started as a helper: its `main` begins with [`helpers::dispatch`].
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     if let Some(code) = mesos_local::helpers::dispatch() {
//!         return code;
//!     }
//!     let runtime = tokio::runtime::Runtime::new().unwrap();
//!     runtime.block_on(async {
//!         let cluster = mesos_local::Cluster::start(mesos_local::Options::new("/tmp/cluster")).await.unwrap();
//!         println!("a master listens at {}", cluster.master());
//!         cluster.shutdown().await;
//!     });
//!     ExitCode::SUCCESS
//! }
//! ```

#![forbid(unsafe_code)]

mod cluster;
pub mod helpers;
mod room;

pub use cluster::{Cluster, Options, StartError};
