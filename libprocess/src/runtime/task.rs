//! Futures that run on the workers.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tracing::error;

use super::{Queue, Runtime, Work, worker};
use crate::panic;

/// The futures of a node that run: they end with it.
#[derive(Default)]
pub(crate) struct Tasks {
    running: Arc<Mutex<Running>>,
}

#[derive(Default)]
struct Running {
    tasks: HashMap<u64, async_task::Task<(), Arc<Runtime>>>,
    count: u64,
    closed: bool,
}

impl Tasks {
    /// Has a future run in the background. After [`Tasks::close`] it is dropped.
    pub(crate) fn spawn(&self, runtime: &Arc<Runtime>, future: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running.lock();
        if running.closed {
            drop(running); // Before the future, which may hold anything.
            return;
        }
        running.count += 1;
        let number = running.count;
        let entry = Entry { running: Arc::downgrade(&self.running), number };
        let future = async move {
            let _entry = entry;
            future.await;
        };
        let builder = async_task::Builder::new().metadata(Arc::clone(runtime));
        let (runnable, task) = builder.spawn(|_| future, schedule);
        running.tasks.insert(number, task);
        drop(running);
        runnable.schedule();
    }

    /// Drops all futures, as soon as none of them is being polled.
    pub(crate) fn close(&self) {
        let tasks = {
            let mut running = self.running.lock();
            running.closed = true;
            std::mem::take(&mut running.tasks)
        };
        // After the lock: each takes itself off the list. In the order in which they began, so that what
        // that sets off is the same in every run.
        let mut tasks: Vec<_> = tasks.into_iter().collect();
        tasks.sort_unstable_by_key(|(number, _)| *number);
        drop(tasks);
    }
}

/// Takes its future off the list when that ends.
struct Entry {
    running: Weak<Mutex<Running>>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(running) = self.running.upgrade() else { return };
        let task = running.lock().tasks.remove(&self.number);
        if let Some(task) = task {
            task.detach();
        }
    }
}

fn schedule(runnable: async_task::Runnable<Arc<Runtime>>) {
    match &runnable.metadata().queue {
        Queue::Pool(pool) => worker::schedule(pool, Work::Task(runnable)),
        Queue::Own(scheduler) => {
            let scheduler = Arc::clone(scheduler);
            scheduler.schedule(super::Runnable::new(Work::Task(runnable)));
        }
    }
}

/// Polls a future. A panic in it is its end.
pub(super) fn run(runnable: async_task::Runnable<Arc<Runtime>>) {
    let runtime = Arc::clone(runnable.metadata());
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| runnable.run())) {
        let text = panic::text(&*panic);
        error!("a background future panicked: {text}");
        runtime.panicked(None, text);
    }
}
