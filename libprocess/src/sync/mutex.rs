//! A value that one has at a time.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};

use super::waiters::{Ticket, Waiters};
use crate::{Future, Promise};

/// A lock that is waited for with a future, over a value. Clones are the same lock.
///
/// Who asks first is first. The lock goes to the next one when the guard is dropped, on any thread; a
/// guard may be kept across `await`, and taken along from one event of a process to the next. For what
/// is done within one event, the lock of `parking_lot` or std is cheaper.
///
/// A panic of who holds the guard releases the lock and leaves the value as it is.
///
/// ```
/// use libprocess::sync::Mutex;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let log = Mutex::new(Vec::new());
/// let first = log.lock().then(|mut log| log.push("first"));
/// let second = log.lock().then(|mut log| log.push("second"));
/// first.await?;
/// second.await?;
/// assert_eq!(*log.lock().await?, ["first", "second"]);
/// # Ok::<(), libprocess::FutureError>(())
/// # }).unwrap();
/// ```
pub struct Mutex<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: parking_lot::Mutex<State<T>>,
}

struct State<T> {
    /// The value, when nobody holds the lock.
    free: Option<T>,
    waiters: Waiters<Promise<MutexGuard<T>>>,
}

/// Holds the lock of a [`Mutex`], and releases it when it is dropped.
pub struct MutexGuard<T> {
    /// Moved out of the lock, and back at the end.
    value: Option<T>,
    shared: Arc<Shared<T>>,
}

impl<T> Mutex<T> {
    /// A lock that nobody holds.
    pub fn new(value: T) -> Self {
        let state = State { free: Some(value), waiters: Waiters::default() };
        Self { shared: Arc::new(Shared { state: parking_lot::Mutex::new(state) }) }
    }

    /// The lock, if it is to be had now.
    pub fn try_lock(&self) -> Option<MutexGuard<T>> {
        let value = self.shared.state.lock().free.take()?;
        Some(self.shared.guard(value))
    }
}

impl<T: Send + 'static> Mutex<T> {
    /// The lock: now if it is free, else when all who came earlier have had it.
    pub fn lock(&self) -> Future<MutexGuard<T>> {
        let mut state = self.shared.state.lock();
        if let Some(value) = state.free.take() {
            drop(state);
            return Future::ready(self.shared.guard(value));
        }
        let (promise, future) = Promise::pair();
        let (lock, ticket) = (Arc::downgrade(&self.shared), state.waiters.next_ticket());
        promise.on_discard(move || leave(&lock, ticket));
        let gone = state.waiters.push(promise);
        drop(state);
        gone.into_iter().for_each(Promise::discard);
        future
    }
}

fn leave<T>(lock: &Weak<Shared<T>>, ticket: Ticket) {
    let Some(lock) = lock.upgrade() else { return };
    let waiter = lock.state.lock().waiters.remove(ticket);
    if let Some(waiter) = waiter {
        waiter.discard();
    }
}

impl<T> Shared<T> {
    fn guard(self: &Arc<Self>, value: T) -> MutexGuard<T> {
        MutexGuard { value: Some(value), shared: Arc::clone(self) }
    }

    /// Gives the value to the next one who wants it.
    fn release(self: &Arc<Self>, value: T) {
        let mut gone = Vec::new();
        let mut state = self.state.lock();
        let next = loop {
            match state.waiters.pop() {
                Some(waiter) if waiter.is_wanted() => break Some(waiter),
                Some(waiter) => gone.push(waiter),
                None => break None,
            }
        };
        match next {
            Some(next) => {
                drop(state);
                next.set(self.guard(value));
            }
            None => {
                state.free = Some(value);
                drop(state);
            }
        }
        gone.into_iter().for_each(Promise::discard);
    }
}

const HELD: &str = "a guard has the value until it is dropped";

impl<T> Deref for MutexGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect(HELD)
    }
}

impl<T> DerefMut for MutexGuard<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(HELD)
    }
}

impl<T> Drop for MutexGuard<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            self.shared.release(value);
        }
    }
}

impl<T> Clone for Mutex<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("Mutex")
            .field("locked", &state.free.is_none())
            .field("waiting", &state.waiters.len())
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MutexGuard").field(&**self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FutureError, FutureState};

    #[tokio::test]
    async fn lock_goes_round_in_the_order_of_asking() {
        let mutex = Mutex::new(0);
        let mut held = mutex.lock().await.unwrap();
        let waiting: Vec<_> = (1..=3).map(|_| mutex.lock()).collect();
        for next in waiting {
            assert!(next.is_pending() && mutex.try_lock().is_none());
            *held += 1;
            drop(held);
            held = next.await.unwrap();
        }
        assert_eq!(*held, 3);
        drop(held);
        assert!(mutex.try_lock().is_some());
    }

    #[tokio::test]
    async fn who_loses_interest_is_passed_over() {
        let mutex = Mutex::new(());
        let held = mutex.lock().await.unwrap();
        let (discarded, dropped, wanted) = (mutex.lock(), mutex.lock(), mutex.lock());
        discarded.discard();
        assert_eq!(discarded.await.unwrap_err(), FutureError::Discarded);
        drop(dropped);
        drop(held);
        assert_eq!(wanted.state(), FutureState::Ready);
        // A lock that is got and dropped unread is free again.
        drop(wanted);
        assert!(mutex.try_lock().is_some());
    }

    #[tokio::test]
    async fn many_who_release_in_their_callbacks_do_not_nest() {
        let mutex = Mutex::new(0);
        let held = mutex.lock().await.unwrap();
        for _ in 0..100_000 {
            mutex.lock().on_any(|guard| *guard.unwrap() += 1);
        }
        drop(held);
        assert_eq!(*mutex.lock().await.unwrap(), 100_000);
    }

    #[tokio::test]
    async fn panic_releases_the_lock() {
        let mutex = Mutex::new(1);
        let held = mutex.lock().await.unwrap();
        mutex.lock().on_any(|_guard| panic!("on purpose"));
        drop(held);
        assert_eq!(*mutex.lock().await.unwrap(), 1);
    }

    #[test]
    fn one_at_a_time_from_many_threads() {
        let mutex = Mutex::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        let mut guard = futures::executor::block_on(mutex.lock()).unwrap();
                        let seen = *guard;
                        std::thread::yield_now();
                        *guard = seen + 1;
                    }
                });
            }
        });
        assert_eq!(*mutex.try_lock().unwrap(), 4_000);
    }
}
