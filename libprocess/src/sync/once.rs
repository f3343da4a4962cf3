//! What is done once, and had by all.

use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::waiters::{Ticket, Waiters};
use crate::future::run_callback;
use crate::{Future, FutureError, Promise};

/// An operation that is done once, whatever the number of those who want its value. Clones are the same
/// one.
///
/// The first who asks begins it, and all get a copy of the value. When it ends without one, those who
/// waited hear why, and the next who asks begins it anew. A discard request takes only this one out of
/// those who wait.
///
/// ```
/// use libprocess::sync::Once;
/// use libprocess::{Future, Promise};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let address = Once::new();
/// let (resolver, resolved) = Promise::pair();
/// let one = address.run(|| resolved);
/// let other = address.run(|| unreachable!("it is under way"));
/// resolver.set("10.0.0.1");
/// assert_eq!((one.await, other.await), (Ok("10.0.0.1"), Ok("10.0.0.1")));
/// assert_eq!(address.get(), Some("10.0.0.1"));
/// # });
/// ```
pub struct Once<T> {
    state: Arc<Mutex<State<T>>>,
}

enum State<T> {
    New,
    UnderWay(Waiters<Promise<T>>),
    Done(T),
}

impl<T> Once<T> {
    /// Nothing was done yet.
    pub fn new() -> Self {
        Self { state: Arc::new(Mutex::new(State::New)) }
    }
}

impl<T: Clone> Once<T> {
    /// The value, if it is there.
    pub fn get(&self) -> Option<T> {
        match &*self.state.lock() {
            State::Done(value) => Some(value.clone()),
            State::New | State::UnderWay(_) => None,
        }
    }
}

impl<T: Clone + Send + 'static> Once<T> {
    /// The value: of the operation that was begun earlier, or else of the one that `begin` starts now.
    pub fn run(&self, begin: impl FnOnce() -> Future<T> + Send + 'static) -> Future<T> {
        let mut state = self.state.lock();
        let (promise, future) = Promise::pair();
        match &mut *state {
            State::Done(value) => {
                let value = value.clone();
                drop(state);
                promise.set(value);
            }
            State::UnderWay(waiters) => {
                let gone = self.wait(waiters, promise);
                drop(state);
                gone.into_iter().for_each(Promise::discard);
            }
            State::New => {
                let mut waiters = Waiters::default();
                // The first has nobody before it who could be gone.
                let _ = self.wait(&mut waiters, promise);
                *state = State::UnderWay(waiters);
                drop(state);
                let attempt = Attempt { once: Arc::clone(&self.state), armed: true };
                run_callback(move || begin().on_any(move |outcome| attempt.end(outcome)));
            }
        }
        future
    }

    fn wait(&self, waiters: &mut Waiters<Promise<T>>, promise: Promise<T>) -> Vec<Promise<T>> {
        let (once, ticket) = (Arc::downgrade(&self.state), waiters.next_ticket());
        promise.on_discard(move || leave(&once, ticket));
        waiters.push(promise)
    }
}

fn leave<T>(once: &Weak<Mutex<State<T>>>, ticket: Ticket) {
    let Some(once) = once.upgrade() else { return };
    let waiter = match &mut *once.lock() {
        State::UnderWay(waiters) => waiters.remove(ticket),
        State::New | State::Done(_) => None,
    };
    if let Some(waiter) = waiter {
        waiter.discard();
    }
}

/// The operation under way. Dropped without an end, as when it panics, it has been abandoned.
struct Attempt<T: Clone> {
    once: Arc<Mutex<State<T>>>,
    armed: bool,
}

impl<T: Clone> Attempt<T> {
    fn end(mut self, outcome: Result<T, FutureError>) {
        self.armed = false;
        self.finish(outcome);
    }

    fn finish(&self, outcome: Result<T, FutureError>) {
        let next = outcome.clone().map_or(State::New, State::Done);
        let before = std::mem::replace(&mut *self.once.lock(), next);
        if let State::UnderWay(mut waiters) = before {
            waiters.take_all().for_each(|waiter| waiter.complete(outcome.clone()));
        }
    }
}

impl<T: Clone> Drop for Attempt<T> {
    fn drop(&mut self) {
        if self.armed {
            self.finish(Err(FutureError::Abandoned));
        }
    }
}

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state) }
    }
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.state.lock() {
            State::New => "Once(new)",
            State::UnderWay(_) => "Once(under way)",
            State::Done(_) => "Once(done)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failure_reaches_all_who_waited_and_the_next_one_tries_again() {
        let once = Once::new();
        let (promise, begun) = Promise::<u8>::pair();
        let waiting = [once.run(|| begun), once.run(|| panic!("it is under way"))];
        promise.fail("boom");
        for future in waiting {
            assert_eq!(future.await, Err(FutureError::Failed("boom".into())));
        }
        assert_eq!(once.get(), None);
        assert_eq!(once.run(|| Future::ready(2)).await, Ok(2));
        assert_eq!(once.run(|| panic!("it is done")).await, Ok(2));
    }

    #[tokio::test]
    async fn panic_does_not_leave_it_under_way() {
        let once = Once::<u8>::new();
        assert_eq!(once.run(|| panic!("on purpose")).await, Err(FutureError::Abandoned));
        assert_eq!(once.run(|| Future::ready(2)).await, Ok(2));
    }

    #[tokio::test]
    async fn who_discards_leaves_the_others_waiting() {
        let once = Once::new();
        let (promise, begun) = Promise::<u8>::pair();
        let first = once.run(|| begun);
        let second = once.run(|| panic!("it is under way"));
        first.discard();
        assert_eq!(first.await, Err(FutureError::Discarded));
        assert!(!promise.discard_requested());
        promise.set(1);
        assert_eq!(second.await, Ok(1));
    }
}
