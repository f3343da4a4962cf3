//! Who may go on, and when.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use stout::Time;

use super::Rate;
use super::waiters::{Ticket, Waiters};
use crate::{Clock, Future, Promise, Timer};

/// Lets through so many in a time, in the order in which they came. Clones share the limit.
///
/// They are spaced evenly: at two a second, half a second lies between one and the next. A limiter
/// with a [burst](RateLimiter::with_burst) lets some through together when it has been quiet.
///
/// When the last handle is dropped, the futures of those who wait are abandoned.
///
/// ```
/// use std::time::Duration;
/// use libprocess::sync::{Rate, RateLimiter};
/// use libprocess::{Clock, Time};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let clock = Clock::paused(Time::EPOCH);
/// let limiter = RateLimiter::new(clock.clone(), Rate::new(2, Duration::from_secs(1)));
/// limiter.acquire().await?;
/// let second = limiter.acquire();
/// assert!(second.is_pending());
/// clock.advance(Duration::from_millis(500)).await;
/// second.await?;
/// # Ok::<(), libprocess::FutureError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct RateLimiter {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    interval: Duration,
    /// How much earlier than spaced evenly one may come.
    slack: Duration,
    state: Mutex<State>,
}

struct State {
    /// When the next one is due, if they are spaced evenly.
    due: Time,
    waiters: Waiters<Promise<()>>,
    timer: Option<Timer>,
}

impl RateLimiter {
    /// A limiter that spaces them evenly.
    pub fn new(clock: Clock, rate: Rate) -> Self {
        Self::with_burst(clock, rate, 1)
    }

    /// A limiter that lets up to `burst` through at once, after as long a quiet as their number takes at
    /// this rate.
    pub fn with_burst(clock: Clock, rate: Rate, burst: u32) -> Self {
        let interval = rate.interval();
        let slack = interval.saturating_mul(burst.max(1) - 1);
        let due = clock.now();
        let state = Mutex::new(State { due, waiters: Waiters::default(), timer: None });
        Self { shared: Arc::new(Shared { clock, interval, slack, state }) }
    }

    /// Ready when one may go on: now, or after all who came earlier. Who discards it, or drops it, leaves
    /// the place to the next one.
    pub fn acquire(&self) -> Future<()> {
        let shared = &self.shared;
        let mut state = shared.state.lock();
        if state.waiters.is_empty() && shared.admits(&mut state) {
            return Future::ready(());
        }
        let (promise, future) = Promise::pair();
        let (limiter, ticket) = (Arc::downgrade(shared), state.waiters.next_ticket());
        promise.on_discard(move || leave(&limiter, ticket));
        let gone = state.waiters.push(promise);
        shared.set_timer(&mut state);
        drop(state);
        gone.into_iter().for_each(Promise::discard);
        future
    }

    /// Whether one may go on now; if so, that is counted.
    pub fn try_acquire(&self) -> bool {
        let mut state = self.shared.state.lock();
        state.waiters.is_empty() && self.shared.admits(&mut state)
    }

    /// How many wait, with those who have dropped their future and were not passed over yet.
    pub fn waiting(&self) -> usize {
        self.shared.state.lock().waiters.len()
    }
}

fn leave(limiter: &Weak<Shared>, ticket: Ticket) {
    let Some(limiter) = limiter.upgrade() else { return };
    let mut state = limiter.state.lock();
    let waiter = state.waiters.remove(ticket);
    let timer = if state.waiters.is_empty() { state.timer.take() } else { None };
    drop(state);
    if let Some(timer) = timer {
        timer.cancel();
    }
    if let Some(waiter) = waiter {
        waiter.discard();
    }
}

impl Shared {
    /// When the next one may go on.
    fn opens(&self, state: &State) -> Time {
        state.due - self.slack
    }

    fn admits(&self, state: &mut State) -> bool {
        let now = self.clock.now();
        let admits = self.opens(state) <= now;
        if admits {
            state.due = state.due.max(now) + self.interval;
        }
        admits
    }

    fn set_timer(self: &Arc<Self>, state: &mut State) {
        if state.timer.is_some() || state.waiters.is_empty() {
            return;
        }
        let wait = self.opens(state).checked_duration_since(self.clock.now()).unwrap_or_default();
        let limiter = Arc::downgrade(self);
        state.timer = Some(self.clock.after(wait, move || {
            if let Some(limiter) = limiter.upgrade() {
                limiter.admit();
            }
        }));
    }

    /// Lets those in whose time has come, and waits for the others'.
    fn admit(self: Arc<Self>) {
        let (mut admitted, mut gone) = (Vec::new(), Vec::new());
        let mut state = self.state.lock();
        state.timer = None;
        while let Some(front) = state.waiters.front() {
            if !front.is_wanted() {
                gone.extend(state.waiters.pop());
            } else if self.admits(&mut state) {
                admitted.extend(state.waiters.pop());
            } else {
                break;
            }
        }
        self.set_timer(&mut state);
        drop(state);
        admitted.into_iter().for_each(|promise| promise.set(()));
        gone.into_iter().for_each(Promise::discard);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(timer) = self.state.get_mut().timer.take() {
            timer.cancel();
        }
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("interval", &self.shared.interval)
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FutureError;

    const SECOND: Duration = Duration::from_secs(1);

    fn limiter(burst: u32) -> (RateLimiter, Clock) {
        let clock = Clock::paused(Time::EPOCH);
        (RateLimiter::with_burst(clock.clone(), Rate::new(2, SECOND), burst), clock)
    }

    /// When each of so many comes through.
    async fn times(limiter: &RateLimiter, clock: &Clock, count: usize) -> Vec<f64> {
        let (times, seen) = (Arc::new(Mutex::new(Vec::new())), clock.clone());
        for _ in 0..count {
            let (times, seen) = (Arc::clone(&times), seen.clone());
            limiter.acquire().on_any(move |_| times.lock().push(seen.now().as_secs_f64()));
        }
        clock.advance(60 * SECOND).await;
        std::mem::take(&mut *times.lock())
    }

    #[tokio::test]
    async fn five_at_two_a_second_take_two_seconds() {
        let (limiter, clock) = limiter(1);
        assert_eq!(times(&limiter, &clock, 5).await, [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(times(&limiter, &clock, 2).await, [60.0, 60.5]);
    }

    #[tokio::test]
    async fn burst_goes_through_at_once_after_a_quiet_time() {
        let (limiter, clock) = limiter(3);
        assert_eq!(times(&limiter, &clock, 5).await, [0.0, 0.0, 0.0, 0.5, 1.0]);
        assert!(limiter.try_acquire() && limiter.try_acquire() && limiter.try_acquire());
        assert!(!limiter.try_acquire());
    }

    #[tokio::test]
    async fn who_loses_interest_frees_the_place() {
        let (limiter, clock) = limiter(1);
        limiter.acquire().await.unwrap();
        let (discarded, dropped, wanted) = (limiter.acquire(), limiter.acquire(), limiter.acquire());
        discarded.discard();
        assert_eq!(discarded.await, Err(FutureError::Discarded));
        drop(dropped);
        clock.advance(SECOND / 2).await;
        assert_eq!(wanted.await, Ok(()));
        assert_eq!(limiter.waiting(), 0);
    }

    #[tokio::test]
    async fn dropped_limiter_abandons_who_waits() {
        let (limiter, clock) = limiter(1);
        limiter.acquire().await.unwrap();
        let waiting = limiter.acquire();
        drop(limiter);
        assert_eq!(waiting.await, Err(FutureError::Abandoned));
        clock.advance(SECOND).await;
    }
}
