//! What an actor is.

use crate::{Context, Upid};

/// An actor: state that only it touches, and what it does when events arrive.
///
/// One event is handled at a time, in the order in which each sender sent them. A handler must not
/// block and must not wait: what takes time is a future given to [`Context::run`], whose result
/// comes back as another event.
///
/// A process lives until it [terminates](Context::terminate) itself, somebody
/// [terminates](crate::Pid::terminate) it, or its node shuts down; that nobody holds its
/// [`Pid`](crate::Pid) any more does not end it. A panic in a handler ends the process that
/// panicked, and no other.
pub trait Process: Sized + Send + 'static {
    /// What generated ids begin with: `slave` gives `slave(1)`, `slave(2)` and so on.
    const ID_PREFIX: &'static str = "process";

    /// Runs before the first event: the place to install handlers, routes and links.
    fn initialize(&mut self, _cx: &mut Context<Self>) {}

    /// A process that this one linked to is gone: it ended, or the connection to it broke. Called
    /// once for each link that was set.
    fn exited(&mut self, _cx: &mut Context<Self>, _pid: &Upid) {}

    /// Somebody [asks](crate::Pid::shutdown) the process to end, as a [supervisor](crate::supervision) does that
    /// ends or begins anew: what waited before that was handled. Unless it says otherwise it
    /// [terminates](Context::terminate) now. One that has something to finish first begins that here, and
    /// terminates when it is done; a supervisor ends it when it takes too long.
    fn shutdown(&mut self, cx: &mut Context<Self>) {
        cx.terminate();
    }

    /// Runs after the last event, before those who linked are told.
    fn finalize(&mut self, _cx: &mut Context<Self>) {}
}
