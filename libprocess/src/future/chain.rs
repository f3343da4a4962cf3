//! Futures made of other futures and what to do with their outcomes.

use super::{Failure, Future, FutureError, Outcome, Promise, nesting};

impl<T: Send + 'static> Future<T> {
    /// Calls `f` with the outcome: now if there is one, else on the thread that sets it. To get
    /// back onto an actor, make `f` from [`Pid::defer`](crate::Pid::defer).
    ///
    /// ```
    /// use libprocess::Promise;
    ///
    /// let (promise, answer) = Promise::pair();
    /// let (tx, rx) = std::sync::mpsc::channel();
    /// answer.on_any(move |outcome| tx.send(outcome).unwrap());
    /// promise.set(42);
    /// assert_eq!(rx.try_recv(), Ok(Ok(42)));
    /// ```
    pub fn on_any(self, f: impl FnOnce(Result<T, FutureError>) + Send + 'static) {
        match self.shared {
            Some(shared) => shared.on_any(f),
            None => nesting::run(move || f(Err(FutureError::Abandoned))),
        }
    }

    /// Applies `f` to the value; every other end passes through. If a discard was requested before
    /// the value came, the result is discarded and `f` does not run.
    ///
    /// ```
    /// use libprocess::Future;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// assert_eq!(Future::ready(20).then(|n| n + 1).await, Ok(21));
    /// # });
    /// ```
    #[must_use = "to act on the outcome and no more, use `on_any`"]
    pub fn then<U: Send + 'static>(self, f: impl FnOnce(T) -> U + Send + 'static) -> Future<U> {
        self.chain(|outcome, promise| match outcome {
            Ok(_) if promise.discard_requested() => promise.discard(),
            Ok(value) => promise.set(f(value)),
            Err(error) => promise.complete(Err(error)),
        })
    }

    /// Like [`Future::then`], for an `f` that starts another operation; a discard request reaches
    /// whichever of the two is pending.
    ///
    /// A chain may be as long as memory allows: it ends step by step, not in nested calls. What turns
    /// round and round is better written with [`repeat`](crate::repeat), which keeps no chain.
    ///
    /// ```
    /// use libprocess::{Future, Promise};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// fn lookup(name: &str) -> Future<usize> {
    ///     Future::ready(name.len())
    /// }
    ///
    /// let (promise, name) = Promise::pair();
    /// let length = name.and_then(lookup);
    /// promise.set("agent");
    /// assert_eq!(length.await, Ok(5));
    /// # });
    /// ```
    #[must_use = "to act on the outcome and no more, use `on_any`"]
    pub fn and_then<U: Send + 'static>(self, f: impl FnOnce(T) -> Future<U> + Send + 'static) -> Future<U> {
        self.chain(|outcome, promise| match outcome {
            Ok(_) if promise.discard_requested() => promise.discard(),
            Ok(value) => promise.continue_with(f(value)),
            Err(error) => promise.complete(Err(error)),
        })
    }

    /// Runs `f` when the operation ended without a value, whatever the reason.
    ///
    /// ```
    /// use libprocess::{Future, FutureError, Promise};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (promise, answer) = Promise::<u8>::pair();
    /// let answer = answer.recover(|error| match error {
    ///     FutureError::Abandoned => Future::ready(0),
    ///     error => Future::from(Err(error)),
    /// });
    /// drop(promise);
    /// assert_eq!(answer.await, Ok(0));
    /// # });
    /// ```
    #[must_use = "to act on the outcome and no more, use `on_any`"]
    pub fn recover(self, f: impl FnOnce(FutureError) -> Future<T> + Send + 'static) -> Future<T> {
        self.chain(|outcome, promise| match outcome {
            Ok(value) => promise.set(value),
            Err(error) => promise.continue_with(f(error)),
        })
    }

    /// Runs `f` when the operation failed; a discarded or abandoned one stays so, as nothing is there
    /// to repair.
    ///
    /// ```
    /// use libprocess::Future;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let failed = Future::<u8>::failed("no answer");
    /// assert_eq!(failed.repair(|_failure| Future::ready(0)).await, Ok(0));
    /// # });
    /// ```
    #[must_use = "to act on the outcome and no more, use `on_any`"]
    pub fn repair(self, f: impl FnOnce(Failure) -> Future<T> + Send + 'static) -> Future<T> {
        self.chain(|outcome, promise| match outcome {
            Err(FutureError::Failed(failure)) => promise.continue_with(f(failure)),
            outcome => promise.complete(outcome),
        })
    }

    /// The same outcome, but no discard request gets through to the producer: for an operation that
    /// has to come to its end even if this consumer loses interest.
    ///
    /// ```
    /// use libprocess::Promise;
    ///
    /// let (promise, written) = Promise::<()>::pair();
    /// let written = written.undiscardable();
    /// written.discard();
    /// assert!(!promise.discard_requested());
    /// ```
    #[must_use = "the future that this was made of is gone"]
    pub fn undiscardable(self) -> Future<T> {
        let (promise, future) = Promise::pair();
        self.on_any(move |outcome| promise.complete(outcome));
        future
    }

    fn chain<U: Send + 'static>(self, f: impl FnOnce(Outcome<T>, Promise<U>) + Send + 'static) -> Future<U> {
        let (promise, future) = Promise::following(self.upstream());
        self.on_any(move |outcome| f(outcome, promise));
        future
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn discard_of_a_chain_reaches_the_pending_operation() {
        let first = Promise::<u8>::new();
        let inner = Promise::<u8>::new();
        let inner_future = inner.future();
        let chain = first.future().and_then(move |_| inner_future).then(|n| n + 1);
        first.set(1);
        chain.discard();
        assert!(inner.discard_requested());
        inner.discard();
        assert_eq!(chain.await, Err(FutureError::Discarded));
    }

    #[tokio::test]
    async fn discard_before_the_second_operation_keeps_it_from_starting() {
        let first = Promise::<u8>::new();
        let chain = first.future().and_then(|_| -> Future<u8> { panic!("must not run") });
        chain.discard();
        assert!(first.discard_requested());
        first.set(1);
        assert_eq!(chain.await, Err(FutureError::Discarded));
    }

    #[tokio::test]
    async fn then_does_not_run_after_a_discard() {
        let promise = Promise::<u8>::new();
        let future = promise.future().then(|_| panic!("must not run"));
        future.discard();
        promise.set(1);
        assert_eq!(future.await, Err::<(), _>(FutureError::Discarded));
    }

    #[tokio::test]
    async fn recover_sees_every_end_but_ready() {
        assert_eq!(Future::<u8>::failed("boom").recover(|_| Future::ready(3)).await, Ok(3));
        let abandoned = Promise::<u8>::new().future();
        assert_eq!(abandoned.recover(|_| Future::ready(4)).await, Ok(4));
        assert_eq!(Future::ready(5).recover(|_| Future::failed("never")).await, Ok(5));
    }

    #[tokio::test]
    async fn discard_request_reaches_what_recovers() {
        let (failing, failed) = Promise::<u8>::pair();
        let (recovering, recovery) = Promise::pair();
        let chain = failed.recover(|_| recovery);
        chain.discard();
        assert!(failing.discard_requested());
        failing.discard();
        assert!(recovering.discard_requested());
        recovering.set(3);
        assert_eq!(chain.await, Ok(3));
    }

    #[tokio::test]
    async fn repair_sees_failures_only() {
        assert_eq!(Future::<u8>::failed("boom").repair(|_| Future::ready(3)).await, Ok(3));
        let abandoned = Promise::<u8>::new().future();
        assert_eq!(abandoned.repair(|_| Future::ready(4)).await, Err(FutureError::Abandoned));
        let promise = Promise::<u8>::new();
        let discarded = promise.future().repair(|_| Future::ready(4));
        promise.discard();
        assert_eq!(discarded.await, Err(FutureError::Discarded));
        assert_eq!(Future::ready(5).repair(|_| Future::failed("never")).await, Ok(5));
    }

    #[tokio::test]
    async fn undiscardable_hides_the_request_from_the_producer() {
        let (promise, future) = Promise::pair();
        let future = future.undiscardable();
        future.discard();
        assert!(!promise.discard_requested());
        promise.set(1);
        assert_eq!(future.await, Ok(1));
    }

    #[tokio::test]
    async fn panic_of_a_consumer_does_not_reach_the_producer() {
        let promise = Promise::new();
        let chain = promise.future().then(|()| -> u8 { panic!("on purpose") });
        promise.set(());
        assert_eq!(chain.await, Err(FutureError::Abandoned));
        let chain = Future::ready(()).then(|()| -> u8 { panic!("on purpose") });
        assert_eq!(chain.await, Err(FutureError::Abandoned));
    }

    const LONG: usize = 200_000;

    #[tokio::test]
    async fn long_chain_ends_without_a_deep_stack() {
        let (promise, mut chain) = Promise::<usize>::pair();
        for _ in 0..LONG {
            chain = chain.then(|n| n + 1);
        }
        promise.set(0);
        assert_eq!(chain.await, Ok(LONG));
    }

    #[tokio::test]
    async fn long_chain_is_abandoned_and_discarded_without_a_deep_stack() {
        let (promise, mut chain) = Promise::<usize>::pair();
        for _ in 0..LONG {
            chain = chain.and_then(Future::ready);
        }
        chain.discard();
        assert!(promise.discard_requested());
        drop(promise);
        assert_eq!(chain.await, Err(FutureError::Abandoned));
    }

    fn count_down(n: usize) -> Future<usize> {
        if n == 0 { Future::ready(0) } else { Future::ready(n - 1).and_then(count_down) }
    }

    #[tokio::test]
    async fn recursion_through_ready_futures_does_not_grow_the_stack() {
        assert_eq!(count_down(LONG).await, Ok(0));
    }
}
