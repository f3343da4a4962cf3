//! One worker thread.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Work;
use super::pool::{Pool, Remote};
use crate::mailbox::slot;

/// So often in a row the slot goes before the queue.
const SLOT_ROW_MAX: u32 = 3;
/// After so many runs what other threads added goes before the worker's own.
const RUNS_PER_LOOK_OUTSIDE: u64 = 61;
/// Of what a run adds to the queue, each so-manieth has another worker woken, if one sleeps.
const ADDED_PER_WAKE: u32 = 64;
/// A worker looks around so often before it sleeps: waking it costs more than that.
const SEARCHES: u32 = 3;
const SPINS_PER_SEARCH: u32 = 16;

pub(super) struct Worker {
    index: usize,
    queue: crossbeam_deque::Worker<Work>,
    next: slot::Owner<Work>,
    /// What the run at hand has added to the queue.
    added: Cell<u32>,
}

thread_local! {
    /// The worker that this thread is. A worker never ends.
    static WORKER: Cell<Option<&'static Worker>> = const { Cell::new(None) };
}

/// Whether this thread is a worker.
pub(super) fn is_one() -> bool {
    WORKER.get().is_some()
}

/// Has something run soon: next on this thread if that is a worker, else on any worker.
#[inline]
pub(super) fn schedule(pool: &'static Pool, work: Work) {
    match WORKER.get() {
        Some(worker) => worker.add(pool, work),
        None => pool.inject(work),
    }
}

/// Has something run when what waits on this thread has run.
pub(super) fn schedule_last(pool: &'static Pool, work: Work) {
    match WORKER.get() {
        Some(worker) => worker.enqueue(pool, work),
        None => pool.inject(work),
    }
}

impl Worker {
    pub(super) fn new(index: usize, queue: crossbeam_deque::Worker<Work>, next: slot::Owner<Work>) -> Self {
        Self { index, queue, next, added: Cell::new(0) }
    }

    /// Runs what there is, for ever.
    pub(super) fn run(self, pool: &'static Pool) {
        let worker: &'static Self = Box::leak(Box::new(self));
        WORKER.set(Some(worker));
        let remote: &'static Remote = &pool.workers[worker.index];
        remote.introduce();
        let mut row = Row::default();
        let mut found = None;
        loop {
            let work = found.take().unwrap_or_else(|| worker.find(pool, remote));
            found = worker.run_in_runtime(pool, remote, work, &mut row);
        }
    }

    /// Adds work of this thread: it runs next, and what would have run next is added to the queue.
    #[inline]
    fn add(&self, pool: &Pool, work: Work) {
        let Err(work) = self.next.put(work) else { return };
        let before = self.next.take();
        match self.next.put(work) {
            Ok(()) => {}
            // A thief is in the slot.
            Err(work) => self.enqueue(pool, work),
        }
        if let Some(before) = before {
            self.enqueue(pool, before);
        }
    }

    fn enqueue(&self, pool: &Pool, work: Work) {
        self.queue.push(work);
        let added = self.added.get();
        if added.is_multiple_of(ADDED_PER_WAKE) {
            pool.wake_one();
        }
        self.added.set(added.wrapping_add(1));
    }

    /// Runs one thing after the other while they belong to one tokio runtime; gives the first one of
    /// another.
    fn run_in_runtime(&self, pool: &Pool, remote: &Remote, first: Work, row: &mut Row) -> Option<Work> {
        let runtime = Arc::clone(first.runtime());
        let _entered = runtime.tokio.enter();
        let mut work = first;
        loop {
            self.added.set(0);
            remote.running.store(work.identity(), Ordering::Relaxed);
            let runs = remote.runs.load(Ordering::Relaxed) + 1;
            remote.runs.store(runs, Ordering::Relaxed);
            let more = work.run();
            remote.running.store(0, Ordering::Relaxed);
            if let Some(more) = more {
                self.enqueue_last(pool, more);
            }
            match self.next_ready(pool, runs, row) {
                Some(next) if Arc::ptr_eq(next.runtime(), &runtime) => work = next,
                other => return other,
            }
        }
    }

    /// What was interrupted goes behind all that waits; others may have it if there is more than this.
    fn enqueue_last(&self, pool: &Pool, work: Work) {
        let alone = self.queue.is_empty();
        self.queue.push(work);
        if !alone {
            pool.wake_one();
        }
    }

    #[inline]
    fn next_ready(&self, pool: &Pool, runs: u64, row: &mut Row) -> Option<Work> {
        if runs.is_multiple_of(RUNS_PER_LOOK_OUTSIDE)
            && let Some(work) = pool.injector.steal().success()
        {
            return Some(work);
        }
        if row.length < SLOT_ROW_MAX
            && let Some(work) = self.next.take()
        {
            row.length += 1;
            return Some(work);
        }
        row.length = 0;
        self.queue.pop().or_else(|| self.next.take())
    }

    /// Waits for something to do. The worker has nothing itself.
    #[cold]
    fn find(&self, pool: &Pool, remote: &Remote) -> Work {
        let mut searches = pool.idle.start_search();
        loop {
            if searches {
                for _ in 0..SEARCHES {
                    if let Some(work) = pool.steal(self.index, &self.queue) {
                        if pool.idle.end_search() {
                            pool.wake_one();
                        }
                        return work;
                    }
                    for _ in 0..SPINS_PER_SEARCH {
                        std::hint::spin_loop();
                    }
                }
            }
            pool.idle.sleep(self.index, searches);
            if pool.has_work() {
                // Maybe this worker.
                pool.wake_one();
            }
            remote.sleep();
            // Who wakes a worker enters it as searching.
            searches = true;
        }
    }
}

/// How often in a row the slot went before the queue.
#[derive(Default)]
struct Row {
    length: u32,
}
