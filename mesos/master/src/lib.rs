//! The master daemon as a library.
//!
//! A [`Master`] is an actor around the model of `mesos-cluster`: the model decides, the actor tells
//! it what happens (messages of drivers and agents, HTTP calls, broken links, timers, answers of
//! allocator, registrar and authorizer) and does what it says.
//!
//! ```
//! use libprocess::Node;
//! use mesos_master::{Flags, Master};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let node = Node::builder().delegate("master").start().await?;
//! let master = Master::start(&node, Flags::default())?;
//! assert_eq!(master.info().pid(), format!("master@{}", node.address()));
//! node.shutdown().await;
//! # Ok(()) })
//! # }
//! ```
//!
//! # Tour
//!
//! - `process` is the actor, `perform` what it does for the model, `peers` who is at the other end
//!   of the model's connections, `observer` the process that pings one agent.
//! - `v0` takes the messages of drivers and agents; `scheduler_api` and `operator_api` are the v1
//!   APIs, `endpoints` with `state_json` what came before them; `gate` is what every request passes.
//! - `view` is the master at one moment: whoever reads works on one, on another thread.
//! - `metrics` are the numbers under `master/`, [`Flags`] what a master can be told.

#![forbid(unsafe_code)]

mod authorization;
mod components;
mod endpoints;
mod extension;
mod flags;
mod form;
mod gate;
mod maintenance;
mod master;
mod metrics;
mod observer;
mod operate;
mod operator_api;
mod peers;
mod perform;
mod process;
mod quotas;
mod roles;
mod routes;
mod scheduler_api;
mod state_json;
mod subscribers;
mod v0;
mod view;
mod whitelist;

pub use components::{Components, StartAllocator};
pub use flags::Flags;
pub use master::{Master, StartError};
