//! Who hears what about whose end.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::{Clock, Future, Pid, Promise, Time};

#[derive(Default)]
struct Plain {
    exits: Vec<Exit>,
    linked: Vec<Upid>,
    bomb: bool,
}

impl Process for Plain {
    fn exited(&mut self, _cx: &mut Context<Self>, pid: &Upid) {
        self.linked.push(pid.clone());
    }

    fn finalize(&mut self, _cx: &mut Context<Self>) {
        assert!(!self.bomb, "at last");
    }
}

async fn paused_node() -> (Clock, Node) {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    (clock, node)
}

fn monitor(who: &Pid<Plain>, whom: &Upid) -> Future<Monitor> {
    let whom = whom.clone();
    who.ask(move |_plain, cx| cx.monitor(&whom, |plain, _cx, exit| plain.exits.push(exit)))
}

fn exits(of: &Pid<Plain>) -> Future<Vec<Exit>> {
    of.ask(|plain, _cx| plain.exits.clone())
}

/// For what crosses a socket, which no clock covers.
async fn exit_of_remote(who: &Pid<Plain>, whom: Upid) -> Exit {
    let (promise, exit) = Promise::pair();
    who.tell(move |_plain, cx| _ = cx.monitor(&whom, move |_plain, _cx, exit| promise.set(exit)));
    tokio::time::timeout(Duration::from_secs(20), exit).await.expect("somebody tells").unwrap()
}

#[tokio::test]
async fn monitor_tells_why_the_process_ended() {
    type End = fn(&Pid<Plain>);
    let cases: [(End, Exit); 7] = [
        (|pid| pid.terminate(), Exit::Normal),
        (|pid| pid.terminate_after_queued(), Exit::Normal),
        (|pid| pid.shutdown(), Exit::Normal),
        (|pid| pid.tell(|_plain, cx| cx.terminate()), Exit::Normal),
        (|pid| pid.tell(|_plain, cx| cx.fail("no disk")), Exit::Failed("no disk".into())),
        (|pid| pid.tell(|_plain, _cx| panic!("oops")), Exit::Panicked("oops".into())),
        (
            |pid| {
                pid.tell(|plain, cx| {
                    plain.bomb = true;
                    cx.fail("first");
                });
            },
            Exit::Failed("first".into()),
        ),
    ];
    let (clock, node) = paused_node().await;
    for (end, expected) in cases {
        let (watcher, watched) = (node.spawn(Plain::default()), node.spawn(Plain::default()));
        monitor(&watcher, watched.upid()).await.unwrap();
        let before = watched.exit();
        end(&watched);
        clock.settle().await;
        assert_eq!(exits(&watcher).await.unwrap(), std::slice::from_ref(&expected));
        assert_eq!(before.await.unwrap(), expected);
        assert_eq!(watched.exit().await.unwrap(), expected, "also afterwards");
        assert_eq!(watched.wait().await, Ok(()));
    }
}

#[tokio::test]
async fn panic_at_the_very_end_is_told_too() {
    let (_clock, node) = paused_node().await;
    let pid = node.spawn(Plain { bomb: true, ..Plain::default() });
    pid.terminate();
    assert_eq!(pid.exit().await.unwrap(), Exit::Panicked("at last".into()));
}

#[tokio::test]
async fn monitor_of_nobody_says_so() {
    let (clock, node) = paused_node().await;
    let watcher = node.spawn(Plain::default());
    let ended = node.spawn_as("ended", Plain::default()).unwrap();
    ended.terminate();
    clock.settle().await;
    monitor(&watcher, ended.upid()).await.unwrap();
    monitor(&watcher, &Upid::new("nobody", node.address())).await.unwrap();
    clock.settle().await;
    assert_eq!(exits(&watcher).await.unwrap(), [Exit::NoSuchProcess, Exit::NoSuchProcess]);
}

#[tokio::test]
async fn each_monitor_is_told_but_those_that_were_taken_back() {
    let (clock, node) = paused_node().await;
    let (watcher, watched) = (node.spawn(Plain::default()), node.spawn(Plain::default()));
    let mut monitors = Vec::new();
    for _ in 0..3 {
        monitors.push(monitor(&watcher, watched.upid()).await.unwrap());
    }
    let link = watched.upid().clone();
    watcher.ask(move |_plain, cx| cx.link(&link)).await.unwrap();
    let taken = monitors.remove(1);
    assert_eq!(taken.pid(), watched.upid());
    let back = watcher.ask(move |_plain, cx| (cx.demonitor(&taken), cx.demonitor(&taken)));
    assert_eq!(back.await, Ok((true, false)));
    watched.terminate();
    clock.settle().await;
    assert_eq!(exits(&watcher).await.unwrap(), [Exit::Normal, Exit::Normal]);
    assert_eq!(watcher.ask(|plain, _cx| plain.linked.len()).await, Ok(1), "links are another matter");
}

#[tokio::test]
async fn monitor_that_is_taken_back_is_silent_also_when_the_end_came_first() {
    let (clock, node) = paused_node().await;
    let (watcher, watched) = (node.spawn(Plain::default()), node.spawn(Plain::default()));
    let monitor = monitor(&watcher, watched.upid()).await.unwrap();
    let (gone, has_gone) = std::sync::mpsc::channel();
    let taken_back = watcher.ask(move |_plain, cx| {
        has_gone.recv().unwrap();
        cx.demonitor(&monitor)
    });
    watched.terminate();
    watched.wait().await.unwrap();
    gone.send(()).unwrap();
    assert_eq!(taken_back.await, Ok(true));
    clock.settle().await;
    assert_eq!(exits(&watcher).await.unwrap(), []);
}

#[tokio::test]
async fn monitor_goes_with_the_process_that_set_it() {
    let (clock, node) = paused_node().await;
    let (watcher, watched) = (node.spawn(Plain::default()), node.spawn(Plain::default()));
    let held = Arc::new(());
    let (kept, whom) = (Arc::clone(&held), watched.upid().clone());
    watcher.tell(move |_plain, cx| _ = cx.monitor(&whom, move |_plain, _cx, _exit| drop(kept)));
    clock.settle().await;
    assert_eq!(Arc::strong_count(&held), 2);
    let hooks = || watched.shared.hooks();
    assert_eq!(hooks(), 1);
    watcher.terminate();
    clock.settle().await;
    assert_eq!((Arc::strong_count(&held), hooks()), (1, 0));
}

#[tokio::test]
async fn end_of_another_node_is_a_lost_connection() {
    let here = Node::builder().start().await.unwrap();
    let there = Node::builder().start().await.unwrap();
    let watcher = here.spawn(Plain::default());
    let watched = there.spawn(Plain::default());
    let (promise, exit) = Promise::pair();
    let whom = watched.upid().clone();
    let set = watcher.ask(move |_plain, cx| {
        let taken_back = cx.monitor(&whom, |_plain, _cx, _exit| panic!("it was taken back"));
        cx.monitor(&whom, move |_plain, _cx, exit| promise.set(exit));
        cx.demonitor(&taken_back)
    });
    assert_eq!(set.await, Ok(true));
    there.shutdown().await;
    drop(there);
    let exit = tokio::time::timeout(Duration::from_secs(20), exit).await.expect("somebody tells");
    assert_eq!(exit, Ok(Exit::ConnectionLost));
    // Nobody listens there any more.
    assert_eq!(exit_of_remote(&watcher, watched.upid().clone()).await, Exit::ConnectionLost);
}
