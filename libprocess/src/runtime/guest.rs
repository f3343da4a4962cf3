//! Threads that are no workers, and run a process themselves instead of handing it to one.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::pool::Pool;
use super::{Runtime, Work, worker};

/// A thread as the monitor sees it.
#[derive(Default)]
pub(super) struct Guest {
    /// How many times it has run something.
    pub(super) runs: AtomicU64,
    /// The identity of what it runs; 0 if that is nothing.
    pub(super) running: AtomicUsize,
}

thread_local! {
    static GUEST: OnceCell<Arc<Guest>> = const { OnceCell::new() };
}

/// Has something run at once on this thread; gives it back where that cannot be: on a worker, or while
/// the thread runs something already.
pub(super) fn run(pool: &Pool, runtime: &Runtime, work: Work) -> Result<(), Work> {
    if worker::is_one() {
        return Err(work);
    }
    GUEST.with(|guest| {
        let guest = guest.get_or_init(|| pool.monitor.welcome());
        if guest.running.load(Ordering::Relaxed) != 0 {
            return Err(work);
        }
        guest.running.store(work.identity(), Ordering::Relaxed);
        guest.runs.fetch_add(1, Ordering::Relaxed);
        pool.monitor.wake();
        let _entered = runtime.tokio.enter();
        let more = work.run();
        guest.running.store(0, Ordering::Relaxed);
        if let Some(more) = more {
            pool.inject(more);
        }
        Ok(())
    })
}
