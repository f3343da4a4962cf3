//! What a supervisor must know of a child.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::child::Slot;
use super::{Child, Restart, Shutdown, Supervisor};
use crate::pid::Hook;
use crate::{Exit, Failure, Node, Process, SpawnError, panic};

type Start<P> = Arc<dyn Fn() -> Result<P, Failure> + Send + Sync>;

/// Describes a child of a [`Supervisor`]: how its process is made, and when.
///
/// Unless it says otherwise, a child is [permanent](Restart::Permanent), and has five seconds to shut down. Clones share
/// the [handle](ChildSpec::handle), and are for a supervisor that is itself begun anew: at most one of them
/// is to have a process at a time.
#[must_use = "it is for a supervisor"]
pub struct ChildSpec<P> {
    slot: Arc<Slot<P>>,
    start: Start<P>,
    named: bool,
    restart: Restart,
    shutdown: Shutdown,
}

impl<P: Process> ChildSpec<P> {
    /// A child whose process has this id, and is made by `start` each time that it is begun.
    ///
    /// A panic in `start` counts as an end of the child.
    pub fn new(id: impl Into<String>, start: impl Fn() -> P + Send + Sync + 'static) -> Self {
        Self::with(id.into(), Arc::new(move || Ok(start())))
    }

    /// Like [`ChildSpec::new`], where making the process may fail. That counts as an end of the child.
    ///
    /// ```
    /// use libprocess::Process;
    /// use libprocess::supervision::ChildSpec;
    ///
    /// struct Journal(std::fs::File);
    /// impl Process for Journal {}
    ///
    /// let journal = ChildSpec::fallible("journal", || std::fs::File::open("journal").map(Journal));
    /// ```
    pub fn fallible<E: Into<Failure>>(
        id: impl Into<String>,
        start: impl Fn() -> Result<P, E> + Send + Sync + 'static,
    ) -> Self {
        Self::with(id.into(), Arc::new(move || start().map_err(Into::into)))
    }

    fn with(id: String, start: Start<P>) -> Self {
        Self {
            slot: Arc::new(Slot::new(id)),
            start,
            named: true,
            restart: Restart::default(),
            shutdown: Shutdown::default(),
        }
    }

    /// Gives each process of the child an id of its own, generated as by [`Node::spawn`]; what was given as the id
    /// is only what the child is called.
    pub fn unnamed(self) -> Self {
        Self { named: false, ..self }
    }

    /// Whether the child is begun anew when it ends.
    pub fn restart(self, restart: Restart) -> Self {
        Self { restart, ..self }
    }

    /// How long the child may take to end that was asked to.
    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        Self { shutdown, ..self }
    }

    /// A handle on the child, before and after it is given to a supervisor.
    pub fn handle(&self) -> Child<P> {
        Child { slot: Arc::clone(&self.slot) }
    }
}

impl ChildSpec<Supervisor> {
    /// A child that is a supervisor: it may take as long as its own children to shut down.
    pub fn supervisor(id: impl Into<String>, start: impl Fn() -> Supervisor + Send + Sync + 'static) -> Self {
        Self::new(id, start).shutdown(Shutdown::Patient)
    }
}

impl<P> Clone for ChildSpec<P> {
    fn clone(&self) -> Self {
        let (slot, start) = (Arc::clone(&self.slot), Arc::clone(&self.start));
        Self { slot, start, named: self.named, restart: self.restart, shutdown: self.shutdown }
    }
}

impl<P: Process> fmt::Debug for ChildSpec<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("child", &self.handle())
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .finish_non_exhaustive()
    }
}

/// A child whose type does not matter.
pub(super) trait AnyChild: Send {
    fn name(&self) -> &str;
    fn restart(&self) -> Restart;
    fn shutdown(&self) -> Shutdown;
    /// Starts a process, of whose end the hook is to hear.
    fn start(&self, node: &Node, ended: Hook) -> Result<(), NotStarted>;
    /// Asks the process to end.
    fn end(&self);
    fn end_at_once(&self);
    /// There will be no process any more.
    fn close(&self);
}

/// Why a child has no process.
pub(super) enum NotStarted {
    /// As if it had ended so.
    Ended(Exit),
    /// The node is shutting down.
    ShuttingDown,
}

impl From<SpawnError> for NotStarted {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::ShuttingDown => Self::ShuttingDown,
            SpawnError::IdInUse(_) => Self::Ended(Exit::Failed(error.into())),
        }
    }
}

impl<P: Process> AnyChild for ChildSpec<P> {
    fn name(&self) -> &str {
        self.slot.name()
    }

    fn restart(&self) -> Restart {
        self.restart
    }

    fn shutdown(&self) -> Shutdown {
        self.shutdown
    }

    fn start(&self, node: &Node, ended: Hook) -> Result<(), NotStarted> {
        let process = catch_unwind(AssertUnwindSafe(|| (self.start)()))
            .map_err(|panic| NotStarted::Ended(Exit::Panicked(panic::text(&*panic).into())))?
            .map_err(|failure| NotStarted::Ended(Exit::Failed(failure)))?;
        let pid = if self.named { node.spawn_as(self.name(), process)? } else { node.spawn(process) };
        let number = node.next_number();
        self.slot.fill(number, &pid);
        let slot = Arc::clone(&self.slot);
        let hook = move |exit| {
            slot.clear(number);
            ended(exit);
        };
        pid.shared.watch(number, Box::new(hook));
        Ok(())
    }

    fn end(&self) {
        if let Some(pid) = self.slot.current() {
            pid.shutdown();
        }
    }

    fn end_at_once(&self) {
        if let Some(pid) = self.slot.current() {
            pid.terminate();
        }
    }

    fn close(&self) {
        self.slot.close();
    }
}
