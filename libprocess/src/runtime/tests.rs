//! What the pool and the seam promise to processes and futures.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Runnable, Scheduler, TICK, ticks};
use crate::{Node, Process};

struct Quiet;

impl Process for Quiet {}

async fn node() -> Node {
    Node::builder().start().await.unwrap()
}

/// The process that was woken last waits in the slot of a worker that is held up.
#[tokio::test]
async fn slow_handler_holds_up_no_other_process() {
    let node = node().await;
    let (slow, other) = (node.spawn(Quiet), node.spawn(Quiet));
    let (release, held) = mpsc::channel::<()>();
    let (told, tells) = mpsc::channel();
    let target = other.clone();
    slow.tell(move |_slow, _cx| {
        target.tell(move |_other, _cx| told.send(()).unwrap());
        held.recv().unwrap();
    });
    let heard = tokio::task::spawn_blocking(move || tells.recv_timeout(Duration::from_secs(30)));
    assert_eq!(heard.await.unwrap(), Ok(()));
    release.send(()).unwrap();
    slow.ask(|_slow, _cx| ()).await.unwrap();
}

#[tokio::test]
async fn handlers_and_background_futures_may_use_tokio() {
    let node = node().await;
    let pid = node.spawn(Quiet);
    let joined = pid.ask(|_quiet, _cx| tokio::spawn(async { 7 })).await.unwrap();
    assert_eq!(joined.await.unwrap(), 7);
    let slept = node.run(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        8
    });
    assert_eq!(slept.await, Ok(8));
}

#[tokio::test]
async fn busy_pair_leaves_room_for_others() {
    fn hit(pid: crate::Pid<Quiet>, other: crate::Pid<Quiet>) {
        let to = pid.clone();
        to.tell(move |_quiet, _cx| hit(other, pid));
    }
    let node = node().await;
    let pairs: Vec<_> = (0..16).map(|_| (node.spawn(Quiet), node.spawn(Quiet))).collect();
    for (one, other) in &pairs {
        hit(one.clone(), other.clone());
    }
    let asked = node.spawn(Quiet);
    for n in 0..100 {
        assert_eq!(asked.ask(move |_quiet, _cx| n).await, Ok(n));
    }
    node.shutdown().await;
}

#[derive(Default)]
struct Queue(Mutex<VecDeque<Runnable>>, Mutex<Vec<String>>);

impl Scheduler for Queue {
    fn schedule(&self, runnable: Runnable) {
        self.0.lock().push_back(runnable);
    }

    fn panicked(&self, process: Option<&crate::Upid>, text: &str) {
        self.1.lock().push(format!("{} {text}", process.map_or("-", crate::Upid::id)));
    }
}

impl Queue {
    fn run_all(&self) {
        loop {
            let next = self.0.lock().pop_front();
            match next {
                Some(runnable) => runnable.run(),
                None => return,
            }
        }
    }
}

#[tokio::test]
async fn own_scheduler_runs_processes_and_futures_on_its_thread() {
    let queue = Arc::new(Queue::default());
    let node = Node::builder().scheduler(Arc::clone(&queue) as Arc<dyn Scheduler>).start().await.unwrap();
    let pid = node.spawn(Quiet);
    let here = std::thread::current().id();
    let thread = pid.ask(|_quiet, _cx| std::thread::current().id());
    let asked = pid.clone();
    let task = node.run(async move { asked.ask(|_quiet, _cx| std::thread::current().id()).await });
    assert!(thread.is_pending() && task.is_pending());
    queue.run_all();
    assert_eq!(thread.await, Ok(here));
    assert_eq!(task.await, Ok(Ok(here)));
}

/// Lets so many ticks pass, which they do while a handler runs somewhere.
fn pass(count: u64) {
    let until = ticks() + count;
    while ticks() < until {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn wait_for_a_turn_is_counted_and_handling_is_not() {
    let (release, held) = mpsc::channel::<()>();
    let running = node().await.spawn(Quiet);
    running.tell(move |_quiet, _cx| held.recv().unwrap());

    let queue = Arc::new(Queue::default());
    let node = Node::builder().scheduler(Arc::clone(&queue) as Arc<dyn Scheduler>).start().await.unwrap();
    let pid = node.spawn(Quiet);
    let waited = || pid.shared.waited();
    pass(2);
    queue.run_all();
    let initialized = waited();
    assert!(initialized >= 2 * TICK, "{initialized:?}");

    pid.tell(|_quiet, _cx| {});
    pass(2);
    pid.tell(|_quiet, _cx| {}); // It waits already.
    pass(2);
    queue.run_all();
    let idle = waited();
    assert!(idle >= initialized + 4 * TICK, "{idle:?}");

    // More than one turn may handle.
    (0..200).for_each(|_| pid.tell(|_quiet, _cx| {}));
    let turn = queue.0.lock().pop_front().unwrap();
    turn.run();
    let interrupted = waited();
    pass(2);
    queue.run_all();
    assert!(waited() >= interrupted + 2 * TICK, "{:?}", waited());

    let (before, told_at) = (waited(), ticks());
    let (begin, begun) = mpsc::channel();
    pid.tell(move |_quiet, _cx| {
        begin.send(ticks()).unwrap();
        pass(2);
    });
    queue.run_all();
    let at_most = TICK * u32::try_from(begun.recv().unwrap() - told_at).unwrap();
    assert!(waited() <= before + at_most, "{:?}", waited());
    assert!(pid.shared.busy() >= 2 * TICK);
    release.send(()).unwrap();
    running.ask(|_quiet, _cx| ()).await.unwrap();
}

#[tokio::test]
async fn own_scheduler_runs_blocking_work_and_hears_of_panics() {
    let queue = Arc::new(Queue::default());
    let node = Node::builder().scheduler(Arc::clone(&queue) as Arc<dyn Scheduler>).start().await.unwrap();
    let here = std::thread::current().id();
    let thread = node.run_blocking(|| std::thread::current().id());
    let panicking = node.run_blocking::<()>(|| panic!("in blocking work"));
    node.spawn_as("quiet", Quiet).unwrap().tell(|_quiet, _cx| panic!("in a handler"));
    assert!(thread.is_pending());
    queue.run_all();
    assert_eq!(thread.await, Ok(here));
    assert_eq!(panicking.await, Err(crate::FutureError::Abandoned));
    assert_eq!(*queue.1.lock(), ["- in blocking work", "quiet in a handler"]);
}

#[tokio::test]
async fn runnable_that_is_dropped_ends_its_process() {
    let queue = Arc::new(Queue::default());
    let node = Node::builder().scheduler(Arc::clone(&queue) as Arc<dyn Scheduler>).start().await.unwrap();
    let pid = node.spawn(Quiet);
    let (answer, end) = (pid.ask(|_quiet, _cx| 1), pid.wait());
    let dropped = std::mem::take(&mut *queue.0.lock());
    drop(dropped);
    assert_eq!(answer.await, Err(crate::FutureError::Abandoned));
    assert_eq!(end.await, Ok(()));
    assert!(node.spawn_as(pid.upid().id(), Quiet).is_ok(), "the id is free again");
}
