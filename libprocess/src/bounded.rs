//! Processes for which only so much may wait.
//!
//! The queue of a process has no bound, and [`Pid::tell`](crate::Pid::tell) never waits and never fails. That is
//! right where senders are few, or wait for answers. For a process that others can drown in work, there is a
//! [`Bound`], given when it is [spawned](crate::Node::spawn_bounded): what waits then is at most so much, and what comes when
//! that is reached [waits](Bound::wait), is [refused](Bound::refuse), or takes the place of
//! [the oldest](Bound::drop_oldest). The handle on such a process is a [`BoundedPid`].
//!
//! What is counted is what others send: closures through a [`BoundedPid`], and messages of other processes, which
//! are refused where closures would wait, since whoever delivers them has others to serve. What the process has
//! set in motion itself (timers, futures, what it tells its own [`Context::pid`](crate::Context::pid)) is not,
//! so that it never stands in its own way; nor are HTTP requests, which the
//! [limits](crate::http::Limits) of the server bound.
//!
//! ```
//! use libprocess::bounded::{Bound, Refused};
//! use libprocess::{Node, Process};
//!
//! struct Printer(Vec<u32>);
//! impl Process for Printer {}
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let node = Node::builder().start().await?;
//! // Each of these waits until no more than nine others do.
//! let printer = node.spawn_bounded(Printer(Vec::new()), Bound::wait(10));
//! for page in 0..100 {
//!     printer.send(move |printer, _cx| printer.0.push(page)).await?;
//! }
//! assert_eq!(printer.ask(|printer, _cx| printer.0.len()).await?, 100);
//!
//! let picky = node.spawn_bounded(Printer(Vec::new()), Bound::refuse(1));
//! # let (release, held) = std::sync::mpsc::channel::<()>();
//! # let (started, starts) = tokio::sync::oneshot::channel();
//! picky.try_tell(move |_picky, _cx| {
//!     // It is busy here.
//! #   let _ = (started.send(()), held.recv());
//! })?;
//! # starts.await?;
//! picky.try_tell(|picky, _cx| picky.0.push(1))?;
//! assert!(matches!(picky.try_tell(|picky, _cx| picky.0.push(2)), Err(Refused::Full(_))));
//! # drop(release);
//! # Ok(()) })
//! # }
//! ```

mod gate;
mod pid;
mod process;
mod refused;
#[cfg(test)]
mod tests;

use crate::{Node, Process, SpawnError};
pub use pid::BoundedPid;
pub(crate) use process::Bounded;
pub use refused::Refused;

/// How much may wait for a process, and what happens to what is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it bounds the process that is spawned with it"]
pub struct Bound {
    waiting_max: usize,
    policy: Policy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Wait,
    Refuse,
    DropOldest,
}

impl Bound {
    /// At most so much waits, and whoever [sends](BoundedPid::send) more waits for room, in the order in which
    /// they came.
    pub const fn wait(waiting_max: usize) -> Self {
        Self::new(waiting_max, Policy::Wait)
    }

    /// At most so much waits, and what is more is given back.
    pub const fn refuse(waiting_max: usize) -> Self {
        Self::new(waiting_max, Policy::Refuse)
    }

    /// At most so much waits, and what is more takes the place of what has waited for the longest time, which is
    /// dropped: for what is worth less the older it is.
    pub const fn drop_oldest(waiting_max: usize) -> Self {
        Self::new(waiting_max, Policy::DropOldest)
    }

    /// Nothing could be sent where nothing may wait.
    const fn new(waiting_max: usize, policy: Policy) -> Self {
        let waiting_max = if waiting_max == 0 { 1 } else { waiting_max };
        Self { waiting_max, policy }
    }

    /// How much may wait: what was asked for, but at least one.
    pub const fn waiting_max(&self) -> usize {
        self.waiting_max
    }
}

impl Node {
    /// Starts a process under a generated id, like [`Node::spawn`], for which only so much may wait.
    pub fn spawn_bounded<P: Process>(&self, process: P, bound: Bound) -> BoundedPid<P> {
        BoundedPid::new(self.spawn_generated(process, |cell| Bounded::new(cell, bound)))
    }

    /// Starts a process under an id, like [`Node::spawn_as`], for which only so much may wait.
    ///
    /// # Errors
    ///
    /// Fails when the id is in use, or the node is shutting down.
    pub fn spawn_bounded_as<P: Process>(
        &self,
        id: &str,
        process: P,
        bound: Bound,
    ) -> Result<BoundedPid<P>, SpawnError> {
        Ok(BoundedPid::new(self.spawn_named(id, process, |cell| Bounded::new(cell, bound))?))
    }
}
