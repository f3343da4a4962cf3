//! Turns of actors of any type, for run queues.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use super::{Cell, Turn};

/// How an actor is run; what all its handles share implements it.
pub(crate) trait Drive<B>: Send + Sync + Sized + 'static {
    /// Where it runs.
    type Place: 'static;

    /// Has the actor handle what waits, up to a bound. A turn that comes back goes to the end of
    /// the line.
    fn run(turn: Turn<Self, B>) -> Option<Turn<Self, B>>;

    /// Ends an actor that is not to run any more.
    fn end(turn: Turn<Self, B>);

    /// Where it wants to run.
    fn place(&self) -> &Self::Place;
}

/// A turn of an actor whose type does not matter, in a run queue.
///
/// Dropping it ends the actor.
pub(crate) struct Ready<L: 'static>(ManuallyDrop<Arc<dyn Erased<L>>>);

trait Erased<L>: Send + Sync {
    /// # Safety
    ///
    /// The caller has the turn.
    unsafe fn run(self: Arc<Self>) -> Option<Ready<L>>;
    /// # Safety
    ///
    /// The caller has the turn.
    unsafe fn end(self: Arc<Self>);
    fn place(&self) -> &L;
}

impl<S: Drive<B>, B: Send + 'static> Erased<S::Place> for Cell<S, B> {
    unsafe fn run(self: Arc<Self>) -> Option<Ready<S::Place>> {
        S::run(Turn(self)).map(Ready::from)
    }

    unsafe fn end(self: Arc<Self>) {
        S::end(Turn(self));
    }

    fn place(&self) -> &S::Place {
        self.shared.place()
    }
}

impl<S: Drive<B>, B: Send + 'static> From<Turn<S, B>> for Ready<S::Place> {
    #[inline]
    fn from(turn: Turn<S, B>) -> Self {
        Self(ManuallyDrop::new(turn.into_cell()))
    }
}

impl<L: 'static> Ready<L> {
    /// Has the actor run; what comes back goes to the end of the line.
    #[inline]
    pub(crate) fn run(self) -> Option<Self> {
        let mut ready = ManuallyDrop::new(self);
        // SAFETY: it was made from a turn, which nobody else has; `ready` is not used any more.
        unsafe { ManuallyDrop::take(&mut ready.0).run() }
    }

    /// Where the actor wants to run.
    #[inline]
    pub(crate) fn place(&self) -> &L {
        self.0.place()
    }

    /// What distinguishes the actor from all others while it lives: the address of its cell.
    #[inline]
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl<L: 'static> Drop for Ready<L> {
    fn drop(&mut self) {
        // SAFETY: as for `run`.
        unsafe { ManuallyDrop::take(&mut self.0).end() }
    }
}
