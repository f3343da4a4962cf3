//! What a process does with its turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::error;

use crate::mailbox::{Drive, Turn};
use crate::node::Running;
use crate::pid::Shared;
use crate::runtime::{Runtime, ticks};
use crate::{Context, Process, panic};

/// So many messages at most are handled before others have their turn.
const MESSAGES_PER_TURN_MAX: u32 = 128;

/// What only who runs a process touches. The process is dropped before its context, which tells others
/// that it has ended.
pub(crate) struct Body<P> {
    pub(crate) process: P,
    pub(crate) cx: Context<P>,
}

impl<P: Process> Body<P> {
    pub(crate) fn new(process: P, cx: Context<P>) -> Self {
        Self { process, cx }
    }
}

/// What comes after the messages that were handled.
enum Then {
    Rest,
    /// There may be more, but others have their turn first.
    Yield,
    /// So many pieces of work are to be ended on the clock when the process has: before that, nothing is settled.
    End(usize),
}

impl<P: Process> Drive<Body<P>> for Shared {
    type Place = Arc<Runtime>;

    fn run(mut turn: Turn<Self, Body<P>>) -> Option<Turn<Self, Body<P>>> {
        let mut messages = MESSAGES_PER_TURN_MAX;
        let began = ticks();
        turn.cell().note_run(began);
        loop {
            let then = handle(&mut turn, &mut messages);
            let took = ticks().wrapping_sub(began);
            if took > 0 && matches!(then, Then::Yield | Then::Rest) {
                turn.cell().note_busy(took);
            }
            match then {
                Then::Yield => {
                    turn.cell().note_ready();
                    return Some(turn);
                }
                Then::End(pieces) => {
                    finish(turn, true, pieces);
                    return None;
                }
                Then::Rest => match turn.rest() {
                    Ok(()) => return None,
                    Err(again) => turn = again,
                },
            }
        }
    }

    fn end(turn: Turn<Self, Body<P>>) {
        finish(turn, false, 0);
    }

    fn place(&self) -> &Arc<Runtime> {
        self.node.runtime()
    }
}

/// Handles what waits. A panic in a handler ends this process and no other.
fn handle<P: Process>(turn: &mut Turn<Shared, Body<P>>, messages: &mut u32) -> Then {
    let (mut inbox, body) = turn.parts();
    let cell = inbox.cell();
    let Some(body) = body else { return Then::End(0) };
    let tracks = cell.node.tracks();
    let _running = Running::enter(&cell.node, cell);
    let handled = catch_unwind(AssertUnwindSafe(|| {
        if body.cx.is_new() {
            body.cx.set_initialized();
            body.process.initialize(&mut body.cx);
            cell.set_initialized();
            // `Node::start` began a piece of work for it.
            if body.cx.is_ending() {
                return Then::End(1);
            }
            cell.node.clock().end(1);
        }
        loop {
            if cell.ends_at_once() {
                return Then::End(0);
            }
            if *messages == 0 {
                return Then::Yield;
            }
            let Some(message) = inbox.next() else { return Then::Rest };
            *messages -= 1;
            message.call(body);
            if body.cx.is_ending() {
                return Then::End(1);
            }
            if tracks {
                cell.node.clock().end(1);
            }
        }
    }));
    handled.unwrap_or_else(|panic| {
        let text = panic::text(&*panic);
        cell.node.runtime().panicked(Some(cell.upid()), text);
        body.cx.panicked(text);
        Then::End(1)
    })
}

/// Ends a process: all that it held is gone when others hear of it. So many pieces of its work have not been
/// ended on the clock.
fn finish<P: Process>(mut turn: Turn<Shared, Body<P>>, finalizes: bool, pieces: usize) {
    let (mut inbox, slot) = turn.parts();
    let cell = inbox.cell();
    let clock = cell.node.tracks().then(|| cell.node.clock().clone());
    if let Some(clock) = &clock {
        clock.begin();
    }
    let mut pending = 1 + pieces;
    if let Some(Body { process, cx }) = slot {
        // A process that is not to run any more may not have been initialized.
        pending += usize::from(cx.is_new());
        if finalizes
            && !cell.node.is_abandoned()
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| process.finalize(cx)))
        {
            let panic = panic::text(&*panic);
            match cx.exit() {
                None => cx.panicked(panic),
                // The first cause is the one to tell.
                Some(_) => error!(pid = %cell.upid(), panic, "a process that failed panicked as it ended"),
            }
        }
        if let Some(failure) = cx.exit() {
            error!(pid = %cell.upid(), %failure, "a process failed");
        }
    }
    let log = |panic: Box<dyn std::any::Any + Send>| {
        let panic = panic::text(&*panic);
        error!(pid = %cell.upid(), panic, "something that an ended process held panicked when it was dropped");
    };
    pending += inbox.close(log);
    let body = slot.take();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(body))) {
        log(panic);
    }
    drop(turn);
    if let Some(clock) = clock {
        clock.end(pending);
    }
}
