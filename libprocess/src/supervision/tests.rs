//! Supervisors with real children, under virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use super::*;
use crate::{Clock, Context, Exit, Node, Pid, Process, Time};

const SECOND: Duration = Duration::from_secs(1);

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: String) {
        self.0.lock().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

/// Notes that it starts and ends; a stubborn one does not end when it is asked to.
struct Worker {
    name: &'static str,
    log: Log,
    stubborn: bool,
}

impl Process for Worker {
    fn initialize(&mut self, _cx: &mut Context<Self>) {
        self.log.note(format!("+{}", self.name));
    }

    fn shutdown(&mut self, cx: &mut Context<Self>) {
        if !self.stubborn {
            cx.terminate();
        }
    }

    fn finalize(&mut self, _cx: &mut Context<Self>) {
        self.log.note(format!("-{}", self.name));
    }
}

fn worker(name: &'static str, log: &Log) -> ChildSpec<Worker> {
    let log = log.clone();
    ChildSpec::new(name, move || Worker { name, log: log.clone(), stubborn: false })
}

fn stubborn(name: &'static str, log: &Log) -> ChildSpec<Worker> {
    let log = log.clone();
    ChildSpec::new(name, move || Worker { name, log: log.clone(), stubborn: true })
}

fn panics(_worker: &mut Worker, _cx: &mut Context<Worker>) {
    panic!("on purpose");
}

async fn paused_node() -> (Clock, Node) {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    (clock, node)
}

async fn names(supervisor: &Pid<Supervisor>) -> Vec<(String, ChildState)> {
    let children = supervisor.ask(|supervisor, _cx| {
        supervisor.children().into_iter().map(|(name, state)| (name.to_owned(), state)).collect()
    });
    children.await.unwrap()
}

#[tokio::test]
async fn child_keeps_its_address_and_its_handle_across_restarts() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let spec = worker("a", &log);
    let child = spec.handle();
    assert_eq!(child.pid(), None);
    assert!(!child.tell(|_worker, _cx| {}));
    let up = child.up();
    node.spawn(Supervisor::new(Strategy::OneForOne).child(spec));
    let first = up.await.unwrap();
    assert!(child.tell(panics));
    clock.settle().await;
    let second = child.pid().unwrap();
    assert_ne!(first, second);
    assert_eq!(first.upid(), second.upid());
    assert_eq!(node.find::<Worker>("a"), Some(second));
    assert_eq!(child.ask(|worker, _cx| worker.name).await, Ok("a"));
    assert_eq!(log.take(), ["+a", "-a", "+a"]);
}

#[tokio::test]
async fn all_begin_anew_in_order_after_they_ended_in_reverse() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let middle = worker("b", &log);
    let child = middle.handle();
    let supervisor = Supervisor::new(Strategy::OneForAll);
    node.spawn(supervisor.child(worker("a", &log)).child(middle).child(worker("c", &log)));
    clock.settle().await;
    assert_eq!(sorted(log.take()), ["+a", "+b", "+c"]);
    child.tell(panics);
    clock.settle().await;
    let all = log.take();
    assert_eq!(all[..3], ["-b", "-c", "-a"]);
    assert_eq!(sorted(all[3..].to_vec()), ["+a", "+b", "+c"]);
}

/// Processes that are spawned in order are initialized on several threads.
fn sorted(mut what: Vec<String>) -> Vec<String> {
    what.sort();
    what
}

#[tokio::test]
async fn restart_waits_on_the_clock_of_the_node() {
    let (clock, node) = paused_node().await;
    let spec = worker("a", &Log::default());
    let child = spec.handle();
    let backoff = Backoff::exponential(10 * SECOND, 60 * SECOND).jitter(|| 0.0);
    let supervisor = node.spawn(Supervisor::new(Strategy::OneForOne).backoff(backoff).child(spec));
    clock.settle().await;
    for wait in [5, 10, 20, 30, 30] {
        child.tell(panics);
        clock.settle().await;
        clock.advance(wait * SECOND - Duration::from_nanos(1)).await;
        assert_eq!(child.pid(), None);
        assert_eq!(names(&supervisor).await, [("a".to_owned(), ChildState::Waiting)]);
        clock.advance(Duration::from_nanos(1)).await;
        assert!(child.pid().is_some(), "{wait}");
    }
}

#[tokio::test]
async fn too_many_restarts_are_the_failure_of_the_supervisor() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let (spec, other) = (worker("a", &log), worker("b", &log));
    let (child, other) = (spec.handle(), (other.handle(), other));
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(2, SECOND).child(spec).child(other.1);
    let supervisor = node.spawn(supervisor);
    clock.settle().await;
    for _ in 0..3 {
        assert!(child.tell(panics));
        clock.settle().await;
    }
    let Exit::Failed(failure) = supervisor.exit().await.unwrap() else { panic!("it failed") };
    let error = failure.error().downcast_ref::<TooManyRestarts>().expect("it says which child");
    assert_eq!((error.child.as_str(), &error.last), ("a", &Exit::Panicked("on purpose".into())));
    assert_eq!((child.pid(), other.0.pid()), (None, None));
    assert_eq!(child.up().await, Err(crate::FutureError::Abandoned));
}

#[tokio::test]
async fn failure_of_a_supervisor_begins_it_anew_with_all_below_it() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let (a, b) = (worker("a", &log), worker("b", &log));
    let (child, other) = (a.handle(), b.handle());
    let below = ChildSpec::supervisor("below", move || {
        let below = Supervisor::new(Strategy::OneForOne).intensity(0, SECOND);
        below.child(a.clone()).child(b.clone())
    });
    let handle = below.handle();
    let top = node.spawn(Supervisor::new(Strategy::OneForOne).intensity(1, SECOND).child(below));
    clock.settle().await;
    let before = (handle.pid().unwrap(), other.pid().unwrap());
    child.tell(panics);
    clock.settle().await;
    let after = (handle.pid().unwrap(), other.pid().unwrap());
    assert!(before.0 != after.0 && before.1 != after.1);
    assert_eq!(child.ask(|worker, _cx| worker.name).await, Ok("a"));

    child.tell(panics);
    clock.settle().await;
    let Exit::Failed(failure) = top.exit().await.unwrap() else { panic!("it failed") };
    let error = failure.error().downcast_ref::<TooManyRestarts>().unwrap();
    let Exit::Failed(last) = &error.last else { panic!("{:?}", error.last) };
    let below = last.error().downcast_ref::<TooManyRestarts>().unwrap();
    assert_eq!((error.child.as_str(), below.child.as_str()), ("below", "a"));
}

#[tokio::test]
async fn tree_ends_in_reverse_after_what_is_queued() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let (b, c) = (worker("b", &log), worker("c", &log));
    let busy = c.handle();
    let below = ChildSpec::supervisor("below", move || {
        Supervisor::new(Strategy::RestForOne).child(b.clone()).child(c.clone())
    });
    let top = Supervisor::new(Strategy::OneForOne).child(worker("a", &log)).child(below);
    let top = node.spawn(top.child(worker("d", &log)));
    clock.settle().await;
    log.take();
    for n in 0..3 {
        busy.tell(move |worker, _cx| worker.log.note(format!("c does {n}")));
    }
    top.shutdown();
    assert_eq!(top.exit().await, Ok(Exit::Normal));
    let (done, ends): (Vec<_>, Vec<_>) = log.take().into_iter().partition(|what| what.starts_with('c'));
    assert_eq!(done, ["c does 0", "c does 1", "c does 2"]);
    assert_eq!(ends, ["-d", "-c", "-b", "-a"]);
}

#[tokio::test]
async fn child_that_takes_too_long_is_terminated_at_once() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .child(worker("first", &log))
        .child(stubborn("at once", &log).shutdown(Shutdown::AtOnce))
        .child(stubborn("slow", &log).shutdown(Shutdown::Within(3 * SECOND)))
        .child(stubborn("default", &log));
    let supervisor = node.spawn(supervisor);
    clock.settle().await;
    log.take();
    supervisor.shutdown();
    clock.settle().await;
    let expected: [(u64, &[&str]); 4] =
        [(4, &[]), (1, &["-default"]), (2, &[]), (1, &["-slow", "-at once", "-first"])];
    for (secs, ended) in expected {
        clock.advance(Duration::from_secs(secs)).await;
        assert_eq!(log.take(), ended);
    }
    assert_eq!(supervisor.exit().await, Ok(Exit::Normal));
}

#[tokio::test]
async fn child_whose_handler_does_not_come_back_is_given_up() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let spec = worker("stuck", &log).shutdown(Shutdown::Within(SECOND));
    let stuck = spec.handle();
    let supervisor = node.spawn(Supervisor::new(Strategy::OneForOne).child(worker("a", &log)).child(spec));
    let pid = stuck.up().await.unwrap();
    clock.settle().await;
    log.take();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (started, starts) = tokio::sync::oneshot::channel();
    pid.tell(move |_worker, _cx| {
        started.send(()).unwrap();
        let _ = released.recv();
    });
    starts.await.unwrap();
    supervisor.ask(|supervisor, cx| supervisor.shutdown(cx)).await.unwrap();
    // The clock does not settle while the handler runs; what is due has fired by then.
    for wait in [SECOND, supervisor::STUCK_AFTER] {
        assert!(futures::poll!(std::pin::pin!(clock.advance(wait))).is_pending());
        // It has handled that once it answers, or it has ended.
        let _ = supervisor.ask(|_supervisor, _cx| ()).await;
    }
    assert_eq!(supervisor.exit().await, Ok(Exit::Normal));
    assert_eq!(log.take(), ["-a"]);
    drop(release);
    assert_eq!(pid.exit().await, Ok(Exit::Normal));
}

#[tokio::test]
async fn terminated_supervisor_takes_its_children_along() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let below_log = log.clone();
    let below = ChildSpec::supervisor("below", move || {
        Supervisor::new(Strategy::OneForOne).child(stubborn("b", &below_log))
    });
    let top = node.spawn(Supervisor::new(Strategy::OneForOne).child(stubborn("a", &log)).child(below));
    clock.settle().await;
    log.take();
    top.terminate();
    clock.settle().await;
    assert_eq!(sorted(log.take()), ["-a", "-b"]);
    assert_eq!(node.find::<Supervisor>("below"), None);
}

#[tokio::test]
async fn child_that_cannot_be_started_has_failed() {
    let (clock, node) = paused_node().await;
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let spec = ChildSpec::fallible("a", move || match count.fetch_add(1, Ordering::SeqCst) {
        0 => Err("no disk"),
        1 => panic!("on purpose"),
        _ => Ok(Worker { name: "a", log: Log::default(), stubborn: false }),
    });
    let child = spec.handle();
    let taken = node.spawn_as("b", Worker { name: "b", log: Log::default(), stubborn: false }).unwrap();
    let failing = node.spawn(
        Supervisor::new(Strategy::OneForOne)
            .child(spec)
            .child(worker("b", &Log::default()))
            .intensity(5, SECOND)
            .backoff(Backoff::exponential(SECOND, SECOND)),
    );
    clock.settle().await;
    clock.advance(SECOND).await;
    taken.terminate();
    clock.settle().await;
    clock.advance(SECOND).await;
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert!(child.pid().is_some());
    let all = [("a".to_owned(), ChildState::Running), ("b".to_owned(), ChildState::Running)];
    assert_eq!(names(&failing).await, all);
}

#[tokio::test]
async fn child_that_can_never_be_started_keeps_no_worker() {
    let (clock, node) = paused_node().await;
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let spec = ChildSpec::fallible("a", move || {
        count.fetch_add(1, Ordering::SeqCst);
        Err::<Worker, _>("never")
    });
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(usize::MAX, SECOND).child(spec);
    let supervisor = node.spawn(supervisor);
    // It answers all the while.
    assert_eq!(names(&supervisor).await.len(), 1);
    while tries.load(Ordering::SeqCst) < 1000 {
        names(&supervisor).await;
    }
    supervisor.shutdown();
    clock.settle().await;
    assert_eq!(supervisor.exit().await, Ok(Exit::Normal));
}

#[tokio::test]
async fn children_come_and_go_while_the_supervisor_runs() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let supervisor = node.spawn(Supervisor::new(Strategy::OneForOne));
    let specs = [
        worker("temporary", &log).unnamed().restart(Restart::Temporary),
        worker("transient", &log).restart(Restart::Transient),
        worker("permanent", &log),
    ];
    let mut children = Vec::new();
    for spec in specs {
        children.push(supervisor.ask(move |supervisor, cx| supervisor.start_child(cx, spec)).await.unwrap());
    }
    assert_eq!(children[0].up().await.unwrap().upid().id(), "process(1)");
    children[0].tell(panics);
    children[1].tell(|_worker, cx| cx.terminate());
    clock.settle().await;
    assert_eq!(names(&supervisor).await, [("permanent".to_owned(), ChildState::Running)]);
    assert_eq!(children[0].up().await, Err(crate::FutureError::Abandoned));
    let ended = supervisor
        .ask(|supervisor, cx| (supervisor.end_child(cx, "permanent"), supervisor.end_child(cx, "transient")));
    assert_eq!(ended.await, Ok((true, false)));
    clock.settle().await;
    assert_eq!(names(&supervisor).await, []);
}

#[tokio::test]
async fn node_shuts_down_with_its_trees() {
    let (clock, node) = paused_node().await;
    let log = Log::default();
    let below_log = log.clone();
    let below = ChildSpec::supervisor("below", move || {
        Supervisor::new(Strategy::OneForAll).child(worker("b", &below_log)).child(worker("c", &below_log))
    });
    node.spawn(Supervisor::new(Strategy::OneForAll).child(worker("a", &log)).child(below));
    clock.settle().await;
    log.take();
    tokio::time::timeout(Duration::from_secs(20), node.shutdown()).await.expect("nothing is begun anew");
    assert_eq!(sorted(log.take()), ["-a", "-b", "-c"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handle_never_gives_a_process_whose_end_was_heard_of() {
    let node = Node::builder().start().await.unwrap();
    let spec = ChildSpec::new("a", || Worker { name: "a", log: Log::default(), stubborn: false });
    let child = spec.handle();
    node.spawn(Supervisor::new(Strategy::OneForOne).intensity(usize::MAX, SECOND).child(spec));
    for _ in 0..2000 {
        let ended = child.up().await.unwrap();
        ended.terminate();
        ended.wait().await.unwrap();
        let pid = child.pid();
        assert!(pid.is_none_or(|pid| !Arc::ptr_eq(&pid.shared, &ended.shared)));
    }
    node.shutdown().await;
}
