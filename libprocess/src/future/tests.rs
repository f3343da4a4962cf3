use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use futures::FutureExt;
use proptest::prelude::*;

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
async fn producer_may_answer_in_spite_of_a_discard() {
    let promise = Promise::<u8>::new();
    let future = promise.future();
    future.discard();
    promise.set(1);
    assert_eq!(future.await, Ok(1));
}

#[test]
fn states_are_told_apart() {
    fn check(end: impl FnOnce(Promise<u8>), text: &str) {
        let (promise, mut future) = Promise::pair();
        assert_eq!(format!("{promise:?} {future:?}"), "Promise(pending) Future(pending)");
        end(promise);
        assert_eq!(format!("{future:?}"), text);
        assert!((&mut future).now_or_never().is_some());
        assert_eq!(future.state(), FutureState::Taken);
        assert_eq!(future.now_or_never(), Some(Err(FutureError::Abandoned)));
    }
    check(|promise| promise.set(1), "Future(ready)");
    check(|promise| promise.fail("boom"), "Future(failed)");
    check(Promise::discard, "Future(discarded)");
    check(drop, "Future(abandoned)");
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

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn future_that_moves_from_task_to_task_wakes_the_last_one_and_keeps_no_other() {
    let (promise, mut future) = Promise::<u8>::pair();
    let tasks: Vec<_> = (0..3).map(|_| Arc::new(Count(AtomicUsize::new(0)))).collect();
    for task in &tasks {
        let waker = Waker::from(Arc::clone(task));
        let poll = std::future::Future::poll(Pin::new(&mut future), &mut Context::from_waker(&waker));
        assert!(poll.is_pending());
    }
    assert_eq!(Arc::strong_count(&tasks[0]), 1);
    promise.set(1);
    let woken: Vec<_> = tasks.iter().map(|task| task.0.load(Ordering::Relaxed)).collect();
    assert_eq!(woken, [0, 0, 1]);
}

#[test]
fn callbacks_are_called_on_the_thread_that_ends_the_future() {
    let (promise, future) = Promise::pair();
    let (tx, rx) = std::sync::mpsc::channel();
    future.on_any(move |outcome| tx.send((outcome, std::thread::current().id())).unwrap());
    let setter = std::thread::spawn(move || promise.set(7));
    let thread = setter.thread().id();
    setter.join().unwrap();
    assert_eq!(rx.try_recv(), Ok((Ok(7), thread)));
}

#[tokio::test]
async fn failure_says_why() {
    let error = Future::<()>::failed("disk is full").await.unwrap_err();
    assert_eq!(error.to_string(), "disk is full");
}

#[test]
fn outcome_crosses_threads_whatever_comes_first() {
    for round in 0..2_000_u32 {
        let (promise, future) = Promise::pair();
        let setter = std::thread::spawn(move || promise.set(round));
        assert_eq!(futures::executor::block_on(future), Ok(round));
        setter.join().unwrap();
    }
}

#[test]
fn discard_that_races_with_the_outcome_is_heard_once_or_not_at_all() {
    for round in 0..2_000_u32 {
        let (promise, future) = Promise::pair();
        let heard = Arc::new(Count(AtomicUsize::new(0)));
        let hook = Arc::clone(&heard);
        promise.on_discard(move || hook.wake());
        std::thread::scope(|scope| {
            scope.spawn(|| future.discard());
            scope.spawn(|| future.discard());
            promise.set(round);
        });
        assert!(heard.0.load(Ordering::Relaxed) <= 1);
        assert_eq!(future.now_or_never(), Some(Ok(round)));
    }
}

#[derive(Clone, Copy, Debug)]
enum End {
    Ready(u8),
    Failed,
    Discarded,
    Abandoned,
}

impl End {
    fn outcome(self) -> Outcome<u8> {
        match self {
            Self::Ready(value) => Ok(value),
            Self::Failed => Err(FutureError::Failed("boom".into())),
            Self::Discarded => Err(FutureError::Discarded),
            Self::Abandoned => Err(FutureError::Abandoned),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Link {
    Then,
    AndThen(End),
    Recover(End),
    Repair(End),
    Undiscardable,
}

impl Link {
    fn hang_on(self, future: Future<u8>, pending: &mut Vec<(Promise<u8>, End)>) -> Future<u8> {
        let mut later = |end| {
            let (promise, future) = Promise::pair();
            pending.push((promise, end));
            future
        };
        match self {
            Self::Then => future.then(|n| n.wrapping_add(1)),
            Self::AndThen(end) => {
                let next = later(end);
                future.and_then(|_| next)
            }
            Self::Recover(end) => {
                let next = later(end);
                future.recover(|_| next)
            }
            Self::Repair(end) => {
                let next = later(end);
                future.repair(|_| next)
            }
            Self::Undiscardable => future.undiscardable(),
        }
    }

    /// What the link makes of an outcome.
    fn make(self, outcome: Outcome<u8>) -> Outcome<u8> {
        match (self, outcome) {
            (Self::Then, outcome) => outcome.map(|n| n.wrapping_add(1)),
            (Self::AndThen(end), Ok(_)) | (Self::Recover(end), Err(_)) => end.outcome(),
            (Self::Repair(end), Err(FutureError::Failed(_))) => end.outcome(),
            (_, outcome) => outcome,
        }
    }
}

fn end() -> impl Strategy<Value = End> {
    let value = any::<u8>().prop_map(End::Ready);
    prop_oneof![3 => value, 1 => Just(End::Failed), 1 => Just(End::Discarded), 1 => Just(End::Abandoned)]
}

fn link() -> impl Strategy<Value = Link> {
    prop_oneof![
        Just(Link::Then),
        end().prop_map(Link::AndThen),
        end().prop_map(Link::Recover),
        end().prop_map(Link::Repair),
        Just(Link::Undiscardable),
    ]
}

proptest! {
    /// Whichever of the operations ends first, and whether that is before or after the chain is made.
    #[test]
    fn chain_ends_as_its_links_say_in_whatever_order_the_operations_end(
        first in end(),
        links in prop::collection::vec(link(), 0..40),
        ended_before in any::<bool>(),
        reversed in any::<bool>(),
    ) {
        let mut pending = Vec::new();
        let mut chain = if ended_before {
            Future::from(first.outcome())
        } else {
            let (promise, future) = Promise::pair();
            pending.push((promise, first));
            future
        };
        for link in &links {
            chain = link.hang_on(chain, &mut pending);
        }
        if reversed {
            pending.reverse();
        }
        pending.into_iter().for_each(|(promise, end)| promise.complete(end.outcome()));
        let expected = links.iter().fold(first.outcome(), |outcome, link| link.make(outcome));
        prop_assert_eq!(chain.now_or_never(), Some(expected));
    }
}
