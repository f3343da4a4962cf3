//! The thread that fires the timers of a running clock.

use std::sync::Arc;

use super::{Reading, Shared};

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
                drop(state);
                callbacks.into_iter().for_each(|callback| callback());
                state = shared.state.lock();
            }
            _ => shared.changed.wait(&mut state),
        }
    }
}
