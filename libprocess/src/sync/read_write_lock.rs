//! A value that many read or one writes.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::waiters::{Ticket, Waiter, Waiters};
use crate::{Future, Promise};

/// A lock that is waited for with a future, over a value that many may read at a time, or one may write.
/// Clones are the same lock.
///
/// Nobody starves: whoever comes while others wait queues behind them, a reader too, even if others are
/// reading at the moment. When a writer is done, all readers at the front of the queue get in together.
/// A writer who discards its future lets those behind it go on at once; one who merely drops it, when
/// next somebody comes or goes.
///
/// ```
/// use libprocess::sync::ReadWriteLock;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let table = ReadWriteLock::new(vec![1]);
/// let (one, other) = (table.read().await?, table.read().await?);
/// let writing = table.write();
/// let late = table.read();
/// assert!(writing.is_pending() && late.is_pending());
/// drop((one, other));
/// writing.await?.push(2);
/// assert_eq!(*late.await?, [1, 2]);
/// # Ok::<(), libprocess::FutureError>(())
/// # }).unwrap();
/// ```
pub struct ReadWriteLock<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    /// The value, while nobody writes. Beside the readers, nobody has a part in it.
    value: Option<Arc<T>>,
    readers: usize,
    waiters: Waiters<Waiting<T>>,
}

enum Waiting<T> {
    Read(Promise<ReadGuard<T>>),
    Write(Promise<WriteGuard<T>>),
}

/// Reads the value of a [`ReadWriteLock`] until it is dropped.
pub struct ReadGuard<T> {
    value: Option<Arc<T>>,
    shared: Arc<Shared<T>>,
}

/// Has the value of a [`ReadWriteLock`] for itself until it is dropped.
pub struct WriteGuard<T> {
    value: Option<T>,
    shared: Arc<Shared<T>>,
}

impl<T> ReadWriteLock<T> {
    /// A lock that nobody holds.
    pub fn new(value: T) -> Self {
        let state = State { value: Some(Arc::new(value)), readers: 0, waiters: Waiters::default() };
        Self { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    /// Reads, if nobody writes or waits.
    pub fn try_read(&self) -> Option<ReadGuard<T>> {
        let mut state = self.shared.state.lock();
        if state.waiters.is_empty() { self.shared.start_read(&mut state) } else { None }
    }

    /// Writes, if nobody has the lock or waits.
    pub fn try_write(&self) -> Option<WriteGuard<T>> {
        let mut state = self.shared.state.lock();
        if state.waiters.is_empty() { self.shared.start_write(&mut state) } else { None }
    }
}

impl<T: Send + Sync + 'static> ReadWriteLock<T> {
    /// Reads: now if nobody writes or waits, else when all who came earlier and write have done so.
    pub fn read(&self) -> Future<ReadGuard<T>> {
        if let Some(guard) = self.try_read() {
            return Future::ready(guard);
        }
        let (promise, future) = Promise::pair();
        self.wait(Waiting::Read(promise));
        future
    }

    /// Writes: now if nobody has the lock, else when all who came earlier have had it.
    pub fn write(&self) -> Future<WriteGuard<T>> {
        if let Some(guard) = self.try_write() {
            return Future::ready(guard);
        }
        let (promise, future) = Promise::pair();
        self.wait(Waiting::Write(promise));
        future
    }

    fn wait(&self, waiting: Waiting<T>) {
        let mut state = self.shared.state.lock();
        let (lock, ticket) = (Arc::downgrade(&self.shared), state.waiters.next_ticket());
        let leave = move || leave(&lock, ticket);
        match &waiting {
            Waiting::Read(promise) => promise.on_discard(leave),
            Waiting::Write(promise) => promise.on_discard(leave),
        }
        let gone = state.waiters.push(waiting);
        let admitted = self.shared.admit(&mut state);
        drop(state);
        gone.into_iter().for_each(Waiting::discard);
        admitted.hand_over();
    }
}

fn leave<T>(lock: &Weak<Shared<T>>, ticket: Ticket) {
    let Some(lock) = lock.upgrade() else { return };
    let mut state = lock.state.lock();
    let Some(waiter) = state.waiters.remove(ticket) else { return };
    // Readers may have waited for nobody but the writer who leaves.
    let admitted = lock.admit(&mut state);
    drop(state);
    waiter.discard();
    admitted.hand_over();
}

impl<T> Shared<T> {
    fn start_read(self: &Arc<Self>, state: &mut State<T>) -> Option<ReadGuard<T>> {
        let value = Arc::clone(state.value.as_ref()?);
        state.readers += 1;
        Some(ReadGuard { value: Some(value), shared: Arc::clone(self) })
    }

    fn start_write(self: &Arc<Self>, state: &mut State<T>) -> Option<WriteGuard<T>> {
        if state.readers > 0 {
            return None;
        }
        let value = Arc::into_inner(state.value.take()?);
        Some(WriteGuard { value, shared: Arc::clone(self) })
    }

    /// Lets in those at the front of the queue who may have the lock now.
    fn admit(self: &Arc<Self>, state: &mut State<T>) -> Admitted<T> {
        let mut admitted = Admitted { readers: Vec::new(), writer: None, gone: Vec::new() };
        while let Some(front) = state.waiters.front() {
            match front {
                unwanted if !unwanted.is_wanted() => admitted.gone.extend(state.waiters.pop()),
                Waiting::Read(_) => {
                    let Some(guard) = self.start_read(state) else { break };
                    if let Some(Waiting::Read(promise)) = state.waiters.pop() {
                        admitted.readers.push((promise, guard));
                    }
                }
                Waiting::Write(_) => {
                    let Some(guard) = self.start_write(state) else { break };
                    if let Some(Waiting::Write(promise)) = state.waiters.pop() {
                        admitted.writer = Some((promise, guard));
                    }
                }
            }
        }
        admitted
    }

    fn release(self: &Arc<Self>, f: impl FnOnce(&mut State<T>)) {
        let mut state = self.state.lock();
        f(&mut state);
        let admitted = self.admit(&mut state);
        drop(state);
        admitted.hand_over();
    }
}

/// Those who are let in, and those who have lost interest, to be told outside the lock.
struct Admitted<T> {
    readers: Vec<(Promise<ReadGuard<T>>, ReadGuard<T>)>,
    writer: Option<(Promise<WriteGuard<T>>, WriteGuard<T>)>,
    gone: Vec<Waiting<T>>,
}

impl<T> Admitted<T> {
    fn hand_over(self) {
        self.readers.into_iter().for_each(|(promise, guard)| promise.set(guard));
        self.writer.into_iter().for_each(|(promise, guard)| promise.set(guard));
        self.gone.into_iter().for_each(Waiting::discard);
    }
}

impl<T> Waiting<T> {
    fn discard(self) {
        match self {
            Self::Read(promise) => promise.discard(),
            Self::Write(promise) => promise.discard(),
        }
    }
}

impl<T> Waiter for Waiting<T> {
    fn is_wanted(&self) -> bool {
        match self {
            Self::Read(promise) => promise.is_wanted(),
            Self::Write(promise) => promise.is_wanted(),
        }
    }
}

const HELD: &str = "a guard has the value until it is dropped";

impl<T> Deref for ReadGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect(HELD)
    }
}

impl<T> Drop for ReadGuard<T> {
    fn drop(&mut self) {
        // Before the lock is released: who writes next has the value alone.
        self.value = None;
        self.shared.release(|state| state.readers -= 1);
    }
}

impl<T> Deref for WriteGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect(HELD)
    }
}

impl<T> DerefMut for WriteGuard<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect(HELD)
    }
}

impl<T> Drop for WriteGuard<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            let value = Arc::new(value);
            self.shared.release(|state| state.value = Some(value));
        }
    }
}

impl<T> Clone for ReadWriteLock<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Default> Default for ReadWriteLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for ReadWriteLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("ReadWriteLock")
            .field("readers", &state.readers)
            .field("writing", &state.value.is_none())
            .field("waiting", &state.waiters.len())
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for ReadGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadGuard").field(&**self).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for WriteGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteGuard").field(&**self).finish()
    }
}

#[cfg(test)]
mod tests;
