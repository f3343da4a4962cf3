//! Everything that can run, of all nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libprocess::Upid;
use libprocess::runtime::{Runnable, Scheduler};
use parking_lot::Mutex;

use crate::NodeId;

/// The one run queue.
#[derive(Default)]
pub(crate) struct Ready {
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    /// In no order: what is next is drawn.
    ready: Vec<(NodeId, Runnable)>,
    /// What belonged to nodes that have crashed.
    dead: Vec<Runnable>,
    panics: Vec<String>,
}

impl Ready {
    /// How many can run.
    pub(crate) fn len(&self) -> usize {
        self.queues.lock().ready.len()
    }

    /// Takes one out.
    pub(crate) fn take(&self, index: usize) -> (NodeId, Runnable) {
        self.queues.lock().ready.swap_remove(index)
    }

    /// Has nothing of a node run any more.
    fn remove(&self, node: NodeId) {
        let queues = &mut *self.queues.lock();
        let (gone, ready): (Vec<_>, Vec<_>) = queues.ready.drain(..).partition(|(of, _)| *of == node);
        queues.ready = ready;
        queues.dead.extend(gone.into_iter().map(|(_, runnable)| runnable));
    }

    /// Drops what nodes that have crashed left, and what that sets off.
    pub(crate) fn bury(&self) {
        loop {
            let dead = std::mem::take(&mut self.queues.lock().dead);
            if dead.is_empty() {
                return;
            }
            drop(dead); // Without the lock: each may schedule others.
        }
    }

    /// The panics since this was asked last.
    pub(crate) fn panics(&self) -> Vec<String> {
        std::mem::take(&mut self.queues.lock().panics)
    }
}

/// The seam between a node, from a start to a crash, and the run queue.
pub(crate) struct Turns {
    node: NodeId,
    ready: Arc<Ready>,
    dead: AtomicBool,
}

impl Turns {
    pub(crate) fn new(node: NodeId, ready: Arc<Ready>) -> Self {
        Self { node, ready, dead: AtomicBool::new(false) }
    }

    /// Has nothing run any more.
    pub(crate) fn end(&self) {
        self.dead.store(true, Ordering::SeqCst);
        self.ready.remove(self.node);
    }
}

impl Scheduler for Turns {
    fn schedule(&self, runnable: Runnable) {
        let queues = &mut *self.ready.queues.lock();
        if self.dead.load(Ordering::SeqCst) {
            queues.dead.push(runnable);
        } else {
            queues.ready.push((self.node, runnable));
        }
    }

    fn panicked(&self, process: Option<&Upid>, text: &str) {
        let panic = match process {
            Some(process) => format!("the process {process} panicked: {text}"),
            None => format!("a background future panicked: {text}"),
        };
        self.ready.queues.lock().panics.push(panic);
    }
}
