//! What is left when processes and nodes end: nothing.

use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Notes that it was dropped.
struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Holder {
    _held: Held,
}

impl Process for Holder {}

/// Waits until nothing holds the value any more: the last handle may go on another thread.
pub(super) async fn is_freed<T>(weak: &Weak<T>) -> bool {
    for _ in 0..1000 {
        if weak.strong_count() == 0 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn process_is_dropped_before_its_end_is_told() {
    let node = node().await;
    for _ in 0..50 {
        let dropped = Arc::new(AtomicBool::new(false));
        let pid = node.spawn(Holder { _held: Held(Arc::clone(&dropped)) });
        pid.terminate();
        pid.wait().await.unwrap();
        assert!(dropped.load(Ordering::SeqCst));
    }
}

#[tokio::test]
async fn panic_in_what_a_process_leaves_behind_keeps_nobody_from_hearing_of_its_end() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let (clock, node) = paused_node().await;
    let pid = node.spawn(Recorder::default());
    let waiting = pid.wait();
    let held = pid.clone();
    pid.tell(move |_recorder, cx| {
        let bomb = Bomb;
        held.tell(move |_recorder, _cx| drop(bomb));
        cx.terminate();
    });
    waiting.await.unwrap();
    clock.settle().await;
}

#[tokio::test]
async fn panic_in_a_background_future_is_the_end_of_its_work() {
    let (clock, node) = paused_node().await;
    let result = node.run(async { panic!("on purpose") });
    tokio::time::timeout(Duration::from_secs(5), clock.settle()).await.expect("nothing is left to do");
    assert_eq!(result.await, Err::<(), _>(FutureError::Abandoned));
}

#[tokio::test]
async fn generated_ids_pass_over_those_given_by_name() {
    let node = node().await;
    node.spawn_as("recorder(1)", Recorder::default()).unwrap();
    let generated = node.spawn(Recorder::default());
    assert_eq!(generated.upid().id(), "recorder(2)");
    assert_eq!(generated.ask(|_recorder, _cx| 1).await, Ok(1));
}

/// Timers that are not due, handlers that hold their process, links to the living: none of them keeps
/// a node that was shut down.
#[tokio::test]
async fn node_is_gone_after_its_shutdown() {
    let (_clock, node) = paused_node().await;
    let other = super::node().await;
    let linked = other.spawn(Recorder::default()).upid().clone();
    let pid = node.spawn(Recorder::default());
    let me = pid.upid().clone();
    pid.ask(move |_recorder, cx| {
        cx.link(&linked);
        cx.link(&me);
        cx.delay(Duration::from_secs(1 << 20), |_recorder, _cx| {});
        let held = cx.pid();
        cx.install_raw("held", move |_recorder, _cx, _from, _body| drop(held.clone()));
    })
    .await
    .unwrap();
    node.shutdown().await;
    let inner = Arc::downgrade(&node.inner);
    drop((node, pid));
    assert!(is_freed(&inner).await);
}

/// As when a test ends without a shutdown: the clock's thread ends too.
#[test]
fn node_is_gone_with_its_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (inner, waiting) = runtime.block_on(async {
        let (_clock, node) = paused_node().await;
        let other = super::node().await;
        let linked = other.spawn(Recorder::default()).upid().clone();
        let pid = node.spawn(Recorder::default());
        let near = node.spawn(Recorder::default()).upid().clone();
        let seen = pid.ask(move |_recorder, cx| {
            cx.link(&linked);
            cx.link(&near);
            cx.delay(Duration::from_secs(1 << 20), |_recorder, _cx| {});
            cx.run(std::future::pending::<()>(), |_recorder, _cx, ()| {});
        });
        seen.await.unwrap();
        (Arc::downgrade(&node.inner), pid.wait())
    });
    drop(runtime);
    assert_eq!(futures::executor::block_on(waiting), Ok(()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(runtime.block_on(is_freed(&inner)));
}

/// The exit for the first link is still to be handled when the second one is set.
#[tokio::test]
async fn link_set_anew_is_taken_back_with_its_process() {
    let (clock, node) = paused_node().await;
    let linker = node.spawn(Recorder::default());
    let later = Upid::new("later", node.address());
    let linked = linker
        .ask(move |_recorder, cx| {
            cx.link(&later);
            let linked = cx.node().spawn_as("later", Recorder::default()).unwrap();
            cx.link(&later);
            linked
        })
        .await
        .unwrap();
    clock.settle().await;
    assert_eq!(linker.ask(|recorder, _cx| recorder.exits.len()).await, Ok(1));
    linker.terminate();
    linker.wait().await.unwrap();
    let shared = Arc::downgrade(&linker.shared);
    drop(linker);
    assert!(is_freed(&shared).await, "the process that was linked to still knows of it");
    assert_eq!(linked.ask(|recorder, _cx| recorder.exits.len()).await, Ok(0));
}
