//! What the benchmarks share: figures, their limits, and how both are printed.
//!
//! Each benchmark is one question, `cargo bench --bench NAME`. It ends with one line for each figure
//! that has a limit: `bar NAME FIGURE limit LIMIT ok`, or `short` where the limit is missed.

#![forbid(unsafe_code)]

use std::path::Path;

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

/// The mean time of one iteration, in nanoseconds, that criterion has measured in this run for
/// `group/function`; not a number if it has not.
pub fn measured(group: &str, function: &str) -> f64 {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(target);
    let file = root.join("criterion").join(group).join(function).join("new").join("estimates.json");
    let mean = std::fs::read(file).ok().and_then(|bytes| {
        let estimates: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        estimates["mean"]["point_estimate"].as_f64()
    });
    mean.unwrap_or(f64::NAN)
}

/// How many times as long `ours` takes as `peer`.
pub fn ratio(group: &str, ours: &str, peer: &str) -> f64 {
    measured(group, ours) / measured(group, peer)
}
