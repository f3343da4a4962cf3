//! The thread that watches for handlers that take long, and keeps the coarse time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use parking_lot::Mutex;
use tracing::warn;

use super::FUTURE;
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
}

impl Monitor {
    /// Looks for slow handlers among the processes of a node, too.
    pub(super) fn watch(&self, node: WeakNode) {
        let mut nodes = self.nodes.lock();
        nodes.retain(|node| node.upgrade().is_some());
        nodes.push(node);
    }

    /// The process that has this identity.
    fn process(&self, identity: usize) -> Option<Upid> {
        let nodes: Vec<_> = self.nodes.lock().iter().filter_map(WeakNode::upgrade).collect();
        let process = nodes.iter().find_map(|node| node.process_with(identity))?;
        Some(process.shared().upid().clone())
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

pub(super) fn start(pool: &'static Pool) {
    let thread = std::thread::Builder::new().name("monitor".into());
    let thread = thread.spawn(move || watch(pool)).expect("the system refuses to start a thread for actors");
    let _ = pool.monitor.thread.set(thread.thread().clone());
}

fn watch(pool: &'static Pool) {
    let mut seen: Vec<Seen> = pool.workers.iter().map(|_| Seen::default()).collect();
    let mut idle = 0;
    loop {
        std::thread::park_timeout(TICK);
        TICKS.fetch_add(1, Ordering::Relaxed);
        for (worker, seen) in pool.workers.iter().zip(&mut seen) {
            let runs = worker.runs.load(Ordering::Relaxed);
            let running = worker.running.load(Ordering::Relaxed);
            if running == 0 || seen.runs != runs || seen.running != running {
                *seen = Seen { runs, running, ticks: 0 };
                continue;
            }
            // One run, for longer than a tick.
            seen.ticks += 1;
            if let Some(work) = worker.next.steal() {
                pool.inject(work);
            } else if !worker.stealer.is_empty() {
                pool.wake_one();
            }
            if seen.ticks == SLOW_TICKS {
                report(pool, running);
            }
        }
        idle = if pool.idle.any_awake() { 0 } else { idle + 1 };
        if idle > IDLE_TICKS {
            sleep(pool);
            idle = 0;
        }
    }
}

fn report(pool: &Pool, running: usize) {
    let took = TICK * SLOW_TICKS;
    match pool.monitor.process(running) {
        Some(process) => warn!(%process, ?took, "a handler takes long; it holds up a worker"),
        None if running == FUTURE => warn!(?took, "a background future blocks; it holds up a worker"),
        None => warn!(?took, "the handler of a process that is gone takes long; it holds up a worker"),
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
