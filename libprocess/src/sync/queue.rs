//! Elements that come when they come.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::waiters::{Ticket, Waiters};
use crate::{Future, Promise};

/// A queue whose elements can be waited for. Clones are the same queue.
///
/// Each element goes to one [`get`](Queue::get), and they get them in the order in which they asked. The
/// queue has no bound, so that [`put`](Queue::put) never waits: where nothing else bounds what is put,
/// take the channel of `tokio::sync::mpsc` that has one.
///
/// When the last handle is dropped, the futures of those who wait are abandoned.
///
/// ```
/// use libprocess::sync::Queue;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let jobs = Queue::new();
/// let first = jobs.get();
/// let second = jobs.get();
/// jobs.put("sweep");
/// jobs.put("cook");
/// jobs.put("shop");
/// assert_eq!((first.await, second.await), (Ok("sweep"), Ok("cook")));
/// assert_eq!(jobs.try_get(), Some("shop"));
/// # });
/// ```
///
/// # Cancel safety
///
/// Who drops or discards the future of [`get`](Queue::get) while it is pending loses nothing: the next
/// one gets the element. One that is dropped unread after it became ready takes its element along.
pub struct Queue<T> {
    shared: Arc<Mutex<Shared<T>>>,
}

/// Either there are elements or somebody waits, never both.
struct Shared<T> {
    elements: VecDeque<T>,
    waiters: Waiters<Promise<T>>,
}

impl<T> Queue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        let shared = Shared { elements: VecDeque::new(), waiters: Waiters::default() };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Gives an element to the first who waits, or keeps it for the first who will.
    pub fn put(&self, element: T) {
        let mut gone = Vec::new();
        let mut shared = self.shared.lock();
        while let Some(waiter) = shared.waiters.pop() {
            if waiter.is_wanted() {
                drop(shared);
                waiter.set(element);
                gone.into_iter().for_each(Promise::discard);
                return;
            }
            gone.push(waiter);
        }
        shared.elements.push_back(element);
        drop(shared);
        gone.into_iter().for_each(Promise::discard);
    }

    /// The first element, if there is one.
    pub fn try_get(&self) -> Option<T> {
        self.shared.lock().elements.pop_front()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.shared.lock().elements.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Send + 'static> Queue<T> {
    /// The first element: now if there is one, else when it comes.
    pub fn get(&self) -> Future<T> {
        let mut shared = self.shared.lock();
        if let Some(element) = shared.elements.pop_front() {
            return Future::ready(element);
        }
        let (promise, future) = Promise::pair();
        let (queue, ticket) = (Arc::downgrade(&self.shared), shared.waiters.next_ticket());
        promise.on_discard(move || leave(&queue, ticket));
        let gone = shared.waiters.push(promise);
        drop(shared);
        gone.into_iter().for_each(Promise::discard);
        future
    }
}

fn leave<T>(queue: &Weak<Mutex<Shared<T>>>, ticket: Ticket) {
    let Some(queue) = queue.upgrade() else { return };
    let waiter = queue.lock().waiters.remove(ticket);
    if let Some(waiter) = waiter {
        waiter.discard();
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FutureError;

    #[tokio::test]
    async fn elements_go_out_in_order_to_those_who_wait_in_order() {
        let queue = Queue::new();
        let early: Vec<_> = (0..3).map(|_| queue.get()).collect();
        (0..5).for_each(|n| queue.put(n));
        for (n, future) in early.into_iter().enumerate() {
            assert_eq!(future.await, Ok(n));
        }
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.get().await, Ok(3));
        assert_eq!(queue.try_get(), Some(4));
        assert_eq!(queue.try_get(), None);
    }

    #[tokio::test]
    async fn who_loses_interest_is_passed_over() {
        let queue = Queue::new();
        let (discarded, dropped, wanted) = (queue.get(), queue.get(), queue.get());
        discarded.discard();
        drop(dropped);
        queue.put(1);
        assert_eq!(discarded.await, Err(FutureError::Discarded));
        assert_eq!(wanted.await, Ok(1));
    }

    #[tokio::test]
    async fn attempts_that_were_given_up_leave_nothing_behind() {
        let queue = Queue::<u8>::new();
        for _ in 0..1_000 {
            drop(queue.get());
        }
        let _waiting = queue.get();
        assert_eq!(queue.shared.lock().waiters.len(), 1);
    }

    #[tokio::test]
    async fn last_handle_abandons_who_waits() {
        let queue = Queue::<u8>::new();
        let (waiting, clone) = (queue.get(), queue.clone());
        drop(queue);
        assert!(waiting.is_pending());
        drop(clone);
        assert_eq!(waiting.await, Err(FutureError::Abandoned));
    }

    #[test]
    fn callback_of_an_element_may_use_the_queue() {
        let queue = Queue::new();
        let inner = queue.clone();
        queue.get().on_any(move |n| inner.put(n.unwrap() + 1));
        queue.put(1);
        assert_eq!(queue.try_get(), Some(2));
    }

    #[test]
    fn every_element_arrives_once_from_many_threads() {
        let queue = Queue::new();
        let mut got: Vec<u32> = std::thread::scope(|scope| {
            for thread in 0..4 {
                let queue = &queue;
                scope.spawn(move || (0..1_000).for_each(|n| queue.put(thread * 1_000 + n)));
            }
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let next = || futures::executor::block_on(queue.get()).unwrap();
                        (0..2_000).map(|_| next()).collect::<Vec<_>>()
                    })
                })
                .collect();
            readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
        });
        got.sort_unstable();
        assert!(got.into_iter().eq(0..4_000));
    }
}
