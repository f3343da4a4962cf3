//! The thread that fires the timers of a running clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::error;

use super::{Reading, Shared};
use crate::panic;

/// Starts the thread; it ends once the last handle on the clock is gone.
pub(super) fn start(shared: Arc<Shared>) {
    let thread = std::thread::Builder::new().name("clock".into());
    thread.spawn(move || drive(&shared)).expect("the system refuses to start a thread for the clock");
}

fn drive(shared: &Shared) {
    let mut state = shared.state.lock();
    while !state.closed {
        let next = state.timers.next_due();
        match (state.reading, next) {
            (Reading::Running(..), Some(due)) => {
                let now = shared.now(state.reading);
                if due > now {
                    shared.changed.wait_for(&mut state, due - now);
                    continue;
                }
                let callbacks = state.timers.take_due(now);
                // A clock that is paused from now on does not settle before these have fired.
                let pieces = callbacks.len();
                shared.begin(pieces);
                drop(state);
                for callback in callbacks {
                    // All other timers hang on this thread.
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(callback)) {
                        error!("the callback of a timer panicked: {}", panic::text(&*panic));
                    }
                }
                shared.end(pieces);
                state = shared.state.lock();
            }
            _ => shared.changed.wait(&mut state),
        }
    }
}
