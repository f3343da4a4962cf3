//! Who sleeps and who wakes whom, under all interleavings: no work waits while a worker sleeps.

use std::sync::Arc;

use loom::model::Builder;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;

use super::idle::Idle;

struct Pool {
    /// A run queue, as far as it matters here.
    queued: AtomicUsize,
    idle: Idle,
    woken: Vec<(Mutex<bool>, Condvar)>,
}

impl Pool {
    fn new(workers: usize) -> Arc<Self> {
        let woken = (0..workers).map(|_| (Mutex::new(false), Condvar::new())).collect();
        Arc::new(Self { queued: AtomicUsize::new(0), idle: Idle::new(workers), woken })
    }

    fn add(&self) {
        self.queued.fetch_add(1, Ordering::Release);
        self.wake_one();
    }

    fn wake_one(&self) {
        if let Some(worker) = self.idle.worker_to_wake() {
            let (woken, changed) = &self.woken[worker];
            *woken.lock().unwrap() = true;
            changed.notify_one();
        }
    }

    fn steal(&self) -> bool {
        let mut queued = self.queued.load(Ordering::Acquire);
        while queued > 0 {
            match self.queued.compare_exchange(queued, queued - 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => queued = now,
            }
        }
        false
    }

    /// As a worker does it; returns with one piece of work, and is busy with that for ever.
    fn find(&self, worker: usize) {
        let mut searches = self.idle.start_search();
        loop {
            if searches && self.steal() {
                if self.idle.end_search() {
                    self.wake_one();
                }
                return;
            }
            self.idle.sleep(worker, searches);
            if self.queued.load(Ordering::Acquire) > 0 {
                self.wake_one();
            }
            let (woken, changed) = &self.woken[worker];
            let mut guard = woken.lock().unwrap();
            while !std::mem::take(&mut *guard) {
                guard = changed.wait(guard).unwrap();
            }
            drop(guard);
            searches = true;
        }
    }
}

/// A worker that sleeps on while there is work hangs, which loom reports.
fn check(workers: usize, adders: usize) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(move || {
        let pool = Pool::new(workers);
        let mut threads = Vec::new();
        for worker in 0..workers {
            let pool = Arc::clone(&pool);
            threads.push(thread::spawn(move || pool.find(worker)));
        }
        let each = workers / adders;
        for _ in 1..adders {
            let pool = Arc::clone(&pool);
            threads.push(thread::spawn(move || (0..each).for_each(|_| pool.add())));
        }
        (0..each).for_each(|_| pool.add());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn models_one_worker_finds_what_is_added() {
    check(1, 1);
}

#[test]
fn models_two_workers_find_what_one_adds() {
    check(2, 1);
}

#[test]
fn models_two_workers_find_what_two_add() {
    check(2, 2);
}
