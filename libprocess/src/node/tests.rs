//! Processes on nodes: order, ends, links, time.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::*;
use crate::{Context, FutureError};

#[cfg(not(feature = "remote"))]
mod alone;
mod ends;
#[cfg(feature = "remote")]
mod others;
#[cfg(feature = "http")]
mod pages;

#[derive(Default)]
struct Recorder {
    seen: Vec<u64>,
    exits: Vec<Upid>,
    finalized: Option<Arc<Mutex<bool>>>,
}

impl Process for Recorder {
    const ID_PREFIX: &'static str = "recorder";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("number", |recorder, _cx, _from, body| {
            recorder.seen.push(std::str::from_utf8(body).unwrap().parse().unwrap());
        });
    }

    fn exited(&mut self, _cx: &mut Context<Self>, pid: &Upid) {
        self.exits.push(pid.clone());
    }

    fn finalize(&mut self, _cx: &mut Context<Self>) {
        if let Some(finalized) = &self.finalized {
            *finalized.lock() = true;
        }
    }
}

async fn node() -> Node {
    Node::builder().start().await.unwrap()
}

async fn paused_node() -> (Clock, Node) {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    (clock, node)
}

#[tokio::test]
async fn events_of_one_sender_keep_their_order() {
    let node = node().await;
    let pid = node.spawn(Recorder::default());
    for n in 0..10_000 {
        pid.tell(move |recorder, _cx| recorder.seen.push(n));
    }
    let seen = pid.ask(|recorder, _cx| std::mem::take(&mut recorder.seen)).await.unwrap();
    assert!(seen.into_iter().eq(0..10_000));
}

#[tokio::test]
async fn handles_are_equal_when_they_are_on_the_same_process() {
    let node = node().await;
    let first = node.spawn_as("x", Recorder::default()).unwrap();
    assert_eq!(first, first.clone());
    first.terminate();
    first.wait().await.unwrap();
    let second = node.spawn_as("x", Recorder::default()).unwrap();
    assert_eq!(first.upid(), second.upid());
    assert_ne!(first, second);
}

#[tokio::test]
async fn generated_ids_count_and_named_ones_are_unique() {
    let node = node().await;
    assert_eq!(node.spawn(Recorder::default()).upid().id(), "recorder(1)");
    assert_eq!(node.spawn(Recorder::default()).upid().id(), "recorder(2)");
    node.spawn_as("master", Recorder::default()).unwrap();
    let refused = node.spawn_as("master", Recorder::default()).unwrap_err();
    assert_eq!(refused, SpawnError::IdInUse("master".into()));
}

#[tokio::test]
async fn terminate_skips_what_waits_and_the_other_kind_does_not() {
    for (at_once, expected) in [(true, 0), (false, 3)] {
        let node = node().await;
        let count = Arc::new(Mutex::new(0));
        let pid = node.spawn(Recorder::default());
        let held = pid.clone();
        // Inside a handler, so that all is queued before the process goes on.
        let done = Arc::clone(&count);
        pid.tell(move |_recorder, _cx| {
            for _ in 0..3 {
                let done = Arc::clone(&done);
                held.tell(move |_recorder, _cx| *done.lock() += 1);
            }
            if at_once {
                held.terminate()
            } else {
                held.terminate_after_queued()
            }
            held.tell(|_recorder, _cx| panic!("nothing runs after the end"));
        });
        pid.wait().await.unwrap();
        assert_eq!(*count.lock(), expected);
        assert_eq!(pid.ask(|_recorder, _cx| ()).await, Err(FutureError::Abandoned));
    }
}

#[tokio::test]
async fn finalize_runs_before_linkers_hear_of_the_end() {
    let (clock, node) = paused_node().await;
    let finalized = Arc::new(Mutex::new(false));
    let ending = node.spawn(Recorder { finalized: Some(Arc::clone(&finalized)), ..Recorder::default() });
    let linker = node.spawn(Recorder::default());
    let linked = ending.upid().clone();
    linker.tell(move |_recorder, cx| {
        cx.link(&linked);
        cx.link(&linked);
    });
    clock.settle().await;
    ending.terminate();
    clock.settle().await;
    assert!(*finalized.lock());
    let exits = linker.ask(|recorder, _cx| recorder.exits.clone()).await.unwrap();
    assert_eq!(exits, [ending.upid().clone()], "once, though linked twice");
}

#[tokio::test]
async fn link_to_one_that_is_gone_says_so() {
    let (clock, node) = paused_node().await;
    let linker = node.spawn(Recorder::default());
    let nobody = Upid::new("nobody", node.address());
    let linked = nobody.clone();
    linker.tell(move |_recorder, cx| cx.link(&linked));
    clock.settle().await;
    assert_eq!(linker.ask(|recorder, _cx| recorder.exits.clone()).await.unwrap(), [nobody]);
}

#[tokio::test]
async fn panic_ends_the_process_that_panicked_and_no_other() {
    let node = node().await;
    let (failing, other) = (node.spawn(Recorder::default()), node.spawn(Recorder::default()));
    let answer = failing.ask(|_recorder, _cx| -> u8 { panic!("on purpose") });
    assert_eq!(answer.await, Err(FutureError::Abandoned));
    failing.wait().await.unwrap();
    assert_eq!(other.ask(|_recorder, _cx| 1).await, Ok(1));
}

#[tokio::test]
async fn delay_waits_for_the_clock_of_the_node() {
    let (clock, node) = paused_node().await;
    let pid = node.spawn(Recorder::default());
    pid.tell(|_recorder, cx| {
        cx.delay(Duration::from_secs(10), |recorder, _cx| recorder.seen.push(10));
    });
    clock.settle().await;
    clock.advance(Duration::from_secs(9)).await;
    assert!(pid.ask(|recorder, _cx| recorder.seen.is_empty()).await.unwrap());
    clock.advance(Duration::from_secs(1)).await;
    assert_eq!(pid.ask(|recorder, _cx| recorder.seen.clone()).await.unwrap(), [10]);
}

#[tokio::test]
async fn settle_waits_for_chains_of_dispatches_and_futures() {
    fn again(recorder: &mut Recorder, cx: &mut Context<Recorder>) {
        recorder.seen.push(recorder.seen.len() as u64);
        if recorder.seen.len() < 100 {
            cx.run(tokio::task::yield_now(), |recorder, cx, ()| again(recorder, cx));
        }
    }
    let (clock, node) = paused_node().await;
    let pid = node.spawn(Recorder::default());
    pid.tell(again);
    clock.settle().await;
    // Nothing is left to wait for: the answer is there at the next turn of the process.
    assert_eq!(pid.ask(|recorder, _cx| recorder.seen.len()).await, Ok(100));
}

#[tokio::test]
async fn blocking_work_comes_back_to_the_process() {
    let (clock, node) = paused_node().await;
    let pid = node.spawn(Recorder::default());
    pid.tell(|_recorder, cx| cx.run_blocking(|| 42, |recorder, _cx, n| recorder.seen.push(n)));
    clock.settle().await;
    assert_eq!(pid.ask(|recorder, _cx| recorder.seen.clone()).await.unwrap(), [42]);
}

#[tokio::test]
async fn deferred_callback_runs_on_the_process() {
    let node = node().await;
    let pid = node.spawn(Recorder::default());
    let record = pid.defer(|recorder, _cx, n| recorder.seen.push(n));
    std::thread::spawn(move || record(5)).join().unwrap();
    assert_eq!(pid.ask(|recorder, _cx| recorder.seen.clone()).await.unwrap(), [5]);
}

#[tokio::test]
async fn shutdown_waits_for_every_process() {
    let node = node().await;
    let (ended, mut ends) = mpsc::unbounded_channel();
    struct Ender(mpsc::UnboundedSender<()>);
    impl Process for Ender {
        fn finalize(&mut self, _cx: &mut Context<Self>) {
            let _ = self.0.send(());
        }
    }
    for _ in 0..10 {
        node.spawn(Ender(ended.clone()));
    }
    node.shutdown().await;
    for _ in 0..10 {
        ends.try_recv().unwrap();
    }
    assert_eq!(node.spawn_as("late", Recorder::default()).unwrap_err(), SpawnError::ShuttingDown);
}
