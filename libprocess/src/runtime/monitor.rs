//! The thread that watches for handlers that take long, and keeps the coarse time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::Thread;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::warn;

use super::FUTURE;
use super::guest::Guest;
use super::pool::Pool;
use crate::Upid;
use crate::node::WeakNode;

/// How long a tick is. Handling times are counted in them: a run that a tick falls into gets one.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// The monitor sleeps when all workers have slept for so many ticks.
const IDLE_TICKS: u32 = 100;
/// A handler that has run for so many ticks is reported.
const SLOW_TICKS: u32 = 1000;

static TICKS: AtomicU64 = AtomicU64::new(0);

/// How many ticks have passed while any worker was awake.
#[inline]
pub(crate) fn ticks() -> u64 {
    TICKS.load(Ordering::Relaxed)
}

#[derive(Default)]
pub(super) struct Monitor {
    thread: OnceLock<Thread>,
    sleeps: AtomicBool,
    /// To know whose handler takes long.
    nodes: Mutex<Vec<WeakNode>>,
    guests: Mutex<Vec<(Weak<Guest>, Seen)>>,
}

impl Monitor {
    /// Looks for slow handlers among the processes of a node, too.
    pub(super) fn watch(&self, node: WeakNode) {
        let mut nodes = self.nodes.lock();
        nodes.retain(|node| node.upgrade().is_some());
        nodes.push(node);
    }

    /// Watches a thread that is no worker, too, until it ends.
    pub(super) fn welcome(&self) -> Arc<Guest> {
        let guest = Arc::new(Guest::default());
        self.guests.lock().push((Arc::downgrade(&guest), Seen::default()));
        guest
    }

    /// Looks at the threads that are no workers; says whether one of them runs something, and adds what it
    /// is if that is to be reported.
    fn look_at_guests(&self, slow: &mut Vec<usize>) -> bool {
        let mut runs_something = false;
        self.guests.lock().retain_mut(|(guest, seen)| {
            let Some(guest) = guest.upgrade() else { return false };
            let running = guest.running.load(Ordering::Relaxed);
            runs_something |= running != 0;
            if seen.look(guest.runs.load(Ordering::Relaxed), running) == SLOW_TICKS {
                slow.push(running);
            }
            true
        });
        runs_something
    }

    /// The process that has this identity.
    fn process(&self, identity: usize) -> Option<Upid> {
        let nodes: Vec<_> = self.nodes.lock().iter().filter_map(WeakNode::upgrade).collect();
        let process = nodes.iter().find_map(|node| node.process_with(identity))?;
        Some(process.shared().upid().clone())
    }

    /// Says which thread to wake.
    pub(super) fn set_thread(&self, thread: Thread) {
        let _ = self.thread.set(thread);
    }

    /// Has it watch again, when a worker wakes up.
    pub(super) fn wake(&self) {
        if self.sleeps.load(Ordering::SeqCst)
            && self.sleeps.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

/// What the thread of the monitor does.
pub(super) fn watch(pool: &'static Pool) {
    let mut seen: Vec<Seen> = pool.workers.iter().map(|_| Seen::default()).collect();
    let mut idle = 0;
    let mut slow = Vec::new();
    loop {
        std::thread::park_timeout(TICK);
        TICKS.fetch_add(1, Ordering::Relaxed);
        for (worker, seen) in pool.workers.iter().zip(&mut seen) {
            let running = worker.running.load(Ordering::Relaxed);
            let ticks = seen.look(worker.runs.load(Ordering::Relaxed), running);
            if ticks == 0 {
                continue;
            }
            if let Some(work) = worker.next.steal() {
                pool.inject(work);
            } else if !worker.stealer.is_empty() {
                pool.wake_one();
            }
            if ticks == SLOW_TICKS {
                slow.push(running);
            }
        }
        let guests_run = pool.monitor.look_at_guests(&mut slow);
        slow.drain(..).for_each(|running| report(pool, running));
        idle = if guests_run || pool.idle.any_awake() { 0 } else { idle + 1 };
        if idle > IDLE_TICKS {
            sleep(pool);
            idle = 0;
        }
    }
}

fn report(pool: &Pool, running: usize) {
    let took = TICK * SLOW_TICKS;
    match pool.monitor.process(running) {
        Some(process) => warn!(%process, ?took, "a handler takes long; it holds up a thread"),
        None if running == FUTURE => warn!(?took, "a background future blocks; it holds up a thread"),
        None => warn!(?took, "the handler of a process that is gone takes long; it holds up a thread"),
    }
}

fn sleep(pool: &Pool) {
    pool.monitor.sleeps.store(true, Ordering::SeqCst);
    while pool.monitor.sleeps.load(Ordering::SeqCst) && !pool.idle.any_awake() {
        std::thread::park();
    }
    pool.monitor.sleeps.store(false, Ordering::SeqCst);
}

#[derive(Default)]
struct Seen {
    runs: u64,
    running: usize,
    ticks: u32,
}

impl Seen {
    /// For how many whole ticks one run has gone on.
    fn look(&mut self, runs: u64, running: usize) -> u32 {
        let goes_on = running != 0 && self.runs == runs && self.running == running;
        *self = Self { runs, running, ticks: if goes_on { self.ticks + 1 } else { 0 } };
        self.ticks
    }
}
