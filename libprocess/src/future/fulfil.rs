//! Futures of std that fulfil promises.

use std::future::{Future as StdFuture, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Notify;

use super::{Failure, Promise};

impl<T> Promise<T> {
    /// Runs `future` and fulfils this promise with what it returns. If a discard is requested, `future`
    /// is dropped where it is, and the result is discarded; so everything that was awaited in it is
    /// cancelled.
    ///
    /// This is the way from an `async` block to a [`Future`](crate::Future); the other way needs nothing,
    /// as a [`Future`](crate::Future) can be awaited. Give it to [`Node::run`](crate::Node::run), whose
    /// clock then counts it as work, or to tokio:
    ///
    /// ```
    /// use libprocess::{FutureError, Promise};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (promise, sum) = Promise::pair();
    /// tokio::spawn(promise.fulfil(async { 1 + 2 }));
    /// assert_eq!(sum.await, Ok(3));
    ///
    /// let (promise, endless) = Promise::<()>::pair();
    /// tokio::spawn(promise.fulfil(std::future::pending()));
    /// endless.discard();
    /// assert_eq!(endless.await, Err(FutureError::Discarded));
    /// # });
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it abandons the promise.
    pub async fn fulfil<F: StdFuture<Output = T>>(self, future: F) {
        match self.until_discarded(future).await {
            Some(value) => self.set(value),
            None => self.discard(),
        }
    }

    /// Like [`Promise::fulfil`], for a future whose error is the failure of the operation.
    ///
    /// ```
    /// use libprocess::Promise;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (promise, text) = Promise::pair();
    /// tokio::spawn(promise.try_fulfil(tokio::fs::read_to_string("/no/such/file")));
    /// assert!(text.await.unwrap_err().to_string().contains("No such file"));
    /// # });
    /// ```
    pub async fn try_fulfil<F, E>(self, future: F)
    where
        F: StdFuture<Output = Result<T, E>>,
        E: Into<Failure>,
    {
        match self.until_discarded(future).await {
            Some(Ok(value)) => self.set(value),
            Some(Err(error)) => self.fail(error),
            None => self.discard(),
        }
    }

    /// What `future` returns, or `None` when a discard came first; the future is gone either way.
    async fn until_discarded<F: StdFuture>(&self, future: F) -> Option<F::Output> {
        let discarded = Arc::new(Notify::new());
        let told = Arc::downgrade(&discarded);
        self.on_discard(move || {
            if let Some(discarded) = told.upgrade() {
                discarded.notify_one();
            }
        });
        let mut discarded = pin!(discarded.notified());
        let mut future = pin!(future);
        poll_fn(|cx| match discarded.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => future.as_mut().poll(cx).map(Some),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FutureError;

    #[tokio::test]
    async fn discard_drops_what_is_awaited_before_the_result_is_discarded() {
        let held = Arc::new(());
        let seen = Arc::downgrade(&held);
        let (promise, future) = Promise::<()>::pair();
        let task = tokio::spawn(promise.fulfil(async move {
            let _held = held;
            std::future::pending().await
        }));
        tokio::task::yield_now().await;
        assert_eq!(seen.strong_count(), 1);
        let future = future.recover(move |error| {
            assert_eq!((error, seen.strong_count()), (FutureError::Discarded, 0));
            crate::Future::ready(())
        });
        future.discard();
        assert_eq!(future.await, Ok(()));
        task.await.unwrap();
    }

    #[tokio::test]
    async fn dropped_task_abandons() {
        let (promise, future) = Promise::<()>::pair();
        drop(promise.fulfil(std::future::pending()));
        assert_eq!(future.await, Err(FutureError::Abandoned));
    }
}
