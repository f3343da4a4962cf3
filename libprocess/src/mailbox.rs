//! Where the events of a process wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::http::{Reply, Request};
use crate::routes::ActorHandler;
use crate::{Clock, Context, Upid};

/// A closure for the process to run.
type Call<P> = Box<dyn FnOnce(&mut P, &mut Context<P>) + Send>;

/// What a process can be given to do.
pub(crate) enum Event<P> {
    Dispatch(Call<P>),
    Message { from: Upid, name: String, body: Bytes },
    Http { handler: ActorHandler<P>, request: Box<Request>, reply: tokio::sync::oneshot::Sender<Reply> },
    Exited(Upid),
    Terminate,
}

/// How many events of each kind wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) dispatches: usize,
    pub(crate) messages: usize,
    pub(crate) http_requests: usize,
}

impl Queued {
    fn count<P>(&mut self, event: &Event<P>) {
        match event {
            Event::Dispatch(_) => self.dispatches += 1,
            Event::Message { .. } => self.messages += 1,
            Event::Http { .. } => self.http_requests += 1,
            Event::Exited(_) | Event::Terminate => {}
        }
    }
}

/// A queue that has held more events than this gives its memory back once it is empty.
const KEPT_EVENTS_MAX: usize = 4096;

/// An unbounded queue with many senders and one process that empties it.
///
/// The process takes all that waits at once; what it has taken does not count as waiting any more.
pub(crate) struct Mailbox<P> {
    state: Mutex<State<P>>,
    /// Set when the process must end before it handles another event, even one it has taken out.
    ends_at_once: AtomicBool,
    clock: Clock,
}

struct State<P> {
    queue: VecDeque<Event<P>>,
    queued: Queued,
    waker: Option<Waker>,
    closed: bool,
}

impl<P> Mailbox<P> {
    pub(crate) fn new(clock: Clock) -> Self {
        let state = State { queue: VecDeque::new(), queued: Queued::default(), waker: None, closed: false };
        Self { state: Mutex::new(state), ends_at_once: AtomicBool::new(false), clock }
    }

    /// Adds an event; gives it back when the process is gone.
    pub(crate) fn push(&self, event: Event<P>) -> Result<(), Event<P>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(event);
        }
        self.clock.begin();
        state.queued.count(&event);
        state.queue.push_back(event);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Ends the process: after the event at hand, or after those that wait.
    pub(crate) fn terminate(&self, at_once: bool) {
        if at_once {
            self.ends_at_once.store(true, Ordering::Release);
        }
        // The event wakes the process up; it is the last one either way.
        let _ = self.push(Event::Terminate);
    }

    pub(crate) fn ends_at_once(&self) -> bool {
        self.ends_at_once.load(Ordering::Acquire)
    }

    /// Swaps the empty `batch` for all that waits.
    pub(crate) fn poll_batch(&self, waker: &Waker, batch: &mut VecDeque<Event<P>>) -> Poll<()> {
        batch.shrink_to(KEPT_EVENTS_MAX);
        let mut state = self.state.lock();
        if state.queue.is_empty() {
            state.waker = Some(waker.clone());
            return Poll::Pending;
        }
        std::mem::swap(&mut state.queue, batch);
        state.queued = Queued::default();
        Poll::Ready(())
    }

    /// Refuses all further events, and gives back those that waited.
    pub(crate) fn close(&self) -> VecDeque<Event<P>> {
        let mut state = self.state.lock();
        state.closed = true;
        state.waker = None;
        state.queued = Queued::default();
        std::mem::take(&mut state.queue)
    }

    pub(crate) fn queued(&self) -> Queued {
        self.state.lock().queued
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }
}
