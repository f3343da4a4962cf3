//! Which workers sleep, and who is to wake one.

use super::sync::{AtomicUsize, Mutex, Ordering, fence};

/// Counts the workers that sleep and those that search, so that who adds work knows whether to wake one.
///
/// Work is added first and the state is read then; a worker that goes to sleep enters that in the state
/// first and looks for work then. So one of the two sees the other.
pub(super) struct Idle {
    /// How many are awake, and above that how many of them search.
    state: AtomicUsize,
    sleepers: Mutex<Vec<usize>>,
    workers: usize,
}

const SEARCHING: usize = 1 << 16;

fn awake(state: usize) -> usize {
    state & (SEARCHING - 1)
}

fn searching(state: usize) -> usize {
    state / SEARCHING
}

impl Idle {
    /// All workers are awake, and none searches.
    pub(super) fn new(workers: usize) -> Self {
        Self { state: AtomicUsize::new(workers), sleepers: Mutex::new(Vec::with_capacity(workers)), workers }
    }

    /// The worker that is to be woken since work was added: none if all are awake, or one searches, who
    /// will find it. The worker that is returned counts as searching.
    pub(super) fn worker_to_wake(&self) -> Option<usize> {
        fence(Ordering::SeqCst);
        let wanted = |state| searching(state) == 0 && awake(state) < self.workers;
        if !wanted(self.state.load(Ordering::SeqCst)) {
            return None;
        }
        let mut sleepers = self.sleepers.lock();
        if !wanted(self.state.load(Ordering::SeqCst)) {
            return None;
        }
        let worker = sleepers.pop()?;
        self.state.fetch_add(1 + SEARCHING, Ordering::SeqCst);
        Some(worker)
    }

    /// Whether the worker may search: half of them at most do.
    pub(super) fn start_search(&self) -> bool {
        let state = self.state.load(Ordering::SeqCst);
        if 2 * searching(state) >= self.workers {
            return false;
        }
        self.state.fetch_add(SEARCHING, Ordering::SeqCst);
        true
    }

    /// Says whether the last one that searched has found something: then another one is to be woken.
    pub(super) fn end_search(&self) -> bool {
        searching(self.state.fetch_sub(SEARCHING, Ordering::SeqCst)) == 1
    }

    /// Enters a worker as sleeping. It must look for work once more before it sleeps.
    pub(super) fn sleep(&self, worker: usize, searches: bool) {
        let mut sleepers = self.sleepers.lock();
        self.state.fetch_sub(if searches { 1 + SEARCHING } else { 1 }, Ordering::SeqCst);
        sleepers.push(worker);
        drop(sleepers);
        fence(Ordering::SeqCst);
    }

    /// Whether any worker is awake.
    pub(super) fn any_awake(&self) -> bool {
        awake(self.state.load(Ordering::SeqCst)) > 0
    }
}
