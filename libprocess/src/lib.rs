//! Actors that work across machines.
//!
//! A [`Process`] is a struct whose methods run one at a time, on `&mut self`, whenever an event
//! arrives: a closure that somebody [told](Pid::tell) or [asked](Pid::ask) it, a protobuf message
//! from a process on another machine, an HTTP request on one of its routes, a timer, or the news
//! that a process it [linked](Context::link) to is gone. Processes live on a [`Node`], which has an
//! address, a clock, an HTTP server and metrics; a [`Upid`] (`id@ip:port`) names a process from
//! anywhere, and the wire format is the one of C++ libprocess.
//!
//! ```
//! use libprocess::{Node, Process};
//!
//! struct Counter {
//!     count: u64,
//! }
//!
//! impl Process for Counter {}
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let node = Node::builder().start().await?;
//! let counter = node.spawn(Counter { count: 0 });
//! counter.tell(|counter, _cx| counter.count += 2);
//! let count = counter.ask(|counter, _cx| counter.count).await?;
//! assert_eq!(count, 2);
//! node.shutdown().await;
//! # Ok(()) })
//! # }
//! ```
//!
//! Where to look next:
//!
//! * the [guide], from the first actor to two machines;
//! * [`Process`], [`Context`] and [`Pid`]: writing actors and talking to them;
//! * [`supervision`]: processes that are begun anew when they fail; [`Context::monitor`]: why one ended;
//! * [`Node::find`] and [`Group`]: processes by their names, and several at once;
//! * [`bounded`]: processes for which only so much may wait;
//! * [`Future`] and [`Promise`]: results that are not there yet, and can be discarded; [`collect`],
//!   [`await_all`], [`select`] and [`repeat`] make one of many;
//! * [`sync`]: queues, locks, sequences and limits that are waited for with futures;
//! * [`subprocess`]: programs that run beside this one;
//! * [`disk`]: files that survive a crash, and a seam for those of a test;
//! * [`Clock`]: time that a test pauses, advances and settles;
//! * [`Context::link`] and [`remote`]: other nodes, their faults, and a seam for a network of one's own;
//! * [`http`]: requests, responses, streams, and the client;
//! * [`tls`]: certificates and keys, for nodes and clients;
//! * [`metrics`]: counters, gauges and timers behind `/metrics/snapshot`;
//! * [`trace`]: which message was sent because of which, across actors and machines.
//!
//! # Features
//!
//! All are on by default. Without them (`default-features = false`) there are actors, futures, the clock,
//! supervision, groups, monitors, bounds, [`sync`], [`subprocess`] and [`disk`], for a program of one node;
//! messages and links to other nodes are as if the network were down. A feature only adds: what is there
//! without it is there with it, and means the same.
//!
//! | feature | brings | its main crates |
//! |---|---|---|
//! | `http` | [`http`]: the server, routes on actors, the node's own pages, the client | hyper, flate2, socket2, futures |
//! | `remote` (with `http`, which its messages are) | [`remote`]: messages and links between nodes | none |
//! | `tls` (with `http`) | [`tls`]; `https` in the client; `BasicAuthenticator`, which keeps digests of secrets | openssl, tokio-openssl, hyper-openssl |
//! | `metrics` | [`metrics`], and with `http` its pages | futures |
//!
//! Without `http` nothing listens at the [address](Node::address) of a node: it only tells the PIDs of nodes apart.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Without a feature, links lead to what it would bring.
#![cfg_attr(
    not(all(feature = "http", feature = "metrics", feature = "remote", feature = "tls")),
    allow(rustdoc::broken_intra_doc_links, rustdoc::private_intra_doc_links)
)]
#![deny(unsafe_code)] // But in `mailbox`, which says why.

pub mod bounded;
#[cfg(feature = "http")]
mod builtin;
mod clock;
mod context;
pub mod disk;
mod exit;
mod future;
#[cfg(all(any(test, fuzzing), feature = "tls"))] // What has all parsers.
#[doc(hidden)]
pub mod fuzz;
mod group;
#[cfg(all(feature = "remote", feature = "tls"))] // Its programs need both.
pub mod guide;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod http;
#[cfg(feature = "http")]
mod logging;
#[allow(unsafe_code)]
mod mailbox;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
mod node;
mod panic;
mod pid;
mod process;
#[cfg(feature = "remote")]
#[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
pub mod remote;
#[cfg(not(feature = "remote"))]
#[path = "absent/remote.rs"]
mod remote;
#[cfg(feature = "http")]
mod routes;
#[cfg(not(feature = "http"))]
#[path = "absent/routes.rs"]
mod routes;
mod runner;
pub mod runtime;
pub mod subprocess;
pub mod supervision;
pub mod sync;
#[cfg(feature = "tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "absent/tls.rs"]
pub mod tls;
pub mod trace;
mod tracked;
mod upid;

pub use clock::{Clock, Timer};
pub use context::{Context, Monitor};
pub use exit::Exit;
pub use future::{Failure, Future, FutureError, FutureState, Promise};
pub use future::{await_all, collect, repeat, repeat_on, select};
pub use group::Group;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use logging::Logging;
pub use node::{Node, NodeBuilder, SpawnError};
pub use pid::Pid;
pub use process::Process;
pub use runtime::run;
pub use stout::{Time, WireMessage};
pub use upid::{ParseUpidError, Upid};

/// Its program is compiled, and run, like every other one.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
