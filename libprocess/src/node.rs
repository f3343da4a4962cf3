//! One machine as far as actors are concerned: an address, a clock, and the processes there.

mod asks;
mod builder;
mod family;
mod lookup;
#[cfg(feature = "http")]
mod server;
#[cfg(not(feature = "http"))]
#[path = "absent/server.rs"]
mod server;
mod table;

pub use builder::NodeBuilder;

use std::fmt;
use std::future::Future as StdFuture;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use stout::{Time, WireMessage};

use crate::group::Groups;
use crate::mailbox::{Cell, Turn};
use crate::pid::{AnyProcess, Id, Link, ProcessCell, Shared};
use crate::remote::Remote;
use crate::runner::Body;
use crate::runtime::{Runtime, Tasks, Work};
use crate::tracked::Tracked;
use crate::{Clock, Context, Exit, Future, Pid, Process, Promise, Upid, trace};
use asks::Asks;
pub(crate) use asks::Running;
pub(crate) use family::Family;
use server::Server;
use table::Table;

/// Where processes live: it listens at an address, has a clock and metrics, and knows its processes
/// by their ids.
///
/// Most programs have one. A test, or a cluster in one program, has several, which talk to each
/// other as if they were machines. Cloning gives another handle on the same node.
///
/// A node lives until it is [shut down](Node::shutdown), or the tokio runtime in which it was started
/// is: dropping the handles ends neither its processes nor its server.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    address: SocketAddr,
    hostname: String,
    clock: Clock,
    /// Whether the clock counts what there is to do.
    tracks: bool,
    #[cfg(feature = "metrics")]
    metrics: crate::metrics::Metrics,
    runtime: Arc<Runtime>,
    /// The futures in the background.
    tasks: Tasks,
    remote: Remote,
    server: Server,
    processes: Table,
    groups: Groups,
    /// Who waits for whom, if that is kept watch of.
    asks: Option<Asks>,
    /// How many numbers were given to who waits for an end, and to what is traced.
    numbers: AtomicU64,
    /// Set when the tokio runtime is gone: processes end without another word.
    abandoned: AtomicBool,
}

/// A [`Node`] that does not keep it alive: what servers and peers hold.
#[derive(Clone)]
pub(crate) struct WeakNode(Weak<Inner>);

impl WeakNode {
    pub(crate) fn upgrade(&self) -> Option<Node> {
        self.0.upgrade().map(|inner| Node { inner })
    }
}

/// Why a process could not be spawned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// Another process has the id.
    IdInUse(String),
    /// The node is shutting down.
    ShuttingDown,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdInUse(id) => write!(f, "cannot spawn '{id}': a process with this id is running"),
            Self::ShuttingDown => f.write_str("cannot spawn a process: the node is shutting down"),
        }
    }
}

impl std::error::Error for SpawnError {}

impl Node {
    /// Starts to describe a node.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    /// The address that other nodes reach this one at. Without the feature `http` nobody does: it only names
    /// the node.
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// The name of the machine, as it is told to people and in links.
    pub fn hostname(&self) -> &str {
        &self.inner.hostname
    }

    /// The clock of all timers, delays and timeouts on this node.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    /// What is counted and measured on this node.
    #[cfg(feature = "metrics")]
    #[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
    pub fn metrics(&self) -> &crate::metrics::Metrics {
        &self.inner.metrics
    }

    /// Starts a process under a generated id, such as `process(1)`.
    ///
    /// On a node that is shutting down the process is dropped, and the handle is that of one that
    /// has ended.
    pub fn spawn<P: Process>(&self, process: P) -> Pid<P> {
        Pid { shared: self.spawn_generated(process, Arc::clone) }
    }

    /// Starts a process that stands in the table of processes as `entry` says.
    pub(crate) fn spawn_generated<P: Process, E: AnyProcess>(
        &self,
        process: P,
        entry: impl Fn(&ProcessCell<P>) -> Arc<E>,
    ) -> Arc<E> {
        let family = self.inner.processes.family(P::ID_PREFIX);
        loop {
            let number = family.next();
            let turn = Cell::with_turn(Shared::new(Id::Generated(Arc::clone(&family), number), self.clone()));
            let entry = entry(turn.cell());
            match self.inner.processes.enter_generated(&family, number, Arc::clone(&entry) as _) {
                Ok(()) => {
                    self.start(turn, process);
                    return entry;
                }
                Err(SpawnError::IdInUse(_)) => {}
                Err(SpawnError::ShuttingDown) => {
                    drop(turn);
                    entry.shared().ended(Exit::Normal);
                    return entry;
                }
            }
        }
    }

    /// Starts a process under the id that others know it by.
    ///
    /// # Errors
    ///
    /// Fails when the id is in use, or the node is shutting down.
    pub fn spawn_as<P: Process>(&self, id: &str, process: P) -> Result<Pid<P>, SpawnError> {
        Ok(Pid { shared: self.spawn_named(id, process, Arc::clone)? })
    }

    pub(crate) fn spawn_named<P: Process, E: AnyProcess>(
        &self,
        id: &str,
        process: P,
        entry: impl FnOnce(&ProcessCell<P>) -> Arc<E>,
    ) -> Result<Arc<E>, SpawnError> {
        let turn = Cell::with_turn(Shared::new(Id::Named(id), self.clone()));
        let entry = entry(turn.cell());
        self.inner.processes.enter_named(id, Arc::clone(&entry) as _)?;
        self.start(turn, process);
        Ok(entry)
    }

    /// Has a process initialized, and handle what came since it was entered in the table.
    fn start<P: Process>(&self, mut turn: Turn<Shared, Body<P>>, process: P) {
        let pid = Pid { shared: Arc::clone(turn.cell()) };
        let (_, body) = turn.parts();
        *body = Some(Body::new(process, Context::new(pid)));
        self.inner.clock.begin(); // Until the process is initialized.
        turn.cell().note_ready();
        self.inner.runtime.schedule_last(Work::Actor(turn.into()));
    }

    /// An id that was not generated on this node before: `prefix(1)`, `prefix(2)` and so on.
    pub fn generate_id(&self, prefix: &'static str) -> String {
        let number = self.inner.processes.family(prefix).next();
        format!("{prefix}({number})")
    }

    /// Runs a future in the background; what it returns is ready in the result. Discarding that
    /// does not stop the future.
    pub fn run<F>(&self, future: F) -> Future<F::Output>
    where
        F: StdFuture + Send + 'static,
        F::Output: Send + 'static,
    {
        let (promise, result) = Promise::pair();
        let work = async move { promise.set(future.await) };
        match trace::origin() {
            None => self.run_task(work),
            Some(origin) => self.run_task(origin.carry(Box::pin(work))),
        }
        result
    }

    fn run_task(&self, work: impl StdFuture<Output = ()> + Send + 'static) {
        if self.inner.tracks {
            let work = Tracked::new(self.inner.clock.clone(), work);
            self.inner.tasks.spawn(&self.inner.runtime, work);
        } else {
            self.inner.tasks.spawn(&self.inner.runtime, work);
        }
    }

    /// Runs `work`, which may block, on a thread made for that. The future is abandoned when it
    /// panics. On a node with a [scheduler of its own](NodeBuilder::scheduler) the scheduler runs it.
    pub fn run_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Future<T> {
        let (promise, result) = Promise::pair();
        let clock = self.inner.clock.clone();
        clock.begin();
        let end = EndOfWork(clock);
        let origin = trace::origin();
        let work = move || {
            let _end = end;
            let _there = origin.as_deref().map(trace::Origin::enter);
            promise.set(work());
        };
        if self.inner.runtime.is_own() {
            // Who decides what runs when decides that of this, too.
            self.inner.tasks.spawn(&self.inner.runtime, async move { work() });
        } else {
            self.inner.runtime.tokio.spawn_blocking(work);
        }
        result
    }

    /// Sends a message on behalf of `from`, to a process on any node: at most once, and silently
    /// not at all when it cannot be delivered.
    pub fn send<M: WireMessage>(&self, from: &Upid, to: &Upid, message: &M) {
        self.send_raw(from, to, M::wire_name(), message.encode_wire());
    }

    /// Sends bytes under a name, like [`Node::send`].
    pub fn send_raw(&self, from: &Upid, to: &Upid, name: &str, body: Vec<u8>) {
        if to.is_nobody() {
            return;
        }
        if to.address() == self.inner.address {
            self.deliver(from.clone(), to.id(), name.to_owned(), body.into());
        } else {
            self.inner.remote.send(from, to, name, &body);
        }
    }

    /// Gives a message to a process of this node; says whether it was there.
    pub(crate) fn deliver(&self, from: Upid, id: &str, name: String, body: Bytes) -> bool {
        self.process(id).is_some_and(|process| process.message(from, name, body))
    }

    /// A number that nobody else on this node has.
    pub(crate) fn next_number(&self) -> u64 {
        self.inner.numbers.fetch_add(1, Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn asks(&self) -> Option<&Asks> {
        self.inner.asks.as_ref()
    }

    pub(crate) fn groups(&self) -> &Groups {
        &self.inner.groups
    }

    pub(crate) fn process(&self, id: &str) -> Option<Arc<dyn AnyProcess>> {
        self.inner.processes.find(id)
    }

    /// The process that has this identity, as long as it lives.
    pub(crate) fn process_with(&self, identity: usize) -> Option<Arc<dyn AnyProcess>> {
        self.inner.processes.all().into_iter().find(|process| process.identity() == identity)
    }

    /// Refuses new processes, and gives those there are, to be ended: where the order matters, in one
    /// that is the same in every run.
    fn close(&self) -> Vec<Arc<dyn AnyProcess>> {
        let mut processes = self.inner.processes.close();
        if self.inner.runtime.is_own() {
            sort(&mut processes);
        }
        processes
    }

    #[inline]
    pub(crate) fn remote(&self) -> &Remote {
        &self.inner.remote
    }

    /// Sets a link; says whether that is a new one, for which there will be an exit of its own.
    pub(crate) fn link(&self, pid: &Upid, linker: Arc<dyn AnyProcess>) -> bool {
        let link = if pid.address() != self.inner.address {
            self.inner.remote.link(pid, Arc::clone(&linker))
        } else {
            self.process(pid.id()).map_or(Link::Gone, |process| process.shared().link(Arc::clone(&linker)))
        };
        if link == Link::Gone {
            linker.exited(pid.clone());
        }
        link != Link::Known
    }

    pub(crate) fn unlink(&self, pid: &Upid, linker: &Upid) {
        if pid.address() != self.inner.address {
            self.inner.remote.unlink(pid, linker);
        } else if let Some(process) = self.process(pid.id()) {
            process.shared().unlink(linker);
        }
    }

    /// Drops an ended process from the table.
    pub(crate) fn forget(&self, process: &Shared) {
        self.inner.processes.remove(process);
    }

    #[inline]
    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.inner.runtime
    }

    /// Whether the clock counts what there is to do.
    #[inline]
    pub(crate) fn tracks(&self) -> bool {
        self.inner.tracks
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.inner.abandoned.load(Ordering::Relaxed)
    }

    /// Ends all processes and futures, since the tokio runtime is gone.
    fn abandon(&self) {
        self.inner.abandoned.store(true, Ordering::Relaxed);
        self.close().iter().for_each(|process| process.terminate(true));
        self.inner.tasks.close();
    }

    pub(crate) fn downgrade(&self) -> WeakNode {
        WeakNode(Arc::downgrade(&self.inner))
    }

    /// Ends all processes and stops listening. Ready when every process has ended, what they have sent
    /// is on its way as far as that takes no longer than a second, and the address is free again.
    ///
    /// A process may start this with [`Context::run`](crate::Context::run): it ends with the others.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the node shuts down even when the future is dropped.
    pub async fn shutdown(&self) {
        let processes = self.close();
        self.inner.server.stop();
        let ends: Vec<_> = processes.iter().map(|process| process.shared().wait()).collect();
        processes.iter().for_each(|process| process.terminate(true));
        for end in ends {
            // A wait ends with the process, in whatever way.
            let _ = end.await;
        }
        // Meanwhile the server ends on its own.
        self.inner.remote.close().await;
        self.inner.server.stopped().await;
    }
}

fn sort(processes: &mut [Arc<dyn AnyProcess>]) {
    processes.sort_by(|a, b| a.shared().upid().cmp(b.shared().upid()));
}

/// Ends the piece of work on the clock even when the work panics, or the runtime never runs it.
struct EndOfWork(Clock);

impl Drop for EndOfWork {
    fn drop(&mut self) {
        self.0.end(1);
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.inner.address)
    }
}

#[cfg(test)]
mod tests;
