//! Processes that are begun anew when they end, by others that look after them.
//!
//! A [`Supervisor`] is a process with children. It starts them in order, each by a closure that makes the child's
//! process; when one ends, it begins that one, or more, anew from that closure, by its [`Strategy`]. A child that
//! fails again and again is given more time by the [`Backoff`], and when there have been too many restarts within a
//! period, the supervisor ends its children, the last one first, and fails in turn, with [`TooManyRestarts`]: so that
//! what a restart does not mend is told to whoever monitors or supervises it.
//!
//! A child keeps its id, and with it its address, across restarts. A [`Pid`](crate::Pid) is a handle on one process, and of
//! no use once that has ended; a [`Child`] is one on whatever process is the child's at the moment.
//!
//! ```
//! use std::time::Duration;
//!
//! use libprocess::supervision::{Backoff, ChildSpec, Restart, Strategy, Supervisor};
//! use libprocess::{Node, Process};
//!
//! #[derive(Default)]
//! struct Store(Vec<u32>);
//! impl Process for Store {}
//!
//! struct Cleaner;
//! impl Process for Cleaner {}
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let node = Node::builder().start().await?;
//! let store = ChildSpec::new("store", Store::default);
//! let cleaner = ChildSpec::new("cleaner", || Cleaner).restart(Restart::Transient);
//! let handle = store.handle();
//!
//! let supervisor = Supervisor::new(Strategy::RestForOne)
//!     .intensity(5, Duration::from_secs(10))
//!     .backoff(Backoff::exponential(Duration::from_millis(1), Duration::from_secs(1)))
//!     .child(store)
//!     .child(cleaner);
//! let supervisor = node.spawn_as("supervisor", supervisor)?;
//!
//! let first = handle.up().await?;
//! first.tell(|_store, _cx| panic!("the disk is full"));
//! first.wait().await?;
//! let second = handle.up().await?;
//! assert_ne!(first, second);
//! assert_eq!(first.upid(), second.upid());
//!
//! // Ends the children in reverse order, and then itself.
//! supervisor.shutdown();
//! supervisor.wait().await?;
//! assert_eq!(handle.pid(), None);
//! # Ok(()) })
//! # }
//! ```
//!
//! A supervisor can be the child of another, and so be begun anew with all below it. Children made from clones of
//! one [`ChildSpec`] share its handle:
//!
//! ```
//! use libprocess::supervision::{ChildSpec, Strategy, Supervisor};
//! use libprocess::{Node, Process};
//!
//! struct Reader;
//! impl Process for Reader {}
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let node = Node::builder().start().await.unwrap();
//! let reader = ChildSpec::new("reader", || Reader);
//! let handle = reader.handle();
//! let input = ChildSpec::supervisor("input", move || {
//!     Supervisor::new(Strategy::OneForAll).child(reader.clone())
//! });
//! node.spawn(Supervisor::new(Strategy::OneForOne).child(input));
//! assert_eq!(handle.up().await?.upid().id(), "reader");
//! # Ok::<(), libprocess::FutureError>(())
//! # }).unwrap();
//! ```
//!
//! # How a tree ends
//!
//! [`Pid::shutdown`](crate::Pid::shutdown) of a supervisor ends its children one after the other, the last one that
//! was started first: each is asked to [shut down](crate::Process::shutdown) after what waits for it, and is terminated
//! at once when it takes longer than its [`Shutdown`] says. A supervisor below does the same before it is the turn of the
//! next. [`Pid::terminate`](crate::Pid::terminate) of a supervisor ends the whole tree at once, without waiting
//! for anything.

mod backoff;
mod child;
mod error;
mod plan;
mod spec;
mod supervisor;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use backoff::Backoff;
pub use child::Child;
pub use error::TooManyRestarts;
pub use spec::ChildSpec;
pub use supervisor::{ChildState, Supervisor};

/// Which children are begun anew when one has ended that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// That one, and no other.
    OneForOne,
    /// All: the others are ended first, the last one first.
    OneForAll,
    /// That one, and those that were started after it, which are ended first.
    RestForOne,
}

/// Whether a child that has ended is begun anew.
///
/// A child that is not is forgotten by its supervisor. One that ended because its supervisor began all anew is
/// started again, unless it is temporary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Restart {
    /// Whenever it ends.
    #[default]
    Permanent,
    /// When it failed or panicked, and not when it terminated.
    Transient,
    /// Never.
    Temporary,
}

/// How long a child may take to end that was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// It is not asked, and what waits for it is dropped.
    AtOnce,
    /// It is asked to [shut down](crate::Process::shutdown), and terminated at once when it still runs after this
    /// time.
    Within(Duration),
    /// As long as it likes: for supervisors, which hold their own children to a time.
    Patient,
}

impl Default for Shutdown {
    /// Within five seconds.
    fn default() -> Self {
        Self::Within(Duration::from_secs(5))
    }
}
