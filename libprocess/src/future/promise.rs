//! The producer's side of a future.

use std::sync::Arc;

use super::shared::{Shared, Upstream};
use super::{Failure, Future, FutureError, Outcome};

/// The producer's side of a [`Future`]. Dropped unfulfilled, it abandons the future.
///
/// Ending it runs the consumer's callback, if there is one, before it returns; only where callbacks
/// that end promises are nested deep in each other, the inner ones run a little later, one after the
/// other.
///
/// ```
/// use libprocess::Promise;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let promise = Promise::new();
/// let future = promise.future();
/// promise.set("done");
/// assert_eq!(future.await, Ok("done"));
/// # });
/// ```
pub struct Promise<T> {
    shared: Arc<Shared<T>>,
    armed: bool,
}

impl<T> Promise<T> {
    /// A promise that is not fulfilled yet.
    #[must_use]
    pub fn new() -> Self {
        Self { shared: Arc::new(Shared::pending()), armed: true }
    }

    /// A promise and its future.
    ///
    /// ```
    /// use libprocess::{Future, Promise};
    ///
    /// let (promise, future) = Promise::<u8>::pair();
    /// drop(promise);
    /// assert!(future.state().has_ended());
    /// ```
    #[must_use]
    pub fn pair() -> (Self, Future<T>) {
        Self::sharing(Shared::pending())
    }

    /// A pair whose discard requests go to `upstream`.
    pub(crate) fn following(upstream: Option<Upstream>) -> (Self, Future<T>) {
        Self::sharing(upstream.map_or_else(Shared::pending, Shared::following))
    }

    fn sharing(shared: Shared<T>) -> (Self, Future<T>) {
        let shared = Arc::new(shared);
        (Self { shared: Arc::clone(&shared), armed: true }, Future::of(shared, 0))
    }

    /// The future that this promise fulfils. There is one outcome, whatever the number of futures: it
    /// goes to one consumer, a callback before who awaits, and every other one finds the future
    /// [abandoned](FutureError::Abandoned).
    #[must_use]
    pub fn future(&self) -> Future<T> {
        Future::of(Arc::clone(&self.shared), self.shared.next_handle())
    }

    /// Fulfils the promise with a value.
    pub fn set(self, value: T) {
        self.complete(Ok(value));
    }

    /// Fails the future.
    pub fn fail(self, failure: impl Into<Failure>) {
        self.complete(Err(FutureError::Failed(failure.into())));
    }

    /// Ends the future as discarded: what a producer does that honours a discard request.
    pub fn discard(self) {
        self.complete(Err(FutureError::Discarded));
    }

    /// Ends the future in any way.
    pub fn complete(mut self, outcome: Result<T, FutureError>) {
        self.armed = false;
        self.shared.complete(outcome);
    }

    /// Whether the consumer has asked to stop.
    pub fn discard_requested(&self) -> bool {
        self.shared.discard_requested()
    }

    /// Whether an outcome would reach anybody: somebody holds a future of this promise or has left a
    /// callback for it, and has not asked to stop. Once this is false it stays so, unless another
    /// [future](Promise::future) is made.
    pub fn is_wanted(&self) -> bool {
        !self.discard_requested() && (Arc::strong_count(&self.shared) > 1 || self.shared.has_callback())
    }

    /// Calls `f` once when the consumer asks to stop: now, if it already has. Never when the promise
    /// ends first.
    ///
    /// ```
    /// use libprocess::Promise;
    ///
    /// let (promise, download) = Promise::<()>::pair();
    /// let (tx, stop) = std::sync::mpsc::channel();
    /// promise.on_discard(move || tx.send("stop").unwrap());
    /// download.discard();
    /// assert_eq!(stop.try_recv(), Ok("stop"));
    /// ```
    pub fn on_discard(&self, f: impl FnOnce() + Send + 'static) {
        self.shared.on_discard(Box::new(f));
    }

    /// Has discard requests go to `upstream` and nowhere else.
    pub(crate) fn follow_only(&self, upstream: Option<Upstream>) {
        if let Some(upstream) = upstream {
            self.shared.follow_only(upstream);
        }
    }
}

impl<T: Send + 'static> Promise<T> {
    /// Ties this promise to `future`: its outcome becomes ours, and discard requests go to it.
    ///
    /// ```
    /// use libprocess::Promise;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (promised, answer) = Promise::pair();
    /// let (worker, result) = Promise::pair();
    /// promised.associate(result);
    /// worker.set(7);
    /// assert_eq!(answer.await, Ok(7));
    /// # });
    /// ```
    pub fn associate(self, future: Future<T>) {
        match future.outcome() {
            Ok(outcome) => self.complete(outcome),
            Err(future) => {
                if let Some(upstream) = future.upstream() {
                    self.shared.follow(upstream);
                }
                future.on_any(move |outcome| self.complete(outcome));
            }
        }
    }

    /// Like [`Promise::associate`], for a promise whose discard requests went to an operation that has
    /// ended.
    pub(super) fn continue_with(self, future: Future<T>) {
        match future.outcome() {
            Ok(outcome) => self.complete(outcome),
            Err(future) => {
                self.follow_only(future.upstream());
                future.on_any(move |outcome| self.complete(outcome));
            }
        }
    }
}

impl<T> Default for Promise<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if self.armed {
            self.shared.complete(Outcome::Err(FutureError::Abandoned));
        }
    }
}

impl<T> std::fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Promise({})", self.shared.state())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_is_wanted_while_somebody_holds_the_future_or_left_a_callback() {
        let (promise, future) = Promise::<u8>::pair();
        assert!(promise.is_wanted());
        let kept = future.then(|n| n + 1);
        assert!(promise.is_wanted());
        kept.discard();
        assert!(!promise.is_wanted());

        let (promise, future) = Promise::<u8>::pair();
        drop(future);
        assert!(!promise.is_wanted());
    }

    #[test]
    fn promise_that_has_ended_forgets_what_a_discard_would_call() {
        let held = Arc::new(());
        let (promise, future) = Promise::<u8>::pair();
        for _ in 0..3 {
            let held = Arc::clone(&held);
            promise.on_discard(move || drop(held));
        }
        promise.set(1);
        assert_eq!(Arc::strong_count(&held), 1);
        future.discard();
        assert_eq!(future.state(), crate::FutureState::Ready);
    }

    #[test]
    fn panic_in_a_discard_hook_does_not_reach_the_consumer() {
        let promise = Promise::<()>::new();
        promise.on_discard(|| panic!("on purpose"));
        promise.future().discard();
        assert!(promise.discard_requested());
    }

    #[test]
    fn associated_future_is_abandoned_with_its_own_promise() {
        let (outer, future) = Promise::<u8>::pair();
        let (inner, inner_future) = Promise::pair();
        outer.associate(inner_future);
        future.discard();
        assert!(inner.discard_requested());
        drop(inner);
        assert_eq!(future.state(), crate::FutureState::Abandoned);
    }
}
