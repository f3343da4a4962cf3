//! The typed handle on a process.

mod hooks;
#[cfg(feature = "http")]
mod requests;
mod shared;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};

use crate::mailbox::Cell;
use crate::runner::Body;
use crate::{Clock, Context, Exit, Future, Node, Process, Promise, Upid, trace};

pub(crate) use hooks::Hook;
#[cfg(feature = "remote")]
pub(crate) use hooks::Hooks;
#[cfg(feature = "http")]
pub(crate) use requests::request;
pub(crate) use shared::{AnyProcess, Id, Link, Queued, Shared, push, push_message, tell};

/// A handle on a process of type `P`, on this node.
///
/// It sends closures, which run inside the process with its state at hand, one at a time and in the
/// order in which they were sent from one place. Cloning is cheap; dropping it does not end the
/// process.
pub struct Pid<P> {
    pub(crate) shared: ProcessCell<P>,
}

/// The memory of a process, which its handles, its node and its turn hold.
pub(crate) type ProcessCell<P> = Arc<Cell<Shared, Body<P>>>;

impl<P: Process> Pid<P> {
    /// The address of the process.
    pub fn upid(&self) -> &Upid {
        self.shared.upid()
    }

    /// The node on which the process runs.
    pub fn node(&self) -> &Node {
        &self.shared.node
    }

    /// Has the process run `f`. When it is gone, `f` is dropped.
    ///
    /// The queue of a process has no bound unless it was [spawned with one](crate::bounded), so that this never
    /// waits. What can produce faster than the process works [asks](Pid::ask), and waits for the answer before it
    /// goes on.
    pub fn tell(&self, f: impl FnOnce(&mut P, &mut Context<P>) + Send + 'static) {
        tell(&*self.shared, move |body: &mut Body<P>| f(&mut body.process, &mut body.cx));
    }

    /// Has the process run `f`, and gives back what it returns. The future is abandoned when the
    /// process ends first, and discarding it does not keep `f` from running.
    ///
    /// From outside it is awaited. A process does not wait: it gives the future of another one to
    /// [`Context::run`], or hangs on it what [`Pid::defer`] makes.
    pub fn ask<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut P, &mut Context<P>) -> R + Send + 'static,
    ) -> Future<R> {
        let (promise, future) = Promise::pair();
        self.tell(move |process, cx| promise.set(f(process, cx)));
        self.note_question(&future);
        future
    }

    /// Like [`Pid::ask`], for an `f` that starts an operation of its own.
    pub fn ask_future<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut P, &mut Context<P>) -> Future<R> + Send + 'static,
    ) -> Future<R> {
        let (promise, future) = Promise::pair();
        self.tell(move |process, cx| promise.associate(f(process, cx)));
        self.note_question(&future);
        future
    }

    /// Lets a node that keeps watch of that know who waits for whom.
    #[inline]
    fn note_question<R: Send + 'static>(&self, answer: &Future<R>) {
        if let Some(asks) = self.shared.node.asks() {
            asks.note(&*self.shared, answer);
        }
    }

    /// A callback that brings its argument onto the process: what to give to
    /// [`Future::on_any`] and the like, which run on any thread.
    pub fn defer<T: Send + 'static>(
        &self,
        f: impl Fn(&mut P, &mut Context<P>, T) + Send + Sync + 'static,
    ) -> impl Fn(T) + Send + Sync + 'static {
        let pid = self.clone();
        let f = Arc::new(f);
        let origin = trace::origin();
        move |argument| {
            let f = Arc::clone(&f);
            let _there = origin.as_deref().map(trace::Origin::enter);
            pid.tell(move |process, cx| f(process, cx, argument));
        }
    }

    /// Ends the process after the event it is handling; what waits behind it is dropped, and the
    /// futures of those who asked are abandoned.
    pub fn terminate(&self) {
        AnyProcess::terminate(&*self.shared, true);
    }

    /// Ends the process once it has handled what waits now.
    pub fn terminate_after_queued(&self) {
        AnyProcess::terminate(&*self.shared, false);
    }

    /// A future that is ready once the process has ended, and all that it held was dropped. A process
    /// that waits for itself never sees it.
    pub fn wait(&self) -> Future<()> {
        self.shared.wait()
    }

    /// A future of why the process has ended, ready once it has, and all that it held was dropped. It is there
    /// also for one that ended long ago; of [`Exit`], it is `Normal`, `Failed` or `Panicked`.
    ///
    /// A process that is to hear of it gives the future to [`Context::run`], or sets a
    /// [monitor](Context::monitor).
    pub fn exit(&self) -> Future<Exit> {
        self.shared.exit()
    }

    /// Asks the process to end once it has handled what waits now, in whatever way it
    /// [shuts down](Process::shutdown): mostly that is at once, but it may have something to finish.
    pub fn shutdown(&self) {
        self.tell(|process, cx| process.shutdown(cx));
    }

    /// How many closures wait to be run.
    pub fn queued_dispatches(&self) -> usize {
        self.shared.queued().dispatches
    }

    /// How many messages of other processes wait to be handled.
    pub fn queued_messages(&self) -> usize {
        self.shared.queued().messages
    }

    /// How many HTTP requests wait to be handled.
    pub fn queued_http_requests(&self) -> usize {
        self.shared.queued().http_requests
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.shared.node.clock()
    }

    pub(crate) fn downgrade(&self) -> WeakPid<P> {
        WeakPid(Arc::downgrade(&self.shared))
    }
}

/// A [`Pid`] that keeps nothing of an ended process, for what may outlive it.
pub(crate) struct WeakPid<P>(Weak<Cell<Shared, Body<P>>>);

impl<P> WeakPid<P> {
    pub(crate) fn upgrade(&self) -> Option<Pid<P>> {
        self.0.upgrade().map(|shared| Pid { shared })
    }
}

impl<P> Clone for Pid<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Two handles are equal when they are on the same process, and not on one and a later one that has
/// the same id.
impl<P> PartialEq for Pid<P> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<P> Eq for Pid<P> {}

impl<P> Hash for Pid<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.shared).addr().hash(state);
    }
}

impl<P> fmt::Display for Pid<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.upid().fmt(f)
    }
}

impl<P> fmt::Debug for Pid<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pid({})", self.shared.upid())
    }
}
