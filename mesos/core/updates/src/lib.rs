//! Streams of status updates: order, retry, acknowledgement.
//!
//! A task's updates reach its framework in the order they were made, each at least once, however often
//! the agent, the master or the framework restart. [`Stream`] holds the rules for one task and
//! [`Manager`] the streams of all tasks of an agent. Neither reads a clock, a disk or a socket: an
//! [`Input`] goes in and [`Effect`]s come out, which the caller performs in their order.
//!
//! An effect that has to be on disk ([`Effect::Checkpoint`]) always comes before the one that tells
//! somebody about it, so a caller that performs them in order and stops at a failure never promises
//! what a restart would forget. [`record`] has the bytes of the checkpoint file and reads them back.
//!
//! ```
//! use mesos_api::{internal::StatusUpdate, v1};
//! use mesos_updates::{Effect, Input, Manager};
//!
//! let mut manager = Manager::new();
//! let mut effects = Vec::new();
//! let mut update = StatusUpdate { uuid: Some(vec![7; 16].into()), ..Default::default() };
//! update.status.set_state(v1::TaskState::TaskRunning);
//!
//! manager.apply(Input::Update { update: Box::new(update), checkpoint: true }, &mut effects)?;
//! assert!(matches!(effects[..], [Effect::Checkpoint { .. }, Effect::Accepted { .. }]));
//!
//! // Nothing is sent before there is a master to send to.
//! effects.clear();
//! manager.apply(Input::Resume, &mut effects)?;
//! assert!(matches!(effects[..], [Effect::Forward { .. }, Effect::RetryAfter { .. }]));
//! # Ok::<(), mesos_updates::Refused>(())
//! ```

#![forbid(unsafe_code)]

mod manager;
pub mod record;
mod retry;
mod seen;
pub mod state;
mod stream;
mod uuid;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod test;

pub use manager::{Effect, Input, Manager, Refused, TaskKey};
pub use retry::{RETRY_WAIT_MAX, RETRY_WAIT_MIN, Retry};
pub use stream::{Acknowledged, Appended, PENDING_MAX, Stream};
pub use uuid::{BadUuid, Uuid};
