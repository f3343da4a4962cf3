//! Traces on one machine.

use std::time::Duration;

use libprocess::bounded::Bound;
use libprocess::trace::{TraceContext, current};
use libprocess::{Clock, Node, Pid, Promise, Time};
use tracing::info_span;

use super::support::{Quiet, assert_below, handled, handled_by, node, subscribe};

/// Begins a trace.
fn begin(f: impl FnOnce()) -> TraceContext {
    let context = TraceContext::root();
    context.scope(f);
    context
}

#[tokio::test]
async fn message_is_below_the_one_in_whose_handler_it_was_sent() {
    let node = node().await;
    let [a, b, c] = [(); 3].map(|()| node.spawn(Quiet));
    let (promise, done) = Promise::pair();
    let (to, last) = (b.clone(), c.clone());
    let context = info_span!(target: "trace", "order").in_scope(|| {
        begin(|| {
            a.tell(move |_a, cx| {
                let there = cx.upid().clone();
                to.tell(move |_b, _cx| {
                    let inner = info_span!(target: "trace", "inner");
                    inner.in_scope(|| last.tell(move |_c, _cx| promise.set((current(), there))));
                });
            });
        })
    });
    let (place, _) = done.await.unwrap();
    let [a, b, c] = [&a, &b, &c].map(|pid| handled_by(context, pid));
    assert_eq!(handled(context).len(), 3);
    assert_eq!(a.parent().unwrap().name, "order");
    assert_eq!(b.parent().unwrap().fields, a.fields);
    let inner = c.parent().unwrap();
    assert_eq!((inner.name, inner.parent().unwrap().fields), ("inner", b.fields.clone()));
    assert_eq!(a.field("parent_id"), format!("{:016x}", context.span_id()));
    assert_below(&b, &a);
    assert_below(&c, &b);
    assert_eq!(c.field("span_id"), format!("{:016x}", place.unwrap().span_id()));
    assert!([a, b, c].iter().all(|noted| noted.name == "message" && noted.field("kind") == "dispatch"));
}

#[tokio::test]
async fn message_outside_of_any_trace_begins_one() {
    let node = node().await;
    let pid = node.spawn(Quiet);
    let one = pid.ask(|_quiet, _cx| current()).await.unwrap().unwrap();
    let two = pid.ask(|_quiet, _cx| current()).await.unwrap().unwrap();
    assert_ne!(one.trace_id(), two.trace_id());
    let noted = handled_by(one, &pid);
    assert!(noted.parent().is_none() && noted.field("parent_id").is_empty(), "{noted:?}");
    assert_eq!(current(), None);
}

/// What `f` sets in motion comes back to its process as another piece of work.
async fn check_comes_back(clock: Option<Clock>, f: impl FnOnce(&Pid<Quiet>, Promise<()>) + Send + 'static) {
    subscribe();
    let builder = clock.iter().fold(Node::builder(), |builder, clock| builder.clock(clock.clone()));
    let node = builder.start().await.unwrap();
    let pid = node.spawn(Quiet);
    let (promise, done) = Promise::pair();
    let context = begin(|| pid.tell(move |_quiet, cx| f(&cx.pid(), promise)));
    if let Some(clock) = clock {
        clock.settle().await;
        clock.advance(Duration::from_secs(1)).await;
    }
    done.await.unwrap();
    let handled = handled(context);
    let [first, second] = &handled[..] else { panic!("{handled:?}") };
    assert_below(second, first);
    assert_eq!(second.parent().unwrap().fields, first.fields);
}

#[tokio::test]
async fn deferred_and_background_work_is_below_what_began_it() {
    check_comes_back(None, |pid, promise| {
        let promise = std::sync::Mutex::new(Some(promise));
        let deferred = pid.defer(move |_quiet, _cx, ()| promise.lock().unwrap().take().unwrap().set(()));
        std::thread::spawn(move || deferred(()));
    })
    .await;
    check_comes_back(None, |pid, promise| {
        let back = pid.clone();
        pid.node().run(async move {
            tokio::task::yield_now().await;
            back.tell(move |_quiet, _cx| promise.set(()));
        });
    })
    .await;
    check_comes_back(None, |pid, promise| {
        let back = pid.clone();
        pid.node().run_blocking(move || back.tell(move |_quiet, _cx| promise.set(())));
    })
    .await;
}

#[tokio::test]
async fn what_a_context_brings_back_is_below_what_asked_for_it() {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    subscribe();
    let pid = node.spawn(Quiet);
    let context = begin(|| {
        pid.tell(|_quiet, cx| {
            cx.delay(Duration::from_secs(1), |_quiet, _cx| {});
            cx.run(async { 1 }, |_quiet, _cx, _one| {});
            cx.run_blocking(|| 2, |_quiet, _cx, _two| {});
        });
    });
    clock.settle().await;
    assert_eq!(handled(context).len(), 3);
    clock.advance(Duration::from_secs(1)).await;
    let handled = handled(context);
    let [first, back @ ..] = &handled[..] else { panic!("{handled:?}") };
    assert_eq!(back.len(), 3);
    back.iter().for_each(|noted| assert_below(noted, first));
}

#[tokio::test]
async fn messages_to_a_process_with_a_bound_are_traced() {
    let node = node().await;
    for bound in [Bound::wait(10), Bound::refuse(10), Bound::drop_oldest(10)] {
        let pid = node.spawn_bounded(Quiet, bound);
        let context = TraceContext::root();
        let place = context.scope(|| pid.try_ask(|_quiet, _cx| current())).unwrap().await.unwrap().unwrap();
        let noted = handled_by(context, &pid);
        assert_eq!(noted.field("span_id"), format!("{:016x}", place.span_id()));
        assert_eq!(noted.field("parent_id"), format!("{:016x}", context.span_id()));
    }
}

#[tokio::test]
async fn handler_that_panics_leaves_no_trace_behind() {
    let node = node().await;
    let pid = node.spawn(Quiet);
    let end = pid.wait();
    begin(|| pid.tell(|_quiet, _cx| panic!("on purpose")));
    end.await.unwrap();
    // On every worker.
    for _ in 0..100 {
        let found = node.run(async { current() }).await;
        assert_eq!(found, Ok(None));
    }
}
