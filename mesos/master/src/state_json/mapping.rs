//! Which framework has tasks on which agent, and in which states.

use std::collections::{BTreeMap, BTreeSet};

use mesos_api::v1::{AgentId, FrameworkId, TaskState};
use mesos_cluster::Snapshot;

/// The tasks of the frameworks that are not completed, counted from both sides.
#[derive(Default)]
pub(super) struct Mapping<'a> {
    by_agent: BTreeMap<&'a str, Side<'a>>,
    by_framework: BTreeMap<&'a str, Side<'a>>,
}

/// What one side has of the other.
#[derive(Default)]
struct Side<'a> {
    states: BTreeMap<TaskState, u64>,
    others: BTreeSet<&'a str>,
}

/// The states that are shown.
const SHOWN: [TaskState; 10] = [
    TaskState::TaskStaging,
    TaskState::TaskStarting,
    TaskState::TaskRunning,
    TaskState::TaskKilling,
    TaskState::TaskFinished,
    TaskState::TaskKilled,
    TaskState::TaskFailed,
    TaskState::TaskLost,
    TaskState::TaskError,
    TaskState::TaskUnreachable,
];

impl<'a> Mapping<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let mut mapping = Self::default();
        for framework in snapshot.frameworks.values() {
            for task in framework.pending_tasks.values() {
                mapping.add(&framework.id, &task.agent_id, TaskState::TaskStaging);
            }
            let shelved = framework.unreachable_tasks.values().chain(framework.completed_tasks.values());
            for task in framework.tasks.values().chain(shelved) {
                mapping.add(&framework.id, &task.info.agent_id, task.state());
            }
        }
        mapping
    }

    fn add(&mut self, framework: &'a FrameworkId, agent: &'a AgentId, state: TaskState) {
        self.by_agent.entry(&agent.value).or_default().add(&framework.value, state);
        self.by_framework.entry(&framework.value).or_default().add(&agent.value, state);
    }

    pub(super) fn states_on(&self, agent: &AgentId) -> BTreeMap<&'static str, u64> {
        states(self.by_agent.get(agent.value.as_str()))
    }

    pub(super) fn states_of(&self, framework: &FrameworkId) -> BTreeMap<&'static str, u64> {
        states(self.by_framework.get(framework.value.as_str()))
    }

    pub(super) fn frameworks_on(&self, agent: &AgentId) -> Vec<&'a str> {
        others(self.by_agent.get(agent.value.as_str()))
    }

    pub(super) fn agents_of(&self, framework: &FrameworkId) -> Vec<&'a str> {
        others(self.by_framework.get(framework.value.as_str()))
    }
}

impl<'a> Side<'a> {
    fn add(&mut self, other: &'a str, state: TaskState) {
        *self.states.entry(state).or_default() += 1;
        self.others.insert(other);
    }
}

/// How many tasks there are in each state.
fn states(side: Option<&Side<'_>>) -> BTreeMap<&'static str, u64> {
    let count = |state: TaskState| side.and_then(|side| side.states.get(&state)).copied().unwrap_or(0);
    SHOWN.into_iter().map(|state| (state.as_str_name(), count(state))).collect()
}

fn others<'a>(side: Option<&Side<'a>>) -> Vec<&'a str> {
    side.into_iter().flat_map(|side| &side.others).copied().collect()
}
