//! The producer's side of a future.

use std::sync::Arc;

use super::{Failure, Future, FutureError, Outcome, Shared};

/// The producer's side of a [`Future`]. Dropped unfulfilled, it abandons the future.
///
/// Ending it runs the consumer's callback, if there is one, before it returns. So a chain of very many
/// futures that each wait for the next one ends in as many nested calls: a loop is better written as
/// an `async` block given to [`Node::run`](crate::Node::run).
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
        let Future { shared } = Future::pending();
        Self { shared, armed: true }
    }

    /// The future that this promise fulfils. There is one outcome, whatever the number of futures: it
    /// goes to one consumer, a callback before who awaits, and every other one finds the future
    /// [abandoned](FutureError::Abandoned).
    #[must_use]
    pub fn future(&self) -> Future<T> {
        Future { shared: Arc::clone(&self.shared) }
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
    pub(crate) fn complete(mut self, outcome: Outcome<T>) {
        self.armed = false;
        self.shared.complete(outcome);
    }

    /// Whether the consumer has asked to stop.
    pub fn discard_requested(&self) -> bool {
        self.shared.discard_requested()
    }

    /// Calls `f` once when the consumer asks to stop: now, if it already has.
    pub fn on_discard(&self, f: impl FnOnce() + Send + 'static) {
        self.shared.on_discard(Box::new(f));
    }
}

impl<T: Send + 'static> Promise<T> {
    /// Ties this promise to `future`: its outcome becomes ours, and discard requests go to it.
    pub fn associate(self, future: Future<T>) {
        let upstream = Arc::downgrade(&future.shared);
        self.on_discard(move || {
            if let Some(upstream) = upstream.upgrade() {
                upstream.request_discard();
            }
        });
        future.on_any(move |outcome| self.complete(outcome));
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
            self.shared.complete(Err(FutureError::Abandoned));
        }
    }
}

impl<T> std::fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Promise({:?})", self.future())
    }
}
