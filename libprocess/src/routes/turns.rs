//! The order in which requests get to their process.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use parking_lot::Mutex;

/// A line of requests, each of which waits for those before it, however long one of them takes to be
/// authenticated.
#[derive(Default)]
pub(crate) struct Turns {
    line: Mutex<Line>,
    length: AtomicUsize,
}

#[derive(Default)]
struct Line {
    next: u64,
    waiting: BTreeMap<u64, Option<Waker>>,
}

impl Turns {
    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.length.load(Ordering::Acquire) == 0
    }

    /// Joins the line at its end.
    pub(crate) fn join(self: &Arc<Self>) -> Turn {
        let mut line = self.line.lock();
        let number = line.next;
        line.next += 1;
        line.waiting.insert(number, None);
        self.length.store(line.waiting.len(), Ordering::Release);
        Turn { turns: Arc::clone(self), number }
    }
}

/// A place in the line, which is left when this is dropped.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

impl Turn {
    /// Waits until nobody is before this one.
    pub(crate) async fn come(&self) {
        poll_fn(|context| {
            let mut line = self.turns.line.lock();
            if line.waiting.first_key_value().is_none_or(|(first, _)| *first == self.number) {
                return Poll::Ready(());
            }
            line.waiting.insert(self.number, Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut line = self.turns.line.lock();
        line.waiting.remove(&self.number);
        self.turns.length.store(line.waiting.len(), Ordering::Release);
        let next = line.waiting.first_entry().and_then(|mut first| first.get_mut().take());
        drop(line);
        if let Some(next) = next {
            next.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn everybody_waits_for_all_before_and_one_may_leave() {
        let turns = Arc::new(Turns::default());
        assert!(turns.is_empty());
        let [first, second, third] = [turns.join(), turns.join(), turns.join()];
        assert!(first.come().now_or_never().is_some());
        assert!(third.come().now_or_never().is_none());
        let waiting = tokio::spawn(async move { third.come().await });
        tokio::task::yield_now().await;
        drop(second);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap();
        assert!(turns.is_empty());
    }
}
