//! Which framework has tasks on which agent, and in which states.

use std::collections::{BTreeMap, BTreeSet};

use mesos_api::v1::{AgentId, FrameworkId, TaskState};
use mesos_cluster::Snapshot;
use serde::ser::SerializeMap;

/// The tasks of the frameworks that are not completed, counted from both sides.
#[derive(Default)]
pub(super) struct Mapping<'a> {
    by_agent: BTreeMap<&'a AgentId, Side<&'a FrameworkId>>,
    by_framework: BTreeMap<&'a FrameworkId, Side<&'a AgentId>>,
}

/// What one side has of the other.
pub(super) struct Side<T> {
    states: BTreeMap<TaskState, u64>,
    others: BTreeSet<T>,
}

impl<T> Default for Side<T> {
    fn default() -> Self {
        Self { states: BTreeMap::new(), others: BTreeSet::new() }
    }
}

/// The states that are shown, in this order.
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
        self.by_agent.entry(agent).or_default().add(framework, state);
        self.by_framework.entry(framework).or_default().add(agent, state);
    }

    pub(super) fn of_agent(&self, agent: &AgentId) -> Option<&Side<&'a FrameworkId>> {
        self.by_agent.get(agent)
    }

    pub(super) fn of_framework(&self, framework: &FrameworkId) -> Option<&Side<&'a AgentId>> {
        self.by_framework.get(framework)
    }
}

impl<T: Ord + Copy> Side<T> {
    fn add(&mut self, other: T, state: TaskState) {
        *self.states.entry(state).or_default() += 1;
        self.others.insert(other);
    }

    pub(super) fn others(&self) -> impl Iterator<Item = T> + '_ {
        self.others.iter().copied()
    }
}

/// Writes how many tasks there are in each state.
pub(super) fn write_states<M: SerializeMap, T>(map: &mut M, side: Option<&Side<T>>) -> Result<(), M::Error> {
    for state in SHOWN {
        let count = side.and_then(|side| side.states.get(&state)).copied().unwrap_or(0);
        map.serialize_entry(state.as_str_name(), &count)?;
    }
    Ok(())
}
