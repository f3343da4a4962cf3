//! What the benchmarks share: figures, their limits, and how both are printed.
//!
//! Each benchmark is one question, `cargo bench --bench NAME`. It ends with one line for each figure
//! that has a limit: `bar NAME FIGURE limit LIMIT ok`, or `short` where the limit is missed.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Which side of its limit a figure must be on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// The figure is a cost.
    AtMost(f64),
    /// The figure is an achievement.
    AtLeast(f64),
}

impl Limit {
    /// The line for a figure called `name`.
    ///
    /// ```
    /// use mesos_benches::Limit;
    ///
    /// assert_eq!(Limit::AtMost(1.5).bar("json/write", 1.2), "bar json/write 1.200 limit 1.500 ok");
    /// assert_eq!(Limit::AtLeast(100.0).bar("tasks", 90.0), "bar tasks 90.000 limit 100.000 short");
    /// ```
    pub fn bar(self, name: &str, figure: f64) -> String {
        let (limit, met) = match self {
            Self::AtMost(limit) => (limit, figure <= limit),
            Self::AtLeast(limit) => (limit, figure >= limit),
        };
        // A figure that is no number was not measured.
        let verdict = if met && figure.is_finite() { "ok" } else { "short" };
        format!("bar {name} {figure:.3} limit {limit:.3} {verdict}")
    }
}

/// How many rounds [`ratio`] measures.
const ROUNDS: u32 = 200;

/// How long one side of a round takes, about.
const TURN: Duration = Duration::from_millis(2);

/// How many times as long `ours` takes as `peer`: the quickest of many short turns of each, taken one after the
/// other, so that what else the machine does hits both.
///
/// ```
/// let sum = |to: u64| std::hint::black_box((0..std::hint::black_box(to)).map(std::hint::black_box).sum::<u64>());
/// assert!(mesos_benches::ratio(|| sum(1000), || sum(10)) > 1.0);
/// ```
pub fn ratio<A, B>(mut ours: impl FnMut() -> A, mut peer: impl FnMut() -> B) -> f64 {
    let mut quickest = [Duration::MAX; 2];
    let iterations = iterations(&mut peer);
    for _ in 0..ROUNDS {
        quickest[0] = quickest[0].min(turn(&mut ours, iterations));
        quickest[1] = quickest[1].min(turn(&mut peer, iterations));
    }
    quickest[0].as_secs_f64() / quickest[1].as_secs_f64()
}

/// How often `f` runs in a turn; this also warms it up.
fn iterations<T>(f: &mut impl FnMut() -> T) -> u32 {
    let mut iterations = 1;
    while turn(f, iterations) < TURN {
        iterations *= 2;
    }
    iterations
}

fn turn<T>(f: &mut impl FnMut() -> T, iterations: u32) -> Duration {
    let begun = Instant::now();
    for _ in 0..iterations {
        black_box(f());
    }
    begun.elapsed()
}
