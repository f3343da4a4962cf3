//! Checks and health checks: looking at something again and again, by a command, by HTTP or by TCP.
//!
//! [`Checks`] look as often as a check says, and tell what an update must tell: each change of a
//! check's result, and what a health check makes of it, up to that the checked task must go. They know
//! no tasks. Commands are run by whoever knows where: [`CommandRunner`].
//!
//! ```
//! use std::time::Duration;
//!
//! use futures::future::BoxFuture;
//! use mesos_api::v1::{CheckInfo, CommandInfo, check_info};
//! use mesos_checks::{Checked, Checks, CommandRunner, Outcome};
//!
//! /// Where every command succeeds.
//! struct Nowhere;
//!
//! impl CommandRunner for Nowhere {
//!     fn run<'a>(&'a self, _: &'a CommandInfo, _: Option<Duration>) -> BoxFuture<'a, Outcome> {
//!         Box::pin(async { Outcome::Exited(0) })
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let check = CheckInfo {
//!     r#type: Some(check_info::Type::Command as i32),
//!     command: Some(check_info::Command { command: CommandInfo::default() }),
//!     delay_seconds: Some(0.0),
//!     ..CheckInfo::default()
//! };
//! let checks = Checks::new(Some(&check), None, Nowhere);
//! let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
//! let watch = tokio::spawn(checks.watch(move |checked| drop(tell.send(checked))));
//! let Some(Checked::Check(status)) = told.recv().await else { panic!("a check tells of a check") };
//! assert_eq!(status.command.and_then(|command| command.exit_code), Some(0));
//! watch.abort();
//! # });
//! ```

#![forbid(unsafe_code)]

mod outcome;
mod probe;
mod schedule;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use mesos_api::v1::{CheckInfo, CheckStatusInfo, CommandInfo, HealthCheck};

pub use outcome::Health;
use outcome::{CheckState, HealthState};
use probe::Probe;
pub use probe::{Outcome, within};
use schedule::Schedule;

/// Runs the commands of checks, where that is to happen.
pub trait CommandRunner: Send + Sync + 'static {
    /// Runs a command to its end. When the time is out, what is left of it is ended, and the outcome is
    /// [`Outcome::TimedOut`].
    fn run<'a>(&'a self, command: &'a CommandInfo, timeout: Option<Duration>) -> BoxFuture<'a, Outcome>;
}

/// Something that a check found and that an update must tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Checked {
    /// The result of a check, which is another than before.
    Check(CheckStatusInfo),
    /// What a health check says.
    Health(Health),
}

/// The check and the health check of one task.
pub struct Checks {
    checks: Vec<Check>,
    runner: Arc<dyn CommandRunner>,
    stopped: Arc<AtomicBool>,
}

/// One check: what it does, how often, and what is made of what it finds.
#[derive(Clone)]
struct Check {
    probe: Probe,
    schedule: Schedule,
    state: State,
}

#[derive(Clone)]
enum State {
    Check(CheckState),
    Health(HealthState),
}

impl State {
    fn observe(&mut self, outcome: &Outcome, since_start: Duration) -> Option<Checked> {
        match self {
            Self::Check(state) => state.observe(outcome).map(Checked::Check),
            Self::Health(state) => state.observe(outcome, since_start).map(Checked::Health),
        }
    }
}

impl Checks {
    /// What a task asks for. A check that says nothing of what to look at is passed over.
    pub fn new(
        check: Option<&CheckInfo>,
        health_check: Option<&HealthCheck>,
        runner: impl CommandRunner,
    ) -> Self {
        let check = check.and_then(|info| {
            Some(Check {
                probe: Probe::of_check(info)?,
                schedule: Schedule::new(info.delay_seconds, info.interval_seconds, info.timeout_seconds),
                state: State::Check(CheckState::new(info)),
            })
        });
        let health_check = health_check.and_then(|info| {
            Some(Check {
                probe: Probe::of_health_check(info)?,
                schedule: Schedule::new(info.delay_seconds, info.interval_seconds, info.timeout_seconds),
                state: State::Health(HealthState::new(info)),
            })
        });
        let checks = check.into_iter().chain(health_check).collect();
        Self { checks, runner: Arc::new(runner), stopped: Arc::default() }
    }

    /// What the first update of a task with a check holds: the type of the check, and no result.
    pub fn first_check_status(&self) -> Option<CheckStatusInfo> {
        self.checks.iter().find_map(|check| match &check.state {
            State::Check(state) => Some(state.empty()),
            State::Health(_) => None,
        })
    }

    /// Looks until the checks are [stopped](Checks::stop), and calls `tell` with all that an update
    /// must tell. The future is to be run once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the checks; a command that runs is left to its runner.
    pub fn watch<T>(&self, tell: T) -> impl Future<Output = ()> + Send + use<T>
    where
        T: Fn(Checked) + Clone + Send + 'static,
    {
        let looks: Vec<_> = self
            .checks
            .iter()
            .map(|check| {
                look(check.clone(), Arc::clone(&self.runner), Arc::clone(&self.stopped), tell.clone())
            })
            .collect();
        async move {
            join_all(looks).await;
        }
    }

    /// Checks no more, and tells nothing of what is still being checked.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

async fn look(
    mut check: Check,
    runner: Arc<dyn CommandRunner>,
    stopped: Arc<AtomicBool>,
    tell: impl Fn(Checked),
) {
    let started = tokio::time::Instant::now();
    tokio::time::sleep(check.schedule.delay).await;
    while !stopped.load(Ordering::Relaxed) {
        let outcome = check.probe.run(&*runner, check.schedule.timeout).await;
        if stopped.load(Ordering::Relaxed) {
            return;
        }
        if let Some(checked) = check.state.observe(&outcome, started.elapsed()) {
            tell(checked);
        }
        tokio::time::sleep(check.schedule.interval).await;
    }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::{check_info, check_status_info, health_check};

    use super::*;

    /// Gives the number that a command is.
    struct Numbers;

    impl CommandRunner for Numbers {
        fn run<'a>(&'a self, command: &'a CommandInfo, _: Option<Duration>) -> BoxFuture<'a, Outcome> {
            let number = command.value.as_deref().unwrap_or_default().parse();
            Box::pin(async { number.map_or(Outcome::TimedOut, Outcome::Exited) })
        }
    }

    #[tokio::test]
    async fn both_checks_tell_until_they_are_stopped() {
        let command = |number: &str| CommandInfo { value: Some(number.into()), ..CommandInfo::default() };
        let check = CheckInfo {
            r#type: Some(check_info::Type::Command as i32),
            command: Some(check_info::Command { command: command("1") }),
            delay_seconds: Some(0.0),
            interval_seconds: Some(0.0),
            ..CheckInfo::default()
        };
        let health = HealthCheck {
            r#type: Some(health_check::Type::Command as i32),
            command: Some(command("0")),
            delay_seconds: Some(0.0),
            interval_seconds: Some(0.0),
            ..HealthCheck::default()
        };
        let checks = Checks::new(Some(&check), Some(&health), Numbers);
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let watch = tokio::spawn(checks.watch(move |checked| drop(tell.send(checked))));
        let two = [told.recv().await.unwrap(), told.recv().await.unwrap()];
        let mut status = checks.first_check_status().unwrap();
        status.command = Some(check_status_info::Command { exit_code: Some(1) });
        assert!(two.contains(&Checked::Check(status)), "{two:?}");
        let healthy = Health { healthy: true, kill: false, message: None };
        assert!(two.contains(&Checked::Health(healthy)), "{two:?}");
        checks.stop();
        watch.await.unwrap();
        assert_eq!(told.recv().await, None, "what does not change is told once");
    }
}
