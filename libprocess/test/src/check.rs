//! Many seeds, and the one that fails.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Simulation, Trace};

/// In the environment: the one seed that is to be run.
const SEED_VARIABLE: &str = "LIBPROCESS_TEST_SEED";
/// In the environment: the file that the trace of that seed is written to.
const TRACE_VARIABLE: &str = "LIBPROCESS_TEST_TRACE";
/// So many lines of a trace are printed.
const LINES_SHOWN: usize = 40;

/// Runs a test with each seed, and panics at the first one that fails, saying how to replay it.
///
/// With `LIBPROCESS_TEST_SEED` in the environment it runs that seed and no other;
/// `LIBPROCESS_TEST_TRACE` then names a file for its trace.
///
/// ```
/// use std::time::Duration;
///
/// libprocess_test::check(0..10, |sim| {
///     let node = sim.node("a", |_boot| {});
///     sim.run_for(Duration::from_secs(1));
///     assert!(sim.is_up(node));
/// });
/// ```
///
/// # Panics
///
/// Panics when the test does, and when the environment holds no seed.
pub fn check(seeds: impl IntoIterator<Item = u64>, test: impl Fn(&mut Simulation)) {
    let Ok(text) = std::env::var(SEED_VARIABLE) else {
        if let Some(found) = find(seeds, test) {
            panic!("{found}");
        }
        return;
    };
    let seed = text.trim().parse();
    let seed: u64 = seed.unwrap_or_else(|_| panic!("{SEED_VARIABLE} must be a number, and is '{text}'"));
    let run = Run::of(seed, &test);
    if let Ok(path) = std::env::var(TRACE_VARIABLE) {
        std::fs::write(&path, run.trace.as_str())
            .unwrap_or_else(|error| panic!("failed to write the trace to '{path}': {error}"));
    }
    if let Some(message) = run.failure {
        panic!("{}", Finding { seed, message, trace: run.trace, replay: None });
    }
    eprintln!("seed {seed} passes; its trace has {} lines", run.trace.lines());
}

/// Runs a test with each seed until one fails. That one is run a second time, to see whether it is the same.
pub fn find(seeds: impl IntoIterator<Item = u64>, test: impl Fn(&mut Simulation)) -> Option<Finding> {
    seeds.into_iter().find_map(|seed| {
        let run = Run::of(seed, &test);
        let message = run.failure?;
        let replay = Some(Run::of(seed, &test).trace);
        Some(Finding { seed, message, trace: run.trace, replay })
    })
}

/// A seed with which a test fails.
#[derive(Debug, Clone)]
pub struct Finding {
    seed: u64,
    message: String,
    trace: Trace,
    replay: Option<Trace>,
}

impl Finding {
    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the test says.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// How to run the seed again.
    pub fn replay_command(&self) -> String {
        let thread = std::thread::current();
        // The test harness names threads after their tests.
        let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
        format!("{SEED_VARIABLE}={} cargo test {test}", self.seed).trim_end().to_owned()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} fails: {}", self.seed, self.message)?;
        writeln!(f, "the last of {} lines of its trace:", self.trace.lines())?;
        self.trace.tail(LINES_SHOWN).lines().try_for_each(|line| writeln!(f, "    {line}"))?;
        if let Some((first, second)) = self.replay.as_ref().and_then(|replay| self.trace.difference(replay)) {
            writeln!(f, "a second run of the seed differs, so that something in the test is not simulated:")?;
            writeln!(f, "    first:  {first}\n    second: {second}")?;
        }
        write!(f, "replay it with: {}", self.replay_command())
    }
}

/// One seed.
struct Run {
    failure: Option<String>,
    trace: Trace,
}

impl Run {
    fn of(seed: u64, test: &impl Fn(&mut Simulation)) -> Self {
        let mut simulation = Simulation::new(seed);
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&mut simulation)));
        Self { failure: outcome.err().map(|panic| text(&*panic)), trace: simulation.trace() }
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
        .to_owned()
}
