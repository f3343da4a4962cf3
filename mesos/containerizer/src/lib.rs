//! Containers: launch, isolate, measure, destroy.
//!
//! A [`Containerizer`] is the agent's handle on its containers. Each container has a parent process,
//! the helper, which outlives the agent: it keeps the container's output within bounds in the
//! sandbox, knows how the command ended, and leaves nothing of the container behind. So an agent can
//! restart, [recover](Containerizer::recover) its containers, and still learn how each of them ended.
//!
//! The helper is the agent's own program, started anew; its `main` must begin with [`launch_main`].
//!
//! ```no_run
//! use libprocess::Node;
//! use mesos_api::v1::{CommandInfo, ContainerId};
//! use mesos_containerizer::{ContainerConfig, Containerizer, Options, launch_main};
//!
//! fn main() -> std::process::ExitCode {
//!     let mut arguments = std::env::args_os().skip(1);
//!     if arguments.next().is_some_and(|command| command == "containerizer-launch") {
//!         return launch_main(arguments.collect());
//!     }
//!     tokio::runtime::Runtime::new().unwrap().block_on(async {
//!         let node = Node::builder().start().await?;
//!         let containerizer = Containerizer::start(&node, Options::new("/var/run/mesos"));
//!         containerizer.recover(Vec::new()).await?;
//!
//!         let id = ContainerId::from("hello");
//!         let command = CommandInfo { value: Some("echo hello; exit 3".into()), ..Default::default() };
//!         containerizer.launch(&id, ContainerConfig::new(command, "/var/lib/mesos/hello")).await?;
//!         let termination = containerizer.wait(&id).await?;
//!         assert_eq!(termination.and_then(|termination| termination.status), Some(3 << 8));
//!         Ok::<_, Box<dyn std::error::Error>>(())
//!     })
//!     .unwrap();
//!     std::process::ExitCode::SUCCESS
//! }
//! ```
//!
//! Nothing is enforced yet: resources are limits in the statistics only, every container sees the
//! machine's file system, processes and network, and there are no images, terminals or secrets.

#![forbid(unsafe_code)]

mod config;
mod containerizer;
mod error;
mod helper;
mod id;
mod launcher;
mod process;
mod runtime;
mod sandbox;
mod termination;
mod usage;
mod volumes;
mod watch;

pub use config::{ContainerClass, ContainerConfig, Helper, LogBounds, Options};
pub use containerizer::{ContainerSummary, Containerizer};
pub use error::ContainerError;
pub use helper::launch_main;
pub use termination::{Launched, Recovered, Termination};
pub use volumes::Volume;
