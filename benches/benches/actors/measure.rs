//! Wall time and processor time.

use std::time::Instant;

use nix::time::{ClockId, clock_gettime};

/// The processor time of this process so far, in nanoseconds, of all threads and in the kernel too.
pub(crate) fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every process has this clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

pub(crate) struct Stopwatch {
    begun: Instant,
    cpu_ns: u64,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { cpu_ns: cpu_ns(), begun: Instant::now() }
    }

    pub(crate) fn stop(self, operations: u64) -> Sample {
        let wall = self.begun.elapsed().as_nanos() as f64;
        let cpu = (cpu_ns() - self.cpu_ns) as f64;
        let each = |ns: f64| ns / operations.max(1) as f64;
        Sample { wall: each(wall), cpu: each(cpu), ..Sample::default() }
    }
}

/// What one operation took, in nanoseconds; what was not measured is no number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Default for Sample {
    fn default() -> Self {
        Self { wall: f64::NAN, cpu: f64::NAN, p50: f64::NAN, p99: f64::NAN }
    }
}

impl Sample {
    pub(crate) fn with_latencies(mut self, mut latencies: Vec<u32>) -> Self {
        latencies.sort_unstable();
        let quantile = |q: f64| {
            let at = (latencies.len() as f64 * q) as usize;
            latencies.get(at).map_or(f64::NAN, |ns| f64::from(*ns))
        };
        (self.p50, self.p99) = (quantile(0.5), quantile(0.99));
        self
    }

    /// The best of both, figure by figure.
    pub(crate) fn best(self, other: Self) -> Self {
        // `min` prefers a number to what is none.
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            p50: self.p50.min(other.p50),
            p99: self.p99.min(other.p99),
        }
    }
}
