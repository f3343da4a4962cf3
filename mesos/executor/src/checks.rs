//! Checks and health checks of a task.

mod outcome;
mod probe;
mod schedule;
mod surroundings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mesos_api::v1::{CheckStatusInfo, CommandInfo, TaskInfo};

use crate::{Driver, Executor};
pub(crate) use outcome::Health;
use outcome::{CheckState, HealthState};
use probe::{Outcome, Probe};
use schedule::Schedule;
pub(crate) use surroundings::Surroundings;

/// Something that a check found and that an update must tell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Checked {
    Check(CheckStatusInfo),
    Health(Health),
}

/// The checks of one task.
pub(crate) struct Checks {
    checks: Vec<Check>,
    surroundings: Arc<Surroundings>,
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
    /// The checks that `task` asks for, with commands of checks run in `surroundings`.
    pub(crate) fn new(task: &TaskInfo, surroundings: Surroundings) -> Self {
        let mut checks = Vec::new();
        if let Some(info) = &task.check
            && let Some(probe) = Probe::of_check(info)
        {
            let schedule = Schedule::new(info.delay_seconds, info.interval_seconds, info.timeout_seconds);
            checks.push(Check { probe, schedule, state: State::Check(CheckState::new(info)) });
        }
        if let Some(info) = &task.health_check
            && let Some(probe) = Probe::of_health_check(info)
        {
            let schedule = Schedule::new(info.delay_seconds, info.interval_seconds, info.timeout_seconds);
            checks.push(Check { probe, schedule, state: State::Health(HealthState::new(info)) });
        }
        Self { checks, surroundings: Arc::new(surroundings), stopped: Arc::default() }
    }

    /// What the first update of a task with a check holds: the type of the check, and no result.
    pub(crate) fn first_check_status(&self) -> Option<CheckStatusInfo> {
        self.checks.iter().find_map(|check| match &check.state {
            State::Check(state) => Some(state.empty()),
            State::Health(_) => None,
        })
    }

    /// Begins to check; `tell` is called on the executor with all that an update must tell.
    pub(crate) fn start<E: Executor>(
        &self,
        driver: &Driver<E>,
        tell: impl Fn(&mut E, &Driver<E>, Checked) + Clone + Send + Sync + 'static,
    ) {
        for check in &self.checks {
            let (mut check, tell) = (check.clone(), tell.clone());
            let (surroundings, stopped) = (Arc::clone(&self.surroundings), Arc::clone(&self.stopped));
            let driver_of_loop = driver.clone();
            let checking = async move {
                let started = tokio::time::Instant::now();
                tokio::time::sleep(check.schedule.delay).await;
                while !stopped.load(Ordering::Relaxed) {
                    let outcome = check.probe.run(&surroundings, check.schedule.timeout).await;
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Some(checked) = check.state.observe(&outcome, started.elapsed()) {
                        let tell = tell.clone();
                        driver_of_loop.tell(move |executor, driver| tell(executor, driver, checked));
                    }
                    tokio::time::sleep(check.schedule.interval).await;
                }
            };
            driver.run(checking, |_, _, ()| ());
        }
    }

    /// Checks no more, and tells nothing of what is still being checked.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// The variables that a command itself brings. Secrets cannot be resolved here and are left out.
pub(crate) fn environment(command: &CommandInfo) -> BTreeMap<String, String> {
    let variables = command.environment.iter().flat_map(|environment| &environment.variables);
    variables
        .filter(|variable| !variable.name.is_empty() && !variable.name.contains(['=', '\0']))
        .filter_map(|variable| Some((variable.name.clone(), variable.value.clone()?)))
        .filter(|(_, value)| !value.contains('\0'))
        .collect()
}
