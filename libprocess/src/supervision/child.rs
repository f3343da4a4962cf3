//! The handle on a child, which outlives its processes.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::{Context, Future, FutureError, Pid, Process, Promise};

/// A handle on the child of a supervisor, whatever process that is at the moment.
///
/// It comes from [`ChildSpec::handle`](super::ChildSpec::handle). Cloning is cheap; dropping it ends nothing.
pub struct Child<P> {
    pub(super) slot: Arc<Slot<P>>,
}

/// Where the process of a child is found.
pub(super) struct Slot<P> {
    name: String,
    state: Mutex<State<P>>,
}

struct State<P> {
    /// With the number of the hook that waits for its end.
    current: Option<(u64, Pid<P>)>,
    waiting: Vec<Promise<Pid<P>>>,
    /// Whether no supervisor is to start it, as far as is known.
    closed: bool,
}

impl<P: Process> State<P> {
    /// The process that is there: others may know of its end before its hook has emptied the slot.
    fn alive(&self) -> Option<&Pid<P>> {
        self.current.as_ref().map(|(_, pid)| pid).filter(|pid| !pid.shared.has_ended())
    }
}

impl<P: Process> Slot<P> {
    pub(super) fn new(name: String) -> Self {
        Self { name, state: Mutex::new(State { current: None, waiting: Vec::new(), closed: false }) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn current(&self) -> Option<Pid<P>> {
        self.state.lock().alive().cloned()
    }

    pub(super) fn fill(&self, number: u64, pid: &Pid<P>) {
        let waiting = {
            let mut state = self.state.lock();
            state.closed = false;
            state.current = Some((number, pid.clone()));
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(|promise| promise.set(pid.clone()));
    }

    /// Empties it, unless another process is there by now.
    pub(super) fn clear(&self, number: u64) {
        let cleared = self.state.lock().current.take_if(|(current, _)| *current == number);
        drop(cleared); // After the lock.
    }

    /// Has nobody wait any longer, as there will be no other process.
    pub(super) fn close(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        drop(waiting); // After the lock: others hear of it.
    }
}

impl<P: Process> Child<P> {
    /// What the child is called.
    pub fn name(&self) -> &str {
        self.slot.name()
    }

    /// The process of the child, if there is one now: not before its supervisor has started it, nor between its end and
    /// its restart.
    pub fn pid(&self) -> Option<Pid<P>> {
        self.slot.current()
    }

    /// The process of the child, as soon as there is one. It is abandoned when its supervisor has ended, or does
    /// not begin the child anew.
    pub fn up(&self) -> Future<Pid<P>> {
        let mut state = self.slot.state.lock();
        if let Some(pid) = state.alive() {
            return Future::ready(pid.clone());
        }
        if state.closed {
            return Future::from(Err(FutureError::Abandoned));
        }
        let (promise, future) = Promise::pair();
        if state.waiting.len() == state.waiting.capacity() {
            // Their futures are gone: nothing else runs when they are dropped.
            state.waiting.retain(Promise::is_wanted);
        }
        state.waiting.push(promise);
        future
    }

    /// Has the child run `f`, and says whether there was a process to tell; when not, `f` is dropped.
    pub fn tell(&self, f: impl FnOnce(&mut P, &mut Context<P>) + Send + 'static) -> bool {
        let Some(pid) = self.pid() else { return false };
        pid.tell(f);
        true
    }

    /// [Asks](Pid::ask) the child. The future is abandoned when there is no process, or it ends before it answers.
    pub fn ask<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut P, &mut Context<P>) -> R + Send + 'static,
    ) -> Future<R> {
        match self.pid() {
            Some(pid) => pid.ask(f),
            None => Future::from(Err(FutureError::Abandoned)),
        }
    }
}

impl<P> Clone for Child<P> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot) }
    }
}

impl<P: Process> fmt::Debug for Child<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("name", &self.name()).field("pid", &self.pid()).finish()
    }
}
