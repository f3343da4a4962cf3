//! Processor time.

use nix::time::{ClockId, clock_gettime};

/// Runs something and tells how many seconds of processor time this took.
pub(crate) fn cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = now();
    let done = work();
    (done, now() - begun)
}

fn now() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every process has this clock");
    time.tv_sec() as f64 + time.tv_nsec() as f64 * 1e-9
}
