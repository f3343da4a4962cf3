//! Who gets into the mailbox of a process with a bound.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Bound, Policy};
use crate::runner::Body;

/// The two ways to hold a bound.
pub(super) enum Gate<P> {
    /// What waits holds a place each.
    Places(Places),
    /// What waits is here, and the mailbox holds a token for each.
    Recent(Arc<Recent<P>>),
}

impl<P> Gate<P> {
    pub(super) fn new(bound: Bound) -> Self {
        let waits = match bound.policy {
            Policy::Wait => true,
            Policy::Refuse => false,
            Policy::DropOldest => return Self::Recent(Arc::new(Recent::new(bound.waiting_max))),
        };
        let places = Arc::new(Semaphore::new(bound.waiting_max.min(Semaphore::MAX_PERMITS)));
        Self::Places(Places { places, waits })
    }
}

/// Places for what waits.
pub(super) struct Places {
    places: Arc<Semaphore>,
    waits: bool,
}

/// A place that is taken, until this is dropped.
pub(super) struct Place(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Places {
    pub(super) fn take(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Place)
    }

    /// Waits for a place, if that is what one does here.
    pub(super) async fn wait(&self) -> Option<Place> {
        if !self.waits {
            return self.take();
        }
        // Nobody closes it.
        Arc::clone(&self.places).acquire_owned().await.ok().map(Place)
    }
}

/// Something for a process to do.
pub(super) type Job<P> = Box<dyn FnOnce(&mut Body<P>) + Send>;

/// What waits, oldest first, without what was too much. There is always a token on its way for each.
pub(super) struct Recent<P> {
    jobs: Mutex<VecDeque<Job<P>>>,
    waiting_max: usize,
}

impl<P> Recent<P> {
    fn new(waiting_max: usize) -> Self {
        Self { jobs: Mutex::default(), waiting_max }
    }

    /// Adds a job.
    pub(super) fn push(self: &Arc<Self>, job: Job<P>) -> Pushed<P> {
        let mut jobs = self.jobs.lock();
        let oldest = if jobs.len() >= self.waiting_max { jobs.pop_front() } else { None };
        jobs.push_back(job);
        match oldest {
            Some(oldest) => Pushed::Instead(oldest),
            None => Pushed::With(Token { recent: Arc::clone(self), spent: false }),
        }
    }

    fn next(&self) -> Option<Job<P>> {
        self.jobs.lock().pop_front()
    }
}

/// What came of adding a job.
pub(super) enum Pushed<P> {
    /// A token for it must get into the mailbox.
    With(Token<P>),
    /// It took the place of this one, and its token.
    Instead(Job<P>),
}

/// The right to run the oldest job; dropped unspent, it takes that along.
pub(super) struct Token<P> {
    recent: Arc<Recent<P>>,
    spent: bool,
}

impl<P> Token<P> {
    pub(super) fn spend(mut self) -> Option<Job<P>> {
        self.spent = true;
        self.recent.next()
    }
}

impl<P> Drop for Token<P> {
    fn drop(&mut self) {
        if !self.spent {
            drop(self.recent.next());
        }
    }
}
