//! Processes on nodes: order, ends, links, time, and messages between nodes.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::*;
use crate::{Context, FutureError};

mod ends;

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
        cx.route("seen", "How many numbers came.", |recorder, _cx, _request| {
            crate::http::Response::text(recorder.seen.len().to_string())
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

/// Asks until the answer is as wanted: for what crosses a socket, which no clock covers.
async fn eventually<R: PartialEq + std::fmt::Debug + Send + 'static>(
    pid: &Pid<Recorder>,
    read: impl Fn(&Recorder) -> R + Copy + Send + 'static,
    wanted: R,
) {
    for _ in 0..2000 {
        if pid.ask(move |recorder, _cx| read(recorder)).await.unwrap() == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let last = pid.ask(move |recorder, _cx| read(recorder)).await.unwrap();
    assert_eq!(last, wanted, "after ten seconds");
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
async fn messages_cross_nodes_in_order_over_a_link() {
    let (here, there) = (node().await, node().await);
    let sender = here.spawn(Recorder::default());
    let receiver = there.spawn(Recorder::default());
    let to = receiver.upid().clone();
    sender.tell(move |_recorder, cx| {
        cx.link(&to);
        for n in 0..1000 {
            cx.send_raw(&to, "number", n.to_string().into_bytes());
        }
    });
    eventually(&receiver, |recorder| recorder.seen.len(), 1000).await;
    let seen = receiver.ask(|recorder, _cx| recorder.seen.clone()).await.unwrap();
    assert!(seen.into_iter().eq(0..1000));
}

#[tokio::test]
async fn message_without_a_link_arrives_too() {
    let (here, there) = (node().await, node().await);
    let sender = here.spawn(Recorder::default());
    let receiver = there.spawn(Recorder::default());
    let to = receiver.upid().clone();
    for n in 0..3 {
        let to = to.clone();
        sender
            .ask(move |_recorder, cx| cx.send_raw(&to, "number", n.to_string().into_bytes()))
            .await
            .unwrap();
        eventually(&receiver, |recorder| recorder.seen.len(), n + 1).await;
    }
}

#[tokio::test]
async fn shutdown_of_another_node_is_an_exit() {
    let (here, there) = (node().await, node().await);
    let linker = here.spawn(Recorder::default());
    let linked = there.spawn(Recorder::default()).upid().clone();
    let to = linked.clone();
    linker.ask(move |_recorder, cx| cx.link(&to)).await.unwrap();
    there.shutdown().await;
    drop(there);
    eventually(&linker, |recorder| recorder.exits.len(), 1).await;
    assert_eq!(linker.ask(|recorder, _cx| recorder.exits.clone()).await.unwrap(), [linked]);
}

#[tokio::test]
async fn link_to_an_address_where_nobody_listens_is_an_exit() {
    let node = node().await;
    let linker = node.spawn(Recorder::default());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    linker.ask(move |_recorder, cx| cx.link(&Upid::new("gone", free))).await.unwrap();
    eventually(&linker, |recorder| recorder.exits.len(), 1).await;
}

#[tokio::test]
async fn routes_answer_with_and_without_the_name_of_the_delegate() {
    let node = Node::builder().delegate("recorder").start().await.unwrap();
    let recorder = node.spawn_as("recorder", Recorder::default()).unwrap();
    recorder.ask(|recorder, _cx| recorder.seen.push(1)).await.unwrap();
    for (path, status, body) in [
        ("/recorder/seen", "200", "1"),
        ("/seen", "200", "1"),
        ("/seen/below", "200", "1"),
        ("/nothing", "404", ""),
        ("/recorder", "404", ""),
    ] {
        let answer = get(node.address(), path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{path}: {answer}");
    }
    assert!(get(node.address(), "/help").await.contains("/recorder/seen"));
    assert!(get(node.address(), "/__processes__").await.contains("\"id\":\"recorder\""));
}

#[tokio::test]
async fn request_that_comes_before_the_process_is_initialized_waits_for_it() {
    struct Slow(std::sync::mpsc::Receiver<()>);
    impl Process for Slow {
        fn initialize(&mut self, cx: &mut Context<Self>) {
            let _ = self.0.recv();
            cx.serve("page", "A page.", |_request| crate::http::Response::text("here"));
        }
    }
    let node = node().await;
    let (release, held) = std::sync::mpsc::channel();
    let slow = node.spawn_as("slow", Slow(held)).unwrap();
    let asking = tokio::spawn(get(node.address(), "/slow/page"));
    // What waits for the process to be initialized.
    while slow.queued_dispatches() == 0 {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    let answer = asking.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
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
