//! What all handles on a process share, and how its node sees it.

mod figures;

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::mailbox::Cell;
use crate::node::Family;
use crate::routes::Routes;
use crate::runner::Body;
use crate::runtime::{Runtime, Work};
use crate::{Exit, Future, Node, Process, Promise, Upid, trace};

use super::hooks::{Hook, Hooks};

/// What the process, its node and all handles on it share.
pub(crate) struct Shared {
    /// Written out when somebody asks for it, if the id was generated.
    upid: OnceLock<Upid>,
    /// Those among which it is numbered, if its id was generated.
    family: Option<Arc<Family>>,
    number: u64,
    pub(crate) node: Node,
    /// What few processes have.
    pub(super) more: Mutex<Option<Box<More>>>,
    /// Written with the lock on `more`.
    ended: AtomicBool,
    /// Whether its routes are set.
    pub(super) initialized: AtomicBool,
    /// How many of what waits is a message, and a request.
    messages: AtomicU32,
    pub(super) requests: AtomicU32,
    /// For how long it has had handlers running, in ticks of the monitor.
    busy: AtomicU32,
    /// For how long it has had something to do and was not run, in ticks. Who has the turn writes it.
    waited: AtomicU32,
    /// The tick at which it got something to do, or had its turn and was not done. Who has the turn writes it.
    ready_at: AtomicU32,
    /// So many of the next requests are not handled where they come in.
    kept_off: AtomicU16,
}

#[derive(Default)]
pub(super) struct More {
    pub(super) routes: Arc<Routes>,
    linkers: HashMap<Upid, Arc<dyn AnyProcess>>,
    waiters: Vec<Promise<()>>,
    hooks: Hooks,
    /// Once it has ended otherwise than normally.
    exit: Option<Exit>,
}

impl More {
    /// What is left of a process that did not end normally.
    fn left(exit: Exit) -> Self {
        Self { exit: Some(exit), ..Self::default() }
    }
}

/// A process whose type does not matter: how nodes, links and the wire see it.
pub(crate) trait AnyProcess: Any + Send + Sync {
    fn shared(&self) -> &Shared;
    /// Delivers a message; says whether the process was there to take it.
    fn message(&self, from: Upid, name: String, body: Bytes) -> bool;
    fn exited(&self, pid: Upid);
    fn terminate(&self, at_once: bool);
    /// Ready once the process is initialized.
    #[cfg_attr(not(feature = "http"), allow(dead_code))] // Requests wait for it.
    fn initialized(&self) -> Future<()>;
    fn queued(&self) -> Queued;
    /// How many events it has taken up so far.
    #[cfg_attr(not(feature = "http"), allow(dead_code))] // A page tells it.
    fn handled(&self) -> u64;
    /// What distinguishes the process from others while it lives.
    fn identity(&self) -> usize;
}

/// How many events of each kind wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) dispatches: usize,
    pub(crate) messages: usize,
    pub(crate) http_requests: usize,
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

/// The id of a process to be.
pub(crate) enum Id<'a> {
    Named(&'a str),
    Generated(Arc<Family>, u64),
}

impl Shared {
    pub(crate) fn new(id: Id<'_>, node: Node) -> Self {
        let (upid, family, number) = match id {
            Id::Named(id) => (OnceLock::from(Upid::new(id, node.address())), None, 0),
            Id::Generated(family, number) => (OnceLock::new(), Some(family), number),
        };
        Self {
            upid,
            family,
            number,
            node,
            more: Mutex::new(None),
            ended: AtomicBool::new(false),
            initialized: AtomicBool::new(false),
            messages: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            busy: AtomicU32::new(0),
            waited: AtomicU32::new(0),
            ready_at: AtomicU32::new(0),
            kept_off: AtomicU16::new(0),
        }
    }

    pub(crate) fn upid(&self) -> &Upid {
        self.upid.get_or_init(|| {
            let prefix = self.family.as_ref().map_or("", |family| family.prefix);
            Upid::new(&format!("{prefix}({})", self.number), self.node.address())
        })
    }

    /// Those among which the process is numbered, and its number, if its id was generated.
    pub(crate) fn generated(&self) -> Option<(&Family, u64)> {
        Some((self.family.as_deref()?, self.number))
    }

    /// Notes who must be told when this process ends.
    pub(crate) fn link(&self, linker: Arc<dyn AnyProcess>) -> Link {
        let mut more = self.more.lock();
        if self.ended.load(Ordering::Relaxed) {
            return Link::Gone;
        }
        match more.get_or_insert_default().linkers.entry(linker.shared().upid().clone()) {
            Entry::Occupied(_) => Link::Known,
            Entry::Vacant(free) => {
                free.insert(linker);
                Link::Set
            }
        }
    }

    pub(crate) fn unlink(&self, linker: &Upid) {
        let removed = self.more.lock().as_mut().and_then(|more| more.linkers.remove(linker));
        drop(removed); // After the lock: it may be the last that is known of a process.
    }

    pub(crate) fn wait(&self) -> Future<()> {
        let mut more = self.more.lock();
        if self.ended.load(Ordering::Relaxed) {
            return Future::ready(());
        }
        let promise = Promise::new();
        let future = promise.future();
        more.get_or_insert_default().waiters.push(promise);
        future
    }

    /// Has a hook called when the process has ended; now, if it has. Says whether it waits.
    pub(crate) fn watch(&self, number: u64, hook: Hook) -> bool {
        let mut more = self.more.lock();
        if !self.ended.load(Ordering::Relaxed) {
            more.get_or_insert_default().hooks.insert(number, hook);
            return true;
        }
        let exit = more.as_ref().and_then(|more| more.exit.clone()).unwrap_or(Exit::Normal);
        drop(more);
        hook(exit);
        false
    }

    pub(crate) fn unwatch(&self, number: u64) {
        let removed = self.more.lock().as_mut().and_then(|more| more.hooks.remove(number));
        drop(removed); // After the lock: it may be the last that is known of a process.
    }

    #[cfg(test)]
    pub(crate) fn hooks(&self) -> usize {
        self.more.lock().as_ref().map_or(0, |more| more.hooks.len())
    }

    /// A future of why the process has ended.
    pub(crate) fn exit(&self) -> Future<Exit> {
        let (promise, future) = Promise::pair();
        self.watch(self.node.next_number(), Box::new(|exit| promise.set(exit)));
        future
    }

    /// Marks the process as ended, and tells those who linked to it or wait for it.
    pub(crate) fn ended(&self, exit: Exit) {
        let more = {
            let mut more = self.more.lock();
            self.ended.store(true, Ordering::Relaxed);
            let left = (!exit.is_normal()).then(|| Box::new(More::left(exit.clone())));
            std::mem::replace(&mut *more, left)
        };
        let Some(more) = more else { return };
        let More { routes, linkers, waiters, hooks, exit: _ } = *more;
        routes.clear();
        self.node.runtime().each(linkers, |_, linker| linker.exited(self.upid().clone()));
        hooks.call(&exit);
        waiters.into_iter().for_each(|waiter| waiter.set(()));
    }

    /// Whether the process has ended, as far as the caller can have heard of it.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn set_initialized(&self) {
        self.initialized.store(true, Ordering::Release);
    }
}

/// Sends to a process, and has it run soon if it was idle.
#[inline]
pub(crate) fn push<P: Process, F>(cell: &Cell<Shared, Body<P>>, f: F) -> Result<(), F>
where
    F: FnOnce(&mut Body<P>) + Send + 'static,
{
    push_and(cell, f, |runtime, work| runtime.schedule(work))
}

/// Sends to a process, and has it run by `run` if it was idle.
#[inline]
pub(super) fn push_and<P: Process, F>(
    cell: &Cell<Shared, Body<P>>,
    f: F,
    run: impl FnOnce(&Runtime, Work),
) -> Result<(), F>
where
    F: FnOnce(&mut Body<P>) + Send + 'static,
{
    let node = &cell.node;
    let tracks = node.tracks();
    if tracks {
        node.clock().begin();
    }
    let pushed = cell.push(f);
    match pushed {
        Ok(None) => Ok(()),
        Ok(Some(turn)) => {
            cell.note_ready();
            run(node.runtime(), Work::Actor(turn.into()));
            Ok(())
        }
        Err(f) => {
            node.clock().end(1);
            Err(f)
        }
    }
}

/// Sends what is handled in a span of its own where messages are traced; says whether the process was there to
/// take it.
#[inline]
pub(crate) fn tell<P: Process, F>(cell: &Cell<Shared, Body<P>>, f: F) -> bool
where
    F: FnOnce(&mut Body<P>) + Send + 'static,
{
    if trace::enabled() { tell_traced(cell, f) } else { push(cell, f).is_ok() }
}

/// Away from what is quick.
#[cold]
#[inline(never)]
fn tell_traced<P: Process, F>(cell: &Cell<Shared, Body<P>>, f: F) -> bool
where
    F: FnOnce(&mut Body<P>) + Send + 'static,
{
    push(cell, trace::dispatch(Box::new(f))).is_ok()
}

/// Delivers a message; says whether the process was there to take it. What it holds goes when it is taken up.
pub(crate) fn push_message<P: Process, H: Send + 'static>(
    cell: &Cell<Shared, Body<P>>,
    from: Upid,
    name: String,
    bytes: Bytes,
    held: H,
) -> bool {
    cell.messages.fetch_add(1, Ordering::Relaxed);
    let traced_name = trace::enabled().then(|| name.clone());
    let handle = move |body: &mut Body<P>| {
        drop(held);
        body.cx.pid_ref().shared.messages.fetch_sub(1, Ordering::Relaxed);
        let Body { process, cx } = body;
        cx.message(process, &from, &name, &bytes);
    };
    let pushed = match traced_name {
        None => push(cell, handle).is_ok(),
        Some(name) => push(cell, trace::message(&name, Box::new(handle))).is_ok(),
    };
    if !pushed {
        cell.messages.fetch_sub(1, Ordering::Relaxed);
    }
    pushed
}

impl<P: Process> AnyProcess for Cell<Shared, Body<P>> {
    fn shared(&self) -> &Shared {
        self
    }

    fn message(&self, from: Upid, name: String, bytes: Bytes) -> bool {
        push_message(self, from, name, bytes, ())
    }

    fn exited(&self, pid: Upid) {
        let _ = push(self, move |body: &mut Body<P>| {
            let Body { process, cx } = body;
            cx.forget_link(&pid);
            process.exited(cx, &pid);
        });
    }

    fn terminate(&self, at_once: bool) {
        if at_once {
            self.end_at_once();
        }
        // It wakes the process up, and is the last one either way.
        let _ = push(self, |body: &mut Body<P>| body.cx.terminate());
    }

    fn initialized(&self) -> Future<()> {
        let (promise, future) = Promise::pair();
        let _ = push(self, move |_: &mut Body<P>| promise.set(()));
        future
    }

    fn queued(&self) -> Queued {
        let messages = self.messages.load(Ordering::Relaxed) as usize;
        let http_requests = self.requests.load(Ordering::Relaxed) as usize;
        let depth = usize::try_from(self.depth()).unwrap_or(usize::MAX);
        if depth == 0 {
            return Queued::default();
        }
        Queued { dispatches: depth.saturating_sub(messages + http_requests), messages, http_requests }
    }

    fn handled(&self) -> u64 {
        self.taken()
    }

    fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}
