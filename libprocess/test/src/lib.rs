//! Many `libprocess` nodes in one test, run from one seed.
//!
//! A [`Simulation`] has nodes that are machines to each other, with processes that are not written for it.
//! It decides what they cannot: which process runs next, how long a message takes, when a connection
//! breaks, what the time is. All of that comes from a seed, in one thread, without sockets and without
//! waiting, so that hours of a cluster pass in a moment, and a seed that shows a fault shows it
//! each time. [`check`] runs a test with many seeds and prints how to replay the one that fails.
//!
//! ```
//! use std::time::Duration;
//!
//! use libprocess::disk::Disk;
//! use libprocess::{Context, Process, Upid};
//! use libprocess_test::{SimulatedDisk, check};
//!
//! /// Counts what it gets, and keeps the count on its disk before it says so.
//! struct Counter {
//!     disk: SimulatedDisk,
//!     count: u8,
//! }
//!
//! impl Process for Counter {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         self.count = self.disk.read("count").map_or(0, |bytes| bytes[0]);
//!         cx.install_raw("Add", |counter, cx, from, _body| {
//!             counter.count += 1;
//!             counter.disk.replace("count", &[counter.count]).unwrap();
//!             cx.send_raw(from, "Added", vec![counter.count]);
//!         });
//!     }
//! }
//!
//! /// Adds one each second, and remembers the highest count it was told.
//! struct Client {
//!     counter: Upid,
//!     told: u8,
//! }
//!
//! impl Process for Client {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         cx.install_raw("Added", |client, _cx, _from, body| {
//!             assert!(body[0] > client.told, "the counter has forgotten what it said");
//!             client.told = body[0];
//!         });
//!         Self::add(cx);
//!     }
//! }
//!
//! impl Client {
//!     fn add(cx: &mut Context<Self>) {
//!         cx.delay(Duration::from_secs(1), |client, cx| {
//!             cx.send_raw(&client.counter, "Add", Vec::new());
//!             Self::add(cx);
//!         });
//!     }
//! }
//!
//! check(0..20, |sim| {
//!     let server = sim.node("server", |boot| {
//!         boot.node.spawn_as("counter", Counter { disk: boot.disk.clone(), count: 0 }).unwrap();
//!     });
//!     let counter = Upid::new("counter", sim.address(server));
//!     let client = sim.node("client", move |boot| {
//!         boot.node.spawn_as("client", Client { counter: counter.clone(), told: 0 }).unwrap();
//!     });
//!     for _ in 0..5 {
//!         let wait = sim.draw_duration(Duration::ZERO..Duration::from_secs(10));
//!         sim.run_for(wait);
//!         if sim.chance(0.5) {
//!             sim.restart(server);
//!         } else {
//!             sim.partition(client, server);
//!             sim.run_for(Duration::from_secs(3));
//!             sim.heal();
//!         }
//!     }
//! });
//! ```
//!
//! What is simulated:
//!
//! * **Order.** Of all processes and background futures that can run, on any node, one is drawn.
//! * **Time.** It stands while anything can run, then jumps to what happens next. Each node has a clock of
//!   its own, which may be [ahead, behind, fast or slow](Skew).
//! * **Network.** Messages and links between nodes go over connections that keep their order, as with
//!   sockets, and that are [slow, lose packets](Conditions), are [cut](Simulation::cut) one way or both, and
//!   break. Whoever linked hears of it by `exited`.
//! * **Crashes.** A node [ends](Simulation::crash) without a word and [starts](Simulation::restart) again.
//! * **Disks.** A [`SimulatedDisk`] has after a crash what was synced, and no more, or [some of
//!   it](DiskLoss); the crash may come [between two operations](Simulation::crash_at_change). Processes that are given
//!   a [`Disk`](libprocess::disk::Disk) run on either kind.
//!
//! What is not: HTTP between the nodes, and what goes past `libprocess`. A process that reads the system's
//! clock, draws from the system's randomness, walks through a `HashMap` or starts a thread has a test that
//! differs from run to run; the seed for what it draws is [`Boot::seed`]. What is given to `tokio::spawn`
//! instead of [`Context::run`](libprocess::Context::run) fails the test, and so do tokio's timers.
//!
//! A panic in a process, such as that of an assertion, fails the test with the seed at hand.

#![forbid(unsafe_code)]

mod check;
mod disk;
mod machine;
mod network;
mod ready;
mod simulation;
mod skew;
mod trace;
mod world;

pub use check::{Finding, check, find};
pub use disk::{DiskLoss, SimulatedDisk};
pub use machine::{Boot, NodeId};
pub use network::Conditions;
pub use simulation::Simulation;
pub use skew::Skew;
pub use trace::Trace;
