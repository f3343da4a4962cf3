//! Futures that somebody waits for only so long.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Future, Promise, nesting};
use crate::Clock;

impl<T: Send + 'static> Future<T> {
    /// Gives the operation `duration` on `clock`; then `f` decides how to go on. It gets the future
    /// that was late, to discard it, to wait on, or both. When the operation ends in time its outcome
    /// passes through.
    ///
    /// In an `async` block, [`Clock::timeout`] is simpler.
    ///
    /// ```
    /// use std::time::Duration;
    /// use libprocess::{Clock, Future, Promise, Time};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let clock = Clock::paused(Time::EPOCH);
    /// let (promise, answer) = Promise::<u8>::pair();
    /// let answer = answer.after(&clock, Duration::from_secs(5), |late| {
    ///     late.discard();
    ///     Future::failed("no answer within 5 s")
    /// });
    /// clock.advance(Duration::from_secs(5)).await;
    /// assert!(promise.discard_requested());
    /// assert_eq!(answer.await.unwrap_err().to_string(), "no answer within 5 s");
    /// # });
    /// ```
    #[must_use = "to act on the outcome and no more, use `on_any`"]
    pub fn after(
        self,
        clock: &Clock,
        duration: Duration,
        f: impl FnOnce(Future<T>) -> Future<T> + Send + 'static,
    ) -> Future<T> {
        if !self.is_pending() {
            return self;
        }
        let (promise, future) = Promise::following(self.upstream());
        let (relay, late) = Promise::following(self.upstream());
        // Whoever takes the promise first decides: the outcome, or the timer.
        let waiting = Arc::new(Mutex::new(Some(promise)));
        let timer = clock.after(duration, {
            let waiting = Arc::clone(&waiting);
            move || {
                let promise = waiting.lock().take();
                if let Some(promise) = promise {
                    nesting::run(move || promise.continue_with(f(late)));
                }
            }
        });
        self.on_any(move |outcome| {
            let promise = waiting.lock().take();
            match promise {
                Some(promise) => {
                    timer.cancel();
                    promise.complete(outcome);
                }
                None => relay.complete(outcome),
            }
        });
        future
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FutureError;
    use stout::Time;

    const WAIT: Duration = Duration::from_secs(5);

    fn late<T: Send + 'static>(_late: Future<T>) -> Future<T> {
        Future::failed("late")
    }

    #[tokio::test]
    async fn outcome_in_time_passes_through_and_stops_the_timer() {
        let clock = Clock::paused(Time::EPOCH);
        let (promise, future) = Promise::pair();
        let future = future.after(&clock, WAIT, |_| panic!("must not run"));
        clock.advance(WAIT - Duration::from_nanos(1)).await;
        promise.set(1);
        clock.advance(WAIT).await;
        assert_eq!(future.await, Ok(1));
        assert_eq!(Future::ready(2).after(&clock, WAIT, late).await, Ok(2));
    }

    #[tokio::test]
    async fn late_future_may_be_waited_on() {
        let clock = Clock::paused(Time::EPOCH);
        let (promise, future) = Promise::pair();
        let future = future.after(&clock, WAIT, |late| late.then(|n: u8| n + 1));
        clock.advance(WAIT).await;
        assert!(future.is_pending());
        promise.set(1);
        assert_eq!(future.await, Ok(2));
    }

    #[tokio::test]
    async fn discard_reaches_the_operation_before_and_after_the_timeout() {
        let clock = Clock::paused(Time::EPOCH);
        let (promise, future) = Promise::<u8>::pair();
        let future = future.after(&clock, WAIT, late);
        future.discard();
        assert!(promise.discard_requested());
        promise.discard();
        assert_eq!(future.await, Err(FutureError::Discarded));

        let (promise, future) = Promise::<u8>::pair();
        let future = future.after(&clock, WAIT, |late| late);
        clock.advance(WAIT).await;
        future.discard();
        assert!(promise.discard_requested());
    }

    #[tokio::test]
    async fn abandoned_operation_does_not_wait_for_the_timeout() {
        let clock = Clock::paused(Time::EPOCH);
        let (promise, future) = Promise::<u8>::pair();
        let future = future.after(&clock, WAIT, late);
        drop(promise);
        assert_eq!(future.await, Err(FutureError::Abandoned));
    }

    #[tokio::test]
    async fn panic_in_the_timeout_abandons_and_stops_no_other_timer() {
        let clock = Clock::paused(Time::EPOCH);
        let (_promise, future) = Promise::<u8>::pair();
        let future = future.after(&clock, WAIT, |_| panic!("on purpose"));
        let other = clock.sleep(WAIT);
        clock.advance(WAIT).await;
        assert_eq!(future.await, Err(FutureError::Abandoned));
        assert_eq!(other.await, Ok(()));
    }
}
