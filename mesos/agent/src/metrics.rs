//! The metrics under `slave/`.

use std::collections::BTreeMap;
use std::sync::Arc;

use libprocess::metrics::{Counter, Gauge, Metrics as Registry, PullGauge};
use libprocess::{Pid, Time};
use mesos_api::v1::TaskState;
use mesos_resources::Resources;
use mesos_workload::{Count, ExecutorState, Phase, Workload};
use tracing::warn;

use crate::process::AgentProcess;

/// What an agent counts and measures, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Metrics {
    counters: BTreeMap<&'static str, Counter>,
    _gauges: Vec<PullGauge>,
}

const COUNTERS: &[&str] = &[
    "slave/recovery_errors",
    "slave/tasks_finished",
    "slave/tasks_failed",
    "slave/tasks_killed",
    "slave/tasks_lost",
    "slave/tasks_gone",
    "slave/executors_terminated",
    "slave/executors_preempted",
    "slave/valid_status_updates",
    "slave/invalid_status_updates",
    "slave/valid_framework_messages",
    "slave/invalid_framework_messages",
    "slave/container_launch_errors",
];

/// What a gauge shows of the model.
type Reading = fn(&Workload) -> f64;

const GAUGES: &[(&str, Reading)] = &[
    ("slave/registered", |workload| if workload.phase() == Phase::Running { 1.0 } else { 0.0 }),
    ("slave/frameworks_active", |workload| workload.frameworks().len() as f64),
    ("slave/tasks_staging", |workload| {
        let pending: usize =
            workload.frameworks().values().map(|framework| framework.pending_tasks().count()).sum();
        let executors = workload.frameworks().values().flat_map(|framework| framework.executors.values());
        let queued: usize = executors.map(|executor| executor.queued.len()).sum();
        (pending + queued) as f64 + tasks(workload, TaskState::TaskStaging)
    }),
    ("slave/tasks_starting", |workload| tasks(workload, TaskState::TaskStarting)),
    ("slave/tasks_running", |workload| tasks(workload, TaskState::TaskRunning)),
    ("slave/tasks_killing", |workload| tasks(workload, TaskState::TaskKilling)),
    ("slave/executors_registering", |workload| executors(workload, ExecutorState::Registering)),
    ("slave/executors_running", |workload| executors(workload, ExecutorState::Running)),
    ("slave/executors_terminating", |workload| executors(workload, ExecutorState::Terminating)),
];

impl Metrics {
    /// Registers everything.
    pub(crate) fn start(registry: &Registry, agent: &Pid<AgentProcess>, started: Time) -> Self {
        let counters = COUNTERS.iter().filter_map(|path| Some((*path, counter(registry, path)?)));
        Metrics { counters: counters.collect(), _gauges: gauges(registry, agent, started) }
    }

    pub(crate) fn count(&self, count: Count) {
        let (path, by) = match count {
            Count::ValidUpdate => ("slave/valid_status_updates", 1),
            Count::InvalidUpdate => ("slave/invalid_status_updates", 1),
            Count::ValidMessage => ("slave/valid_framework_messages", 1),
            Count::InvalidMessage => ("slave/invalid_framework_messages", 1),
            Count::ExecutorTerminated => ("slave/executors_terminated", 1),
            Count::LaunchError => ("slave/container_launch_errors", 1),
            Count::RecoveryErrors(errors) => ("slave/recovery_errors", errors),
            Count::TaskEnded(TaskState::TaskFinished) => ("slave/tasks_finished", 1),
            Count::TaskEnded(TaskState::TaskFailed) => ("slave/tasks_failed", 1),
            Count::TaskEnded(TaskState::TaskKilled) => ("slave/tasks_killed", 1),
            Count::TaskEnded(TaskState::TaskLost) => ("slave/tasks_lost", 1),
            Count::TaskEnded(TaskState::TaskGone) => ("slave/tasks_gone", 1),
            // The other ends have no counter in Mesos.
            Count::TaskEnded(_) => return,
        };
        if let Some(counter) = self.counters.get(path) {
            counter.add(by);
        }
    }
}

fn gauges(registry: &Registry, agent: &Pid<AgentProcess>, started: Time) -> Vec<PullGauge> {
    let mut gauges = Vec::new();
    let mut add = |path: String, reading: Arc<dyn Fn(&Workload) -> f64 + Send + Sync>| {
        let agent = agent.clone();
        let gauge = registry.pull_later(path, move || {
            let (model, reading) = (agent.ask(|agent, _cx| agent.workload.clone()), Arc::clone(&reading));
            async move { model.await.ok().map(|workload| reading(&workload)) }
        });
        match gauge {
            Ok(gauge) => gauges.push(gauge),
            Err(error) => warn!(%error, "leaving out a metric"),
        }
    };
    for (path, reading) in GAUGES {
        add((*path).to_owned(), Arc::new(*reading));
    }
    for name in ["cpus", "gpus", "mem", "disk"] {
        for revocable in [false, true] {
            let kind = if revocable { "_revocable" } else { "" };
            let total = move |workload: &Workload| amount(workload.total(), name, revocable);
            let used = move |workload: &Workload| amount(&workload.used(), name, revocable);
            add(format!("slave/{name}{kind}_total"), Arc::new(total));
            add(format!("slave/{name}{kind}_used"), Arc::new(used));
            let percent = move |workload: &Workload| match total(workload) {
                total if total > 0.0 => used(workload) / total,
                _ => 0.0,
            };
            add(format!("slave/{name}{kind}_percent"), Arc::new(percent));
        }
    }
    gauges.extend(uptime(registry, agent, started));
    gauges.extend(max_age(registry, agent));
    gauges
}

fn uptime(registry: &Registry, agent: &Pid<AgentProcess>, started: Time) -> Option<PullGauge> {
    let node = agent.node().clone();
    let seconds = move || (node.now() - started).as_secs_f64();
    registry
        .pull("slave/uptime_secs", seconds)
        .inspect_err(|error| warn!(%error, "leaving out a metric"))
        .ok()
}

fn max_age(registry: &Registry, agent: &Pid<AgentProcess>) -> Option<PullGauge> {
    let agent = agent.clone();
    let seconds = move || {
        let age = agent.ask_future(|agent, _cx| agent.gc.max_age());
        async move { age.await.ok().map(|age| age.as_secs_f64()) }
    };
    let path = "slave/executor_directory_max_allowed_age_secs";
    registry.pull_later(path, seconds).inspect_err(|error| warn!(%error, "leaving out a metric")).ok()
}

fn tasks(workload: &Workload, state: TaskState) -> f64 {
    workload.live_tasks().filter(|(_, _, task)| task.state() == state).count() as f64
}

fn executors(workload: &Workload, state: ExecutorState) -> f64 {
    let all = workload.frameworks().values().flat_map(|framework| framework.executors.values());
    all.filter(|executor| executor.state == state).count() as f64
}

fn amount(resources: &Resources, name: &str, revocable: bool) -> f64 {
    let part = if revocable { resources.revocable() } else { resources.non_revocable() };
    part.get_scalar(name).map_or(0.0, |scalar| scalar.as_f64())
}

/// A counter, unless another agent of this node has it.
pub(crate) fn counter(registry: &Registry, path: &str) -> Option<Counter> {
    registry.counter(path).inspect_err(|error| warn!(%error, "leaving out a metric")).ok()
}

/// A gauge, unless another agent of this node has it.
pub(crate) fn gauge(registry: &Registry, path: &str) -> Option<Gauge> {
    registry.gauge(path).inspect_err(|error| warn!(%error, "leaving out a metric")).ok()
}
