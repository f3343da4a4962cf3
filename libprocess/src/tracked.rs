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
        // Begun before anybody can see it, and answer it.
        self.clock.begin();
        if self.woken.swap(true, Ordering::AcqRel) {
            self.clock.end(1);
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
        // Also when the future panics.
        let _end = Answered { clock: self.signal.clock.clone(), wake_ups: usize::from(answered) };
        let waker = Waker::from(Arc::clone(&self.signal));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

/// Ends the work of wake-ups that a poll answers.
struct Answered {
    clock: Clock,
    wake_ups: usize,
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.clock.end(self.wake_ups);
    }
}

impl<F> Drop for Tracked<F> {
    fn drop(&mut self) {
        // No wake-up counts from now on, since nobody will answer it.
        let woken = self.signal.woken.swap(true, Ordering::AcqRel);
        self.signal.clock.end(usize::from(woken));
    }
}
