//! The worker threads of the program.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::Thread;

use crossbeam_deque::{Injector, Steal, Stealer};
use parking_lot::Mutex;
use tracing::warn;

use super::idle::Idle;
use super::monitor::Monitor;
use super::worker::Worker;
use super::{Work, monitor};
use crate::mailbox::slot;

/// Overrides how many workers there are: as for C++ libprocess.
const WORKERS_VARIABLE: &str = "LIBPROCESS_NUM_WORKER_THREADS";
const WORKERS_MAX: usize = 1024;

/// What all workers share.
pub(super) struct Pool {
    /// What other threads add, and what waits behind a slow handler.
    pub(super) injector: Injector<Work>,
    pub(super) workers: Box<[Remote]>,
    pub(super) idle: Idle,
    pub(super) monitor: Monitor,
}

/// A worker as the others see it; in lines of the processor's cache of its own.
#[repr(align(128))]
pub(super) struct Remote {
    pub(super) stealer: Stealer<Work>,
    pub(super) next: slot::Thief<Work>,
    thread: OnceLock<Thread>,
    woken: AtomicBool,
    /// How many times it has run something.
    pub(super) runs: AtomicU64,
    /// The identity of what it runs; 0 if that is nothing.
    pub(super) running: AtomicUsize,
}

/// The pool; its threads start when it is asked for first.
///
/// # Errors
///
/// The system refuses to start a single worker, or the monitor. A later call tries again.
pub(super) fn get() -> io::Result<&'static Pool> {
    static POOL: OnceLock<&'static Pool> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = STARTING.lock();
    if let Some(pool) = POOL.get() {
        return Ok(pool);
    }
    let started = start(workers())?;
    Ok(POOL.get_or_init(|| started))
}

/// A thread that has nothing to do yet: it ends when this is dropped.
type Hired<T> = std::sync::mpsc::Sender<T>;

fn hire<T: Send + 'static>(
    name: String,
    run: impl FnOnce(T) + Send + 'static,
) -> io::Result<(Hired<T>, Thread)> {
    let (hired, work) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name(name);
    let thread = thread.spawn(move || {
        if let Ok(work) = work.recv() {
            run(work);
        }
    })?;
    Ok((hired, thread.thread().clone()))
}

fn start(wanted: usize) -> io::Result<&'static Pool> {
    let (monitor, thread) = hire("monitor".to_owned(), monitor::watch)?;
    let mut hands = Vec::new();
    for index in 0..wanted {
        let run = |(worker, pool): (Worker, &'static Pool)| worker.run(pool);
        match hire(format!("worker-{index}"), run) {
            Ok((hand, _)) => hands.push(hand),
            Err(error) if hands.is_empty() => return Err(error),
            Err(error) => {
                warn!(wanted, started = hands.len(), %error, "going on with fewer workers than were wanted");
                break;
            }
        }
    }
    let (pool, workers) = Pool::new(hands.len());
    pool.monitor.set_thread(thread);
    // It has threads, and they never end.
    let pool: &'static Pool = Box::leak(Box::new(pool));
    for (hand, worker) in hands.into_iter().zip(workers) {
        // Nobody is gone: each waits for this.
        let _ = hand.send((worker, pool));
    }
    let _ = monitor.send(pool);
    Ok(pool)
}

fn workers() -> usize {
    let wanted = std::env::var(WORKERS_VARIABLE).ok().and_then(|text| text.parse().ok());
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    wanted.filter(|workers| *workers > 0).unwrap_or_else(cores).min(WORKERS_MAX)
}

impl Pool {
    fn new(count: usize) -> (Self, Vec<Worker>) {
        let mut workers = Vec::with_capacity(count);
        let mut remotes = Vec::with_capacity(count);
        for index in 0..count {
            let queue = crossbeam_deque::Worker::new_fifo();
            let (owner, thief) = slot::slot();
            remotes.push(Remote {
                stealer: queue.stealer(),
                next: thief,
                thread: OnceLock::new(),
                woken: AtomicBool::new(false),
                runs: AtomicU64::new(0),
                running: AtomicUsize::new(0),
            });
            workers.push(Worker::new(index, queue, owner));
        }
        let pool = Self {
            injector: Injector::new(),
            workers: remotes.into(),
            idle: Idle::new(count),
            monitor: Monitor::default(),
        };
        (pool, workers)
    }

    /// Adds work from outside of the workers.
    pub(super) fn inject(&self, work: Work) {
        self.injector.push(work);
        self.wake_one();
    }

    /// Wakes a worker if one sleeps that would not find by itself what was added.
    pub(super) fn wake_one(&self) {
        if let Some(index) = self.idle.worker_to_wake() {
            self.monitor.wake();
            let worker = &self.workers[index];
            worker.woken.store(true, Ordering::Release);
            if let Some(thread) = worker.thread.get() {
                thread.unpark();
            }
        }
    }

    /// Whether there is something that a worker could take.
    pub(super) fn has_work(&self) -> bool {
        !self.injector.is_empty() || self.workers.iter().any(|worker| !worker.stealer.is_empty())
    }

    /// Takes something from the other workers, beginning behind the one that asks, or what others added.
    pub(super) fn steal(&self, thief: usize, queue: &crossbeam_deque::Worker<Work>) -> Option<Work> {
        loop {
            let mut again = false;
            let others = (1..self.workers.len()).map(|step| (thief + step) % self.workers.len());
            for other in others {
                match self.workers[other].stealer.steal_batch_and_pop(queue) {
                    Steal::Success(work) => return Some(work),
                    Steal::Retry => again = true,
                    Steal::Empty => {}
                }
            }
            match self.injector.steal_batch_and_pop(queue) {
                Steal::Success(work) => return Some(work),
                Steal::Retry => again = true,
                Steal::Empty => {}
            }
            if !again {
                return None;
            }
        }
    }
}

impl Remote {
    /// To be called by the worker itself, before it sleeps for the first time.
    pub(super) fn introduce(&self) {
        let _ = self.thread.set(std::thread::current());
    }

    /// Sleeps until somebody wakes this worker.
    pub(super) fn sleep(&self) {
        while !self.woken.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }
}
