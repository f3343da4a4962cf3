//! The typed handle on a process, and what its node knows of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::http::{Reply, Request, Response};
use crate::mailbox::{Event, Mailbox, Queued};
use crate::routes::{ActorHandler, Routes};
use crate::{Clock, Context, Future, Node, Process, Promise, Upid};

/// A handle on a process of type `P`, on this node.
///
/// It sends closures, which run inside the process with its state at hand, one at a time and in the
/// order in which they were sent from one place. Cloning is cheap; dropping it does not end the
/// process.
pub struct Pid<P> {
    pub(crate) shared: Arc<Shared<P>>,
}

/// What the process, its node and all handles on it share.
pub(crate) struct Shared<P> {
    pub(crate) upid: Upid,
    pub(crate) node: Node,
    pub(crate) mailbox: Mailbox<P>,
    pub(crate) routes: Routes,
    life: Mutex<Life>,
}

enum Life {
    Alive { linkers: HashMap<Upid, Arc<dyn AnyProcess>>, waiters: Vec<Promise<()>> },
    Ended,
}

/// A process whose type does not matter: how nodes, links and the wire see it.
pub(crate) trait AnyProcess: Send + Sync {
    fn upid(&self) -> &Upid;
    /// Delivers a message; says whether the process was there to take it.
    fn message(&self, from: Upid, name: String, body: Bytes) -> bool;
    fn exited(&self, pid: Upid);
    fn terminate(&self, at_once: bool);
    /// Notes who must be told when this process ends.
    fn link(&self, linker: Arc<dyn AnyProcess>) -> Link;
    fn unlink(&self, linker: &Upid);
    fn wait(&self) -> Future<()>;
    fn routes(&self) -> &Routes;
    fn queued(&self) -> Queued;
}

/// What became of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// It is set now, and was not before: one exit will be told for it.
    Set,
    /// It was set already.
    Known,
    /// There is nothing to link to.
    Gone,
}

impl<P: Process> Shared<P> {
    pub(crate) fn new(upid: Upid, node: Node) -> Self {
        let mailbox = Mailbox::new(node.clock().clone());
        let life = Life::Alive { linkers: HashMap::new(), waiters: Vec::new() };
        Self { upid, node, mailbox, routes: Routes::default(), life: Mutex::new(life) }
    }

    /// Queues a request; the reply comes when the process has handled it.
    pub(crate) fn request(&self, handler: ActorHandler<P>, request: Request) -> Reply {
        let (reply, answer) = tokio::sync::oneshot::channel();
        if self.mailbox.push(Event::Http { handler, request: Box::new(request), reply }).is_err() {
            return Response::not_found().into();
        }
        Reply::later(async move {
            match answer.await {
                Ok(Reply::Now(response)) => response,
                Ok(Reply::Later(response)) => response.await,
                Err(_) => Response::internal_server_error("the process ended before it answered"),
            }
        })
    }

    /// Marks the process as ended, and tells those who linked to it or wait for it.
    pub(crate) fn ended(&self) {
        let life = std::mem::replace(&mut *self.life.lock(), Life::Ended);
        let Life::Alive { linkers, waiters } = life else { return };
        self.routes.clear();
        linkers.into_values().for_each(|linker| linker.exited(self.upid.clone()));
        waiters.into_iter().for_each(|waiter| waiter.set(()));
    }
}

impl<P: Process> AnyProcess for Shared<P> {
    fn upid(&self) -> &Upid {
        &self.upid
    }

    fn message(&self, from: Upid, name: String, body: Bytes) -> bool {
        self.mailbox.push(Event::Message { from, name, body }).is_ok()
    }

    fn exited(&self, pid: Upid) {
        let _ = self.mailbox.push(Event::Exited(pid));
    }

    fn terminate(&self, at_once: bool) {
        self.mailbox.terminate(at_once);
    }

    fn link(&self, linker: Arc<dyn AnyProcess>) -> Link {
        match &mut *self.life.lock() {
            Life::Alive { linkers, .. } => match linkers.entry(linker.upid().clone()) {
                Entry::Occupied(_) => Link::Known,
                Entry::Vacant(free) => {
                    free.insert(linker);
                    Link::Set
                }
            },
            Life::Ended => Link::Gone,
        }
    }

    fn unlink(&self, linker: &Upid) {
        let removed = match &mut *self.life.lock() {
            Life::Alive { linkers, .. } => linkers.remove(linker),
            Life::Ended => None,
        };
        drop(removed); // After the lock: it may be the last that is known of a process.
    }

    fn wait(&self) -> Future<()> {
        match &mut *self.life.lock() {
            Life::Alive { waiters, .. } => {
                let promise = Promise::new();
                let future = promise.future();
                waiters.push(promise);
                future
            }
            Life::Ended => Future::ready(()),
        }
    }

    fn routes(&self) -> &Routes {
        &self.routes
    }

    fn queued(&self) -> Queued {
        self.mailbox.queued()
    }
}

impl<P: Process> Pid<P> {
    /// The address of the process.
    pub fn upid(&self) -> &Upid {
        &self.shared.upid
    }

    /// The node on which the process runs.
    pub fn node(&self) -> &Node {
        &self.shared.node
    }

    /// Has the process run `f`. When it is gone, `f` is dropped.
    ///
    /// The queue of a process has no bound, so that this never waits. What can produce faster than the
    /// process works [asks](Pid::ask), and waits for the answer before it goes on.
    pub fn tell(&self, f: impl FnOnce(&mut P, &mut Context<P>) + Send + 'static) {
        let _ = self.shared.mailbox.push(Event::Dispatch(Box::new(f)));
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
        let promise = Promise::new();
        let future = promise.future();
        self.tell(move |process, cx| promise.set(f(process, cx)));
        future
    }

    /// Like [`Pid::ask`], for an `f` that starts an operation of its own.
    pub fn ask_future<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut P, &mut Context<P>) -> Future<R> + Send + 'static,
    ) -> Future<R> {
        let promise = Promise::new();
        let future = promise.future();
        self.tell(move |process, cx| promise.associate(f(process, cx)));
        future
    }

    /// A callback that brings its argument onto the process: what to give to
    /// [`Future::on_any`] and the like, which run on any thread.
    pub fn defer<T: Send + 'static>(
        &self,
        f: impl Fn(&mut P, &mut Context<P>, T) + Send + Sync + 'static,
    ) -> impl Fn(T) + Send + Sync + 'static {
        let pid = self.clone();
        let f = Arc::new(f);
        move |argument| {
            let f = Arc::clone(&f);
            pid.tell(move |process, cx| f(process, cx, argument));
        }
    }

    /// Ends the process after the event it is handling; what waits behind it is dropped, and the
    /// futures of those who asked are abandoned.
    pub fn terminate(&self) {
        self.shared.mailbox.terminate(true);
    }

    /// Ends the process once it has handled what waits now.
    pub fn terminate_after_queued(&self) {
        self.shared.mailbox.terminate(false);
    }

    /// A future that is ready once the process has ended, and all that it held was dropped. A process
    /// that waits for itself never sees it.
    pub fn wait(&self) -> Future<()> {
        self.shared.wait()
    }

    /// How many closures wait to be run, without those that the process has taken up together with
    /// the one it is running.
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
        self.shared.mailbox.clock()
    }

    pub(crate) fn downgrade(&self) -> WeakPid<P> {
        WeakPid(Arc::downgrade(&self.shared))
    }
}

/// A [`Pid`] that keeps nothing of an ended process, for what may outlive it.
pub(crate) struct WeakPid<P>(Weak<Shared<P>>);

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
        self.shared.upid.hash(state);
    }
}

impl<P> fmt::Display for Pid<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.upid.fmt(f)
    }
}

impl<P> fmt::Debug for Pid<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pid({})", self.shared.upid)
    }
}
