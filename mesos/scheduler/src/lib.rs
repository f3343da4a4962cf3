//! The scheduler library: a framework in Rust.
//!
//! A framework is a [`Scheduler`]: what it does when offers and updates come. [`start`] connects it
//! to a master over the v1 HTTP API, keeps it connected, subscribes again after a failure with the
//! framework id it was given, acknowledges updates, and hands it a [`Driver`] through which it
//! answers.
//!
//! ```no_run
//! use libprocess::Node;
//! use mesos_api::v1::{FrameworkInfo, Offer, TaskStatus};
//! use mesos_scheduler::{Config, Driver, Scheduler};
//!
//! struct Decliner;
//!
//! impl Scheduler for Decliner {
//!     fn offers(&mut self, driver: &Driver, offers: Vec<Offer>) {
//!         driver.decline(offers.into_iter().map(|offer| offer.id), None);
//!     }
//!
//!     fn update(&mut self, _driver: &Driver, status: TaskStatus) {
//!         println!("{:?}", status.state());
//!     }
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder().start().await?;
//! let framework = FrameworkInfo { user: "root".into(), name: "decliner".into(), ..Default::default() };
//! let running = mesos_scheduler::start(&node, Config::new("127.0.0.1:5050", framework), Decliner);
//! running.wait().await?;
//! # Ok(()) }
//! ```

#![forbid(unsafe_code)]

mod calls;
mod config;
mod driver;
mod process;
mod scheduler;
mod subscription;

pub use config::Config;
pub use driver::{Driver, Running};
pub use process::start;
pub use scheduler::Scheduler;
