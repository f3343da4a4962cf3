//! One operation after the other.

use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::waiters::{Ticket, Waiter, Waiters};
use crate::future::{Upstream, run_callback};
use crate::{Future, Promise};

/// Runs operations one after the other, each when the one before has ended in whatever way.
///
/// Who discards the future of an operation that waits takes it out; the request to stop one that is
/// under way goes to its own future, and the next one begins when that has really ended. An operation
/// whose future is merely dropped runs all the same. When the sequence is dropped, what waits is
/// discarded, and what is under way is asked to stop.
///
/// An operation begins on the thread that ended the one before: to have it on a process, begin it with
/// [`Pid::ask_future`](crate::Pid::ask_future).
///
/// ```
/// use libprocess::sync::Sequence;
/// use libprocess::{Future, Promise};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let writes = Sequence::new();
/// let (disk, written) = Promise::pair();
/// let first = writes.add(|| written);
/// let second = writes.add(|| Future::ready("second"));
/// assert!(second.is_pending());
/// disk.set("first");
/// assert_eq!((first.await, second.await), (Ok("first"), Ok("second")));
/// # });
/// ```
pub struct Sequence {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Running,
    waiting: Waiters<Box<dyn Operation>>,
}

#[derive(Default)]
enum Running {
    #[default]
    Nothing,
    /// An operation has its turn, and this is where it can be asked to stop, as soon as that is known.
    Operation(Option<Upstream>),
    /// The sequence is gone.
    Closed,
}

/// What waits for its turn.
trait Operation: Send {
    fn start(self: Box<Self>, turn: Turn);
    fn discard(self: Box<Self>);
    fn is_wanted(&self) -> bool;
}

impl Waiter for Box<dyn Operation> {
    fn is_wanted(&self) -> bool {
        (**self).is_wanted()
    }
}

struct Queued<T, F> {
    begin: F,
    promise: Promise<T>,
}

impl<T: Send + 'static, F: FnOnce() -> Future<T> + Send> Operation for Queued<T, F> {
    fn start(self: Box<Self>, turn: Turn) {
        if self.promise.discard_requested() {
            return self.promise.discard();
        }
        let Queued { begin, promise } = *self;
        let future = begin();
        turn.run(future.upstream());
        promise.follow_only(future.upstream());
        future.on_any(move |outcome| {
            promise.complete(outcome);
            drop(turn);
        });
    }

    fn discard(self: Box<Self>) {
        self.promise.discard();
    }

    fn is_wanted(&self) -> bool {
        !self.promise.discard_requested()
    }
}

/// The turn of an operation, which ends when this is dropped: also if the operation panics, or forgets
/// its promise.
struct Turn(Arc<Shared>);

impl Turn {
    fn run(&self, upstream: Option<Upstream>) {
        let mut state = self.0.state.lock();
        match &mut state.running {
            Running::Closed => {
                drop(state);
                if let Some(upstream) = upstream {
                    upstream.discard();
                }
            }
            running => *running = Running::Operation(upstream),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        match state.waiting.pop() {
            Some(next) => {
                state.running = Running::Operation(None);
                drop(state);
                let turn = Turn(Arc::clone(&self.0));
                run_callback(move || next.start(turn));
            }
            None if matches!(state.running, Running::Closed) => {}
            None => state.running = Running::Nothing,
        }
    }
}

impl Sequence {
    /// A sequence without operations.
    pub fn new() -> Self {
        Self { shared: Arc::new(Shared { state: Mutex::default() }) }
    }

    /// Adds an operation, which `begin` starts when its turn has come: now, if nothing is under way.
    pub fn add<T: Send + 'static>(&self, begin: impl FnOnce() -> Future<T> + Send + 'static) -> Future<T> {
        let (promise, future) = Promise::pair();
        let mut state = self.shared.state.lock();
        if matches!(state.running, Running::Nothing) {
            state.running = Running::Operation(None);
            drop(state);
            let turn = Turn(Arc::clone(&self.shared));
            run_callback(move || Box::new(Queued { begin, promise }).start(turn));
            return future;
        }
        let (sequence, ticket) = (Arc::downgrade(&self.shared), state.waiting.next_ticket());
        promise.on_discard(move || leave(&sequence, ticket));
        let gone = state.waiting.push(Box::new(Queued { begin, promise }));
        drop(state);
        gone.into_iter().for_each(|operation| operation.discard());
        future
    }

    /// How many operations wait for their turn.
    pub fn waiting(&self) -> usize {
        self.shared.state.lock().waiting.len()
    }
}

fn leave(sequence: &Weak<Shared>, ticket: Ticket) {
    let Some(sequence) = sequence.upgrade() else { return };
    let operation = sequence.state.lock().waiting.remove(ticket);
    if let Some(operation) = operation {
        operation.discard();
    }
}

impl Drop for Sequence {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        let waiting: Vec<_> = state.waiting.take_all().collect();
        let running = std::mem::replace(&mut state.running, Running::Closed);
        drop(state);
        waiting.into_iter().for_each(|operation| operation.discard());
        if let Running::Operation(Some(upstream)) = running {
            upstream.discard();
        }
    }
}

impl Default for Sequence {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequence").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
