//! What a process can do while it handles an event.

mod monitor;
#[cfg(feature = "http")]
mod routing;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future as StdFuture;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stout::{Time, WireMessage};
use tracing::{debug, warn};

use crate::clock::Timer;
use crate::pid::{AnyProcess, Shared};
use crate::{Exit, Failure, Node, Pid, Process, Upid, trace};

pub use monitor::Monitor;
use monitor::Monitored;

type MessageHandler<P> = Arc<dyn Fn(&mut P, &mut Context<P>, &Upid, &Bytes) + Send + Sync>;

/// The world as a process sees it while it handles an event: its own address, its node, and all
/// that it can set in motion.
pub struct Context<P> {
    pid: Pid<P>,
    /// What few processes have.
    more: Option<Box<More<P>>>,
    stage: Stage,
}

struct More<P> {
    messages: HashMap<String, MessageHandler<P>>,
    /// For how many links to a process its exit is still to be handled: more than one where a link was
    /// set anew while the exit for the one before it waited.
    links: HashMap<Upid, usize>,
    monitors: BTreeMap<u64, Monitored<P>>,
    /// Why it ends, if something has gone wrong.
    exit: Option<Exit>,
}

/// How far a process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Initialized,
    /// It ends after the event at hand.
    Ending,
}

impl<P: Process> Context<P> {
    pub(crate) fn new(pid: Pid<P>) -> Self {
        Self { pid, more: None, stage: Stage::New }
    }

    fn more(&mut self) -> &mut More<P> {
        self.more.get_or_insert_with(|| {
            Box::new(More {
                messages: HashMap::new(),
                links: HashMap::new(),
                monitors: BTreeMap::new(),
                exit: None,
            })
        })
    }

    /// The process itself.
    pub fn pid(&self) -> Pid<P> {
        self.pid.clone()
    }

    /// The address of the process itself.
    pub fn upid(&self) -> &Upid {
        self.pid.upid()
    }

    /// The node on which the process runs.
    pub fn node(&self) -> &Node {
        self.pid.node()
    }

    /// What time it is on the node's clock.
    pub fn now(&self) -> Time {
        self.pid.clock().now()
    }

    /// Handles messages of type `M` from other processes, under their name on the wire. A message
    /// that cannot be decoded, or lacks a required field, is logged and dropped.
    pub fn install<M: WireMessage>(
        &mut self,
        handler: impl Fn(&mut P, &mut Context<P>, &Upid, M) + Send + Sync + 'static,
    ) {
        self.install_raw(M::wire_name(), move |process, cx, from, body| match M::decode_wire(body) {
            Ok(message) => handler(process, cx, from, message),
            Err(error) => warn!(name = M::wire_name(), %from, to = %cx.upid(), %error, "dropping a message"),
        });
    }

    /// Handles messages called `name` as the bytes that came.
    pub fn install_raw(
        &mut self,
        name: &str,
        handler: impl Fn(&mut P, &mut Context<P>, &Upid, &Bytes) + Send + Sync + 'static,
    ) {
        self.more().messages.insert(name.to_owned(), Arc::new(handler));
    }

    /// Asks to be told once, by [`Process::exited`], when `pid` is gone: when it ends, or, on
    /// another node, when the connection to it breaks or cannot be made. A link is one-way, and
    /// setting it twice is the same as once.
    ///
    /// A link to another node also keeps one connection to it open, over which all messages to it
    /// travel in order.
    pub fn link(&mut self, pid: &Upid) {
        let linker = Arc::clone(&self.pid.shared) as Arc<dyn AnyProcess>;
        if self.node().link(pid, linker) {
            *self.more().links.entry(pid.clone()).or_default() += 1;
        }
    }

    /// Sends a message to a process on any node: at most once, and silently not at all when it
    /// cannot be delivered.
    pub fn send<M: WireMessage>(&self, to: &Upid, message: &M) {
        self.send_raw(to, M::wire_name(), message.encode_wire());
    }

    /// Sends bytes under a name, like [`Context::send`].
    pub fn send_raw(&self, to: &Upid, name: &str, body: Vec<u8>) {
        self.node().send_raw(self.upid(), to, name, body);
    }

    /// Runs `f` in the process once `duration` has passed on the node's clock. When the process has
    /// ended by then, `f` is dropped.
    pub fn delay(
        &self,
        duration: Duration,
        f: impl FnOnce(&mut P, &mut Context<P>) + Send + 'static,
    ) -> Timer {
        // A timer that is still to fire does not keep an ended process and its node in memory.
        let pid = self.pid.downgrade();
        let origin = trace::origin();
        self.pid.clock().after(duration, move || {
            if let Some(pid) = pid.upgrade() {
                let _there = origin.as_deref().map(trace::Origin::enter);
                pid.tell(f);
            }
        })
    }

    /// Runs `future` in the background, and brings its output back to the process. It runs on when the
    /// process ends, and its output is dropped then; if it panics, nothing comes back.
    pub fn run<F>(&self, future: F, f: impl FnOnce(&mut P, &mut Context<P>, F::Output) + Send + 'static)
    where
        F: StdFuture + Send + 'static,
        F::Output: Send + 'static,
    {
        let pid = self.pid();
        self.node().run(async move {
            let output = future.await;
            pid.tell(move |process, cx| f(process, cx, output));
        });
    }

    /// Runs `work`, which may block, on a thread made for that, and brings what it returns back to
    /// the process.
    pub fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        f: impl FnOnce(&mut P, &mut Context<P>, T) + Send + 'static,
    ) {
        let done = self.node().run_blocking(work);
        let pid = self.pid();
        let origin = trace::origin();
        done.on_any(move |outcome| {
            // A panic in `work` was logged where it happened; there is nothing to bring back.
            if let Ok(output) = outcome {
                let _there = origin.as_deref().map(trace::Origin::enter);
                pid.tell(move |process, cx| f(process, cx, output));
            }
        });
    }

    /// Ends the process after this event; what waits behind it is dropped.
    pub fn terminate(&mut self) {
        self.stage = Stage::Ending;
    }

    /// Ends the process after this event, because of `failure`, which is logged, and told to those who
    /// [monitor](Context::monitor) or supervise it.
    pub fn fail(&mut self, failure: impl Into<Failure>) {
        self.more().exit = Some(Exit::Failed(failure.into()));
        self.stage = Stage::Ending;
    }

    pub(crate) fn panicked(&mut self, text: &str) {
        self.more().exit = Some(Exit::Panicked(text.into()));
        self.stage = Stage::Ending;
    }

    pub(crate) fn is_new(&self) -> bool {
        self.stage == Stage::New
    }

    pub(crate) fn set_initialized(&mut self) {
        self.stage = Stage::Initialized;
    }

    #[inline]
    pub(crate) fn is_ending(&self) -> bool {
        self.stage == Stage::Ending
    }

    /// What has gone wrong, if it ends because of that.
    pub(crate) fn exit(&self) -> Option<&Exit> {
        self.more.as_ref()?.exit.as_ref()
    }

    pub(crate) fn pid_ref(&self) -> &Pid<P> {
        &self.pid
    }

    pub(crate) fn message(&mut self, process: &mut P, from: &Upid, name: &str, body: &Bytes) {
        match self.more.as_ref().and_then(|more| more.messages.get(name)) {
            Some(handler) => Arc::clone(handler)(process, self, from, body),
            None => debug!(name, %from, to = %self.upid(), "dropping a message that nobody handles"),
        }
    }

    pub(crate) fn forget_link(&mut self, pid: &Upid) {
        let Some(more) = &mut self.more else { return };
        if let Some(count) = more.links.get_mut(pid) {
            *count -= 1;
            if *count == 0 {
                more.links.remove(pid);
            }
        }
    }
}

impl<P> Drop for Context<P> {
    /// Takes back the links and monitors that are still set, and tells that the process has ended.
    fn drop(&mut self) {
        let shared: &Shared = &self.pid.shared;
        let mut exit = Exit::Normal;
        if let Some(more) = self.more.take() {
            let unlink = |linked: Upid, _| shared.node.unlink(&linked, shared.upid());
            shared.node.runtime().each(more.links, unlink);
            more.monitors.into_values().for_each(|monitored| monitored.take_back(&shared.node));
            exit = more.exit.unwrap_or(exit);
        }
        shared.node.forget(shared);
        shared.ended(exit);
    }
}

impl<P: Process> fmt::Debug for Context<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("pid", &self.pid).field("stage", &self.stage).finish_non_exhaustive()
    }
}
