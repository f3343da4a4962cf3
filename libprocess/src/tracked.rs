//! Futures whose work a test clock can wait for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use parking_lot::Mutex;

use crate::Clock;

/// Counts as work for [`Clock::settle`] from each wake-up until the poll that answers it: what only
/// waits does not count.
pub(crate) struct Tracked<F> {
    future: Pin<Box<F>>,
    signal: Arc<Signal>,
}

struct Signal {
    clock: Clock,
    /// Whether there is a wake-up that no poll has answered; each is one piece of work.
    woken: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.clock.begin();
        }
        if let Some(task) = &*self.task.lock() {
            task.wake_by_ref();
        }
    }
}

impl<F: Future> Tracked<F> {
    pub(crate) fn new(clock: Clock, future: F) -> Self {
        clock.begin();
        let signal = Signal { clock, woken: AtomicBool::new(true), task: Mutex::new(None) };
        Self { future: Box::pin(future), signal: Arc::new(signal) }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        *self.signal.task.lock() = Some(cx.waker().clone());
        let answered = self.signal.woken.swap(false, Ordering::AcqRel);
        let waker = Waker::from(Arc::clone(&self.signal));
        let poll = self.future.as_mut().poll(&mut Context::from_waker(&waker));
        self.signal.clock.end(usize::from(answered));
        poll
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        let answered = self.signal.woken.swap(true, Ordering::AcqRel);
        self.signal.clock.end(usize::from(answered));
    }
}
