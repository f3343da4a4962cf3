//! Results that are not there yet.

mod after;
mod chain;
mod error;
mod fulfil;
mod many;
mod nesting;
mod promise;
mod repeat;
mod shared;
mod state;

pub use error::{Failure, FutureError};
pub use many::{await_all, collect, select};
pub(crate) use nesting::run as run_callback;
pub use promise::Promise;
pub use repeat::{repeat, repeat_on};
pub(crate) use shared::Upstream;
pub use state::FutureState;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use shared::{Handle, Shared};

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
/// decides whether it stops. The request travels through [`Future::then`],
/// [`Future::and_then`] and the like to the operation that is pending at the moment.
///
/// It is a future of std, too, so that `async` blocks, `tokio::select!` and all of `futures`, such as
/// `try_join_all`, work with it. The way back is [`Promise::fulfil`].
///
/// Callbacks run on the thread that ends the future, or on the caller's when it has ended. A panic in
/// one is logged and ends there: whoever produces a value does not pay for what its consumer does with
/// it.
///
/// # Cancel safety
///
/// Dropping a `Future` neither stops the operation nor discards it.
pub struct Future<T> {
    /// Until the outcome was taken.
    shared: Option<Arc<Shared<T>>>,
    handle: Handle,
}

impl<T> Future<T> {
    fn ended(outcome: Outcome<T>) -> Self {
        Self::of(Arc::new(Shared::ended(outcome)), 0)
    }

    fn of(shared: Arc<Shared<T>>, handle: Handle) -> Self {
        Self { shared: Some(shared), handle }
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

    /// How far the operation is.
    pub fn state(&self) -> FutureState {
        self.shared.as_ref().map_or(FutureState::Taken, |shared| shared.state())
    }

    /// Whether the operation is still under way.
    pub fn is_pending(&self) -> bool {
        self.state() == FutureState::Pending
    }

    /// Asks the producer to stop, since nobody wants the result. A future that has ended stays as
    /// it is.
    pub fn discard(&self) {
        if let Some(shared) = &self.shared {
            shared.request_discard();
        }
    }

    /// The outcome if the operation has ended, or this future if it has not.
    fn outcome(self) -> Result<Outcome<T>, Self> {
        match self.shared {
            Some(shared) if shared.has_ended() => Ok(shared.take().unwrap_or(Err(FutureError::Abandoned))),
            Some(shared) => Err(Self::of(shared, self.handle)),
            None => Ok(Err(FutureError::Abandoned)),
        }
    }
}

impl<T: Send + 'static> Future<T> {
    /// Says whether somebody still waits for an outcome; it keeps nothing of it.
    pub(crate) fn probe(&self) -> Option<impl Fn() -> bool + Send + use<T>> {
        let shared = self.shared.as_ref().map(Arc::downgrade)?;
        Some(move || {
            let Some(shared) = shared.upgrade() else { return false };
            // The promise has one, and this.
            !shared.has_ended() && (Arc::strong_count(&shared) > 2 || shared.has_callback())
        })
    }

    /// A way to ask the producer to stop that does not need the future.
    pub(crate) fn upstream(&self) -> Option<Upstream> {
        self.shared.as_ref().map(Shared::upstream)
    }
}

impl<T> std::future::Future for Future<T> {
    type Output = Result<T, FutureError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &self.shared {
            Some(shared) if !shared.has_ended() => {
                let outcome = ready!(shared.take_or_wait(self.handle, cx.waker()));
                self.shared = None;
                Some(outcome)
            }
            _ => self.shared.take().and_then(Shared::take),
        };
        // Nobody has it twice.
        Poll::Ready(outcome.unwrap_or(Err(FutureError::Abandoned)))
    }
}

impl<T> From<Result<T, FutureError>> for Future<T> {
    fn from(outcome: Result<T, FutureError>) -> Self {
        Self::ended(outcome)
    }
}

impl<T> std::fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Future({})", self.state())
    }
}

#[cfg(test)]
mod tests;
