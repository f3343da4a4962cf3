//! The seam for a run queue of one's own.

use std::fmt;
use std::sync::Arc;

use super::Work;
use crate::Upid;

/// A run queue of a node, in place of the worker threads of the program.
///
/// It gets everything that has something to do, and decides what runs when, and on which thread: a
/// simulator draws the order from a seed, and runs all of it on one thread. Work that
/// [may block](crate::Node::run_blocking) is among it.
///
/// ```
/// use std::collections::VecDeque;
/// use std::sync::{Arc, Mutex};
///
/// use libprocess::runtime::{Runnable, Scheduler};
/// use libprocess::{Node, Process};
///
/// #[derive(Default)]
/// struct LastFirst(Mutex<VecDeque<Runnable>>);
///
/// impl Scheduler for LastFirst {
///     fn schedule(&self, runnable: Runnable) {
///         self.0.lock().unwrap().push_back(runnable);
///     }
/// }
///
/// struct Greeter;
///
/// impl Process for Greeter {}
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let queue = Arc::new(LastFirst::default());
/// let node = Node::builder().scheduler(queue.clone()).start().await?;
/// let mut answer = node.spawn(Greeter).ask(|_greeter, _cx| "hello");
/// loop {
///     let next = queue.0.lock().unwrap().pop_back();
///     match next {
///         Some(runnable) => runnable.run(),
///         None => break,
///     }
/// }
/// assert_eq!(answer.await, Ok("hello"));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub trait Scheduler: Send + Sync + 'static {
    /// Takes something that can run. It is called from any thread, also while something
    /// [runs](Runnable::run).
    fn schedule(&self, runnable: Runnable);

    /// A handler of a process has panicked, or a future in the background has. That was its end, and is in
    /// the log; a test that has assertions in its processes wants to fail there, too.
    fn panicked(&self, process: Option<&Upid>, text: &str) {
        let _ = (process, text);
    }
}

/// A process with events to handle, or a future that can go on.
///
/// Dropping it instead of running it ends the process, or drops the future.
#[must_use = "a process or a future ends when this is dropped"]
pub struct Runnable(Work);

impl Runnable {
    pub(super) fn new(work: Work) -> Self {
        Self(work)
    }

    /// Has the process handle events, up to a bound, or polls the future. When there is more to do, the
    /// scheduler gets it again.
    pub fn run(self) {
        let runtime = Arc::clone(self.0.runtime());
        let _entered = runtime.tokio.enter();
        if let Some(more) = self.0.run() {
            runtime.schedule(more);
        }
    }
}

impl fmt::Debug for Runnable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runnable").finish_non_exhaustive()
    }
}
