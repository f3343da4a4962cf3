//! Results that are not there yet.

mod error;
mod promise;

pub use error::{Failure, FutureError};
pub use promise::Promise;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tracing::error;

type Outcome<T> = Result<T, FutureError>;

/// The result of an operation that may still be under way.
///
/// It ends in one of four ways: ready with a value, [failed](FutureError::Failed),
/// [discarded](FutureError::Discarded), or [abandoned](FutureError::Abandoned) when the
/// [`Promise`] was dropped unfulfilled. It has one consumer: who awaits it, or hangs a callback on
/// it, takes the outcome. That is why it is not `Clone`; where several want a value that is, the
/// `shared` of `futures::FutureExt` gives them a copy each:
///
/// ```
/// use futures::FutureExt;
/// use libprocess::Promise;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let promise = Promise::new();
/// let one = promise.future().shared();
/// let other = one.clone();
/// promise.set(7);
/// assert_eq!((one.await, other.await), (Ok(7), Ok(7)));
/// # });
/// ```
///
/// [`Future::discard`] tells the producer that nobody wants the result any more; the producer
/// decides whether it stops. The request travels through [`Future::then`] and
/// [`Future::and_then`] to the operation that is pending at the moment.
///
/// It is a future of std, too, so that `async` blocks, `tokio::select!` and all of `futures`, such as
/// `try_join_all`, work with it.
///
/// Callbacks run on the thread that ends the future. A panic in one is logged and ends there: whoever
/// produces a value does not pay for what its consumer does with it.
///
/// # Cancel safety
///
/// Dropping a `Future` neither stops the operation nor discards it.
pub struct Future<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    progress: Progress<T>,
    discard: Discard,
}

enum Progress<T> {
    Pending(Consumers<T>),
    Ended(Outcome<T>),
    Consumed,
}

type Callback<T> = Box<dyn FnOnce(Outcome<T>) + Send>;

/// Who waits for the outcome: nearly always one. The futures of one promise may be in several hands;
/// then one of them gets the outcome, and the others hear that there is none for them.
struct Consumers<T> {
    callback: Option<Callback<T>>,
    waker: Option<Waker>,
    late_callbacks: Vec<Callback<T>>,
    more_wakers: Vec<Waker>,
}

impl<T> Consumers<T> {
    const NONE: Self =
        Self { callback: None, waker: None, late_callbacks: Vec::new(), more_wakers: Vec::new() };

    fn call(&mut self, callback: Callback<T>) {
        if self.callback.is_none() {
            self.callback = Some(callback);
        } else {
            self.late_callbacks.push(callback);
        }
    }

    /// A task that polls again is not added twice.
    fn wake(&mut self, waker: &Waker) {
        match &self.waker {
            None => self.waker = Some(waker.clone()),
            Some(known) if known.will_wake(waker) => {}
            Some(_) if self.more_wakers.iter().any(|known| known.will_wake(waker)) => {}
            Some(_) => self.more_wakers.push(waker.clone()),
        }
    }
}

enum Discard {
    NotRequested(Vec<Box<dyn FnOnce() + Send>>),
    Requested,
}

impl<T> State<T> {
    /// The outcome of a future that has ended. Whoever comes too late for it is told so.
    fn take(&mut self) -> Outcome<T> {
        match std::mem::replace(&mut self.progress, Progress::Consumed) {
            Progress::Ended(outcome) => outcome,
            Progress::Pending(_) | Progress::Consumed => Err(FutureError::Abandoned),
        }
    }
}

impl<T> Shared<T> {
    /// Sets the outcome unless there is one. Callbacks run on this thread, outside the lock.
    fn complete(&self, outcome: Outcome<T>) {
        let mut state = self.state.lock();
        let Progress::Pending(consumers) = &mut state.progress else { return };
        let Consumers { callback, waker, late_callbacks, more_wakers } =
            std::mem::replace(consumers, Consumers::NONE);
        let on_discard = std::mem::replace(&mut state.discard, Discard::Requested);
        let for_callback = match callback {
            Some(callback) => {
                state.progress = Progress::Consumed;
                Some((callback, outcome))
            }
            None => {
                state.progress = Progress::Ended(outcome);
                None
            }
        };
        drop(state);
        if let Some((callback, outcome)) = for_callback {
            contain(|| callback(outcome));
        }
        for callback in late_callbacks {
            contain(|| callback(Err(FutureError::Abandoned)));
        }
        waker.into_iter().chain(more_wakers).for_each(Waker::wake);
        contain(|| drop(on_discard));
    }

    fn request_discard(&self) {
        let mut state = self.state.lock();
        if !matches!(state.progress, Progress::Pending(_)) {
            return;
        }
        if let Discard::NotRequested(callbacks) = std::mem::replace(&mut state.discard, Discard::Requested) {
            drop(state);
            callbacks.into_iter().for_each(contain);
        }
    }

    fn on_discard(&self, callback: Box<dyn FnOnce() + Send>) {
        let mut state = self.state.lock();
        if !matches!(state.progress, Progress::Pending(_)) {
            return;
        }
        match &mut state.discard {
            Discard::NotRequested(callbacks) => callbacks.push(callback),
            Discard::Requested => {
                drop(state);
                contain(callback);
            }
        }
    }

    fn discard_requested(&self) -> bool {
        let state = self.state.lock();
        matches!((&state.progress, &state.discard), (Progress::Pending(_), Discard::Requested))
    }
}

/// Runs what one side of a future has left to run when the other side does something.
fn contain(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
        error!("a callback of a future panicked: {}", crate::panic::text(&*panic));
    }
}

impl<T> Future<T> {
    fn pending() -> Self {
        let progress = Progress::Pending(Consumers::NONE);
        let state = State { progress, discard: Discard::NotRequested(Vec::new()) };
        Self { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    fn ended(outcome: Outcome<T>) -> Self {
        let state = State { progress: Progress::Ended(outcome), discard: Discard::Requested };
        Self { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    /// A future that is ready with `value`.
    #[must_use]
    pub fn ready(value: T) -> Self {
        Self::ended(Ok(value))
    }

    /// A future that has failed.
    #[must_use]
    pub fn failed(failure: impl Into<Failure>) -> Self {
        Self::ended(Err(FutureError::Failed(failure.into())))
    }

    /// Whether the operation is still under way.
    pub fn is_pending(&self) -> bool {
        matches!(self.shared.state.lock().progress, Progress::Pending(_))
    }

    /// Asks the producer to stop, since nobody wants the result. A future that has ended stays as
    /// it is.
    pub fn discard(&self) {
        self.shared.request_discard();
    }
}

impl<T: Send + 'static> Future<T> {
    /// Calls `f` with the outcome: now if there is one, else on the thread that sets it. To get
    /// back onto an actor, make `f` from [`Pid::defer`](crate::Pid::defer).
    pub fn on_any(self, f: impl FnOnce(Result<T, FutureError>) + Send + 'static) {
        let outcome = {
            let mut state = self.shared.state.lock();
            if let Progress::Pending(consumers) = &mut state.progress {
                return consumers.call(Box::new(f));
            }
            state.take()
        };
        f(outcome);
    }

    /// Applies `f` to the value; every other end passes through. If a discard was requested before
    /// the value came, the result is discarded and `f` does not run.
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
    #[must_use = "to act on the outcome and no more, use `on_any`"]
    pub fn and_then<U: Send + 'static>(self, f: impl FnOnce(T) -> Future<U> + Send + 'static) -> Future<U> {
        self.chain(|outcome, promise| match outcome {
            Ok(_) if promise.discard_requested() => promise.discard(),
            Ok(value) => promise.associate(f(value)),
            Err(error) => promise.complete(Err(error)),
        })
    }

    /// Runs `f` when the operation ended without a value, whatever the reason.
    #[must_use = "to act on the outcome and no more, use `on_any`"]
    pub fn recover(self, f: impl FnOnce(FutureError) -> Future<T> + Send + 'static) -> Future<T> {
        self.chain(|outcome, promise| match outcome {
            Ok(value) => promise.set(value),
            Err(error) => promise.associate(f(error)),
        })
    }

    fn chain<U: Send + 'static>(self, f: impl FnOnce(Outcome<T>, Promise<U>) + Send + 'static) -> Future<U> {
        let promise = Promise::new();
        let future = promise.future();
        let upstream = Arc::downgrade(&self.shared);
        promise.on_discard(move || {
            if let Some(upstream) = upstream.upgrade() {
                upstream.request_discard();
            }
        });
        self.on_any(move |outcome| f(outcome, promise));
        future
    }
}

impl<T> std::future::Future for Future<T> {
    type Output = Result<T, FutureError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.shared.state.lock();
        if let Progress::Pending(consumers) = &mut state.progress {
            consumers.wake(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(state.take())
    }
}

impl<T> std::fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match &self.shared.state.lock().progress {
            Progress::Pending(_) => "pending",
            Progress::Ended(Ok(_)) => "ready",
            Progress::Ended(Err(FutureError::Failed(_))) => "failed",
            Progress::Ended(Err(FutureError::Discarded)) => "discarded",
            Progress::Ended(Err(FutureError::Abandoned)) => "abandoned",
            Progress::Consumed => "consumed",
        };
        write!(f, "Future({state})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn value_reaches_who_awaits() {
        let promise = Promise::new();
        let future = promise.future();
        assert!(future.is_pending());
        promise.set(7);
        assert_eq!(future.await, Ok(7));
    }

    #[tokio::test]
    async fn dropped_promise_abandons() {
        let future = Promise::<()>::new().future();
        assert_eq!(future.await, Err(FutureError::Abandoned));
    }

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
    async fn producer_may_answer_in_spite_of_a_discard() {
        let promise = Promise::<u8>::new();
        let future = promise.future();
        future.discard();
        promise.set(1);
        assert_eq!(future.await, Ok(1));
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
    async fn of_two_consumers_one_gets_the_outcome_and_none_is_forgotten() {
        let promise = Promise::new();
        let tasks = [promise.future(), promise.future()].map(tokio::spawn);
        tokio::task::yield_now().await;
        promise.set(7);
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        outcomes.sort_by_key(Result::is_err);
        assert_eq!(outcomes, [Ok(7), Err(FutureError::Abandoned)]);

        let (tx, rx) = std::sync::mpsc::channel();
        let promise = Promise::new();
        for name in ["first", "second"] {
            let tx = tx.clone();
            promise.future().on_any(move |outcome| tx.send((name, outcome)).unwrap());
        }
        promise.set(7);
        let outcomes: Vec<_> = rx.try_iter().collect();
        assert_eq!(outcomes, [("first", Ok(7)), ("second", Err(FutureError::Abandoned))]);
    }

    #[tokio::test]
    async fn panic_of_a_consumer_does_not_reach_the_producer() {
        let promise = Promise::new();
        let chain = promise.future().then(|()| -> u8 { panic!("on purpose") });
        promise.set(());
        assert_eq!(chain.await, Err(FutureError::Abandoned));

        let promise = Promise::<()>::new();
        promise.on_discard(|| panic!("on purpose"));
        promise.future().discard();
        assert!(promise.discard_requested());
    }

    #[test]
    fn failure_says_why() {
        let future = Future::<()>::failed("disk is full");
        future.on_any(|outcome| assert_eq!(outcome.unwrap_err().to_string(), "disk is full"));
    }
}
