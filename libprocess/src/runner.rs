//! The task that runs a process.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::error;

use crate::context::Ending;
use crate::mailbox::Event;
use crate::{Context, Pid, Process, panic};

/// So many events at most are handled before the thread is offered to other tasks.
const EVENTS_PER_TURN_MAX: usize = 512;

/// Runs `process` from its first event to its end.
pub(crate) async fn run<P: Process>(process: P, pid: Pid<P>) {
    // Declared first to be dropped last, also when the runtime drops this task before its end.
    let end = End(pid.clone());
    let mut process = process;
    let mut cx = Context::new(pid.clone());
    guard(&mut cx, |cx| process.initialize(cx));
    pid.clock().end(1); // `Node::start` began it.

    let mut batch = VecDeque::new();
    let mut handled = 0_usize;
    while cx.ending.is_none() {
        std::future::poll_fn(|task| pid.shared.mailbox.poll_batch(task.waker(), &mut batch)).await;
        while let Some(event) = next(&pid, &mut batch, &cx) {
            guard(&mut cx, |cx| cx.handle(&mut process, event));
            pid.clock().end(1);
            handled = handled.wrapping_add(1);
            if handled.is_multiple_of(EVENTS_PER_TURN_MAX) {
                tokio::task::yield_now().await;
            }
        }
    }

    pid.clock().begin();
    guard(&mut cx, |cx| process.finalize(cx));
    if let Some(Ending::Failed(failure)) = &cx.ending {
        error!(pid = %pid.upid(), %failure, "a process failed");
    }
    // All that the process held is gone when others hear of its end: files, ports, promises.
    discard(&pid, process);
    discard(&pid, cx);
    discard_events(&pid, batch);
    drop(end);
    pid.clock().end(1);
}

/// Refuses what comes from now on, and tells that the process has ended.
struct End<P: Process>(Pid<P>);

impl<P: Process> Drop for End<P> {
    fn drop(&mut self) {
        let pid = &self.0;
        discard_events(pid, pid.shared.mailbox.close());
        pid.node().forget(pid.upid());
        pid.shared.ended();
    }
}

fn discard_events<P: Process>(pid: &Pid<P>, events: VecDeque<Event<P>>) {
    for event in events {
        discard(pid, event);
        pid.clock().end(1);
    }
}

/// Drops what belongs to somebody else, and may panic in it.
fn discard<P: Process, T>(pid: &Pid<P>, value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        let panic = panic::text(&*panic);
        error!(pid = %pid.upid(), panic, "something that an ended process held panicked when it was dropped");
    }
}

fn next<P: Process>(pid: &Pid<P>, batch: &mut VecDeque<Event<P>>, cx: &Context<P>) -> Option<Event<P>> {
    if cx.ending.is_some() {
        return None;
    }
    if pid.shared.mailbox.ends_at_once() {
        // Stands for the event that called for it, wherever that is in the queue.
        pid.clock().begin();
        return Some(Event::Terminate);
    }
    batch.pop_front()
}

/// Runs one handler; a panic in it ends this process and no other.
fn guard<P: Process>(cx: &mut Context<P>, f: impl FnOnce(&mut Context<P>)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| f(cx))) {
        cx.fail(format!("it panicked: {}", panic::text(&*panic)));
    }
}
