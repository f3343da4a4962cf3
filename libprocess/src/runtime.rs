//! Where processes and background futures run.
//!
//! A node runs on the tokio runtime that it was started in, for sockets, files, subprocesses and tokio's
//! timers, and on a run queue for its processes. That is a pool of worker threads, one for each core, which
//! all nodes of the program share (`LIBPROCESS_NUM_WORKER_THREADS` changes their number); or a
//! [`Scheduler`] that the node was built with, such as one that draws the order from a seed.
//!
//! Of the pool:
//!
//! * Whoever wakes a process on a worker has it run next, there: what it needs is in the cache of that
//!   core, and crossing to another thread costs more than most handlers. The process woken last is in a
//!   slot of the worker, those before it are in the worker's queue. The slot goes before the queue, but
//!   only a few times in a row.
//! * Who has nothing to do takes half of another worker's queue. Only one searches at a time, and
//!   wakes the next one when it has found something, so that a burst does not wake everybody.
//! * A process has so many messages handled, then it goes to the end of the line.
//! * A connection's thread runs the process that it has a request for itself, where the route says that
//!   its handler does not block.
//! * A handler that takes long holds up its worker and nothing else: a monitor sees to it that other
//!   workers take what waits behind it, and logs whose handler it is.
//!
//! The handle of the node's tokio runtime is entered wherever its processes and futures run, so that they
//! may use tokio as they would on one of its threads.

mod guest;
mod idle;
mod monitor;
mod pool;
mod scheduler;
mod sync;
mod task;
mod worker;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

pub use scheduler::{Runnable, Scheduler};

pub(crate) use monitor::{TICK, ticks};
pub(crate) use task::Tasks;

use crate::Upid;
use crate::mailbox::Ready;
use pool::Pool;

/// Runs a program to its end, in a tokio runtime made for it: for a `main` that has no other use for tokio.
///
/// ```
/// use libprocess::Node;
///
/// let address = libprocess::run(async {
///     let node = Node::builder().start().await?;
///     let address = node.address();
///     node.shutdown().await;
///     std::io::Result::Ok(address)
/// })??;
/// println!("the node was at {address}");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Fails when the system gives no threads or no poller.
///
/// # Panics
///
/// Panics within another tokio runtime, which it would block.
pub fn run<F: Future>(program: F) -> std::io::Result<F::Output> {
    Ok(tokio::runtime::Runtime::new()?.block_on(program))
}

/// What the actors and futures of a node run on.
pub(crate) struct Runtime {
    pub(crate) tokio: tokio::runtime::Handle,
    queue: Queue,
    /// Whether tokio has threads enough that one of them may do something else for a while.
    spare_threads: bool,
}

enum Queue {
    Pool(&'static Pool),
    Own(Arc<dyn Scheduler>),
}

/// No actor has this address.
const FUTURE: usize = 1;

/// What a run queue holds.
pub(crate) enum Work {
    Actor(Ready<Arc<Runtime>>),
    Task(async_task::Runnable<Arc<Runtime>>),
}

impl Runtime {
    /// # Errors
    ///
    /// Without a scheduler: the system refuses to start the threads of the workers.
    pub(crate) fn new(
        tokio: tokio::runtime::Handle,
        scheduler: Option<Arc<dyn Scheduler>>,
    ) -> io::Result<Self> {
        let queue = match scheduler {
            Some(scheduler) => Queue::Own(scheduler),
            None => Queue::Pool(pool::get()?),
        };
        let spare_threads = tokio.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread;
        Ok(Self { tokio, queue, spare_threads })
    }

    /// Whether a [`Scheduler`] decides what runs when.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.queue, Queue::Own(_))
    }

    /// Goes through a table; where a scheduler decides what happens, in an order that is the same in every
    /// run.
    pub(crate) fn each<V>(&self, table: HashMap<Upid, V>, mut f: impl FnMut(Upid, V)) {
        if !self.is_own() {
            return table.into_iter().for_each(|(pid, value)| f(pid, value));
        }
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        entries.into_iter().for_each(|(pid, value)| f(pid, value));
    }

    /// Tells a scheduler of a panic, which was logged.
    pub(crate) fn panicked(&self, process: Option<&Upid>, text: &str) {
        if let Queue::Own(scheduler) = &self.queue {
            scheduler.panicked(process, text);
        }
    }

    /// Has slow handlers of a node reported by the name of their process.
    pub(crate) fn watch(&self, node: crate::node::WeakNode) {
        if let Queue::Pool(pool) = &self.queue {
            pool.monitor.watch(node);
        }
    }

    /// Has something run soon.
    #[inline]
    pub(crate) fn schedule(&self, work: Work) {
        match &self.queue {
            Queue::Pool(pool) => worker::schedule(pool, work),
            Queue::Own(scheduler) => scheduler.schedule(Runnable::new(work)),
        }
    }

    /// Has something that is quick run at once on this thread, if that may be, else soon.
    #[cfg_attr(not(feature = "http"), allow(dead_code))] // Requests are what it is for.
    pub(crate) fn run_here(&self, work: Work) {
        let left = match &self.queue {
            Queue::Pool(pool) if self.spare_threads => guest::run(pool, self, work),
            _ => Err(work),
        };
        if let Err(work) = left {
            self.schedule(work);
        }
    }

    /// Has something new run behind what waits: who starts it may start many.
    pub(crate) fn schedule_last(&self, work: Work) {
        match &self.queue {
            Queue::Pool(pool) => worker::schedule_last(pool, work),
            Queue::Own(scheduler) => scheduler.schedule(Runnable::new(work)),
        }
    }
}

impl Work {
    #[inline]
    fn runtime(&self) -> &Arc<Runtime> {
        match self {
            Self::Actor(actor) => actor.place(),
            Self::Task(task) => task.metadata(),
        }
    }

    /// Runs it, where its runtime was entered; what comes back goes to the end of the line.
    #[inline]
    fn run(self) -> Option<Self> {
        match self {
            Self::Actor(actor) => actor.run().map(Self::Actor),
            Self::Task(task) => {
                task::run(task);
                None
            }
        }
    }

    /// What distinguishes an actor from all others while it lives; [`FUTURE`] for a future.
    #[inline]
    fn identity(&self) -> usize {
        match self {
            Self::Actor(actor) => actor.identity(),
            Self::Task(_) => FUTURE,
        }
    }
}

#[cfg(all(test, libprocess_loom))]
mod models;
#[cfg(all(test, not(libprocess_loom)))]
mod tests;
