//! Forgetting agents that have been lost for long.

use std::time::Duration;

use imbl::OrdMap;
use mesos_api::v1::AgentId;
use mesos_registry::Operation;
use stout::Time;

use crate::cluster::Cluster;
use crate::input::Timer;
use crate::pending::Write;
use crate::step::Step;

/// Those beyond the count, oldest first, and those beyond the age.
fn expired(agents: &OrdMap<AgentId, Time>, now: Time, age_max: Duration, count_max: usize) -> Vec<AgentId> {
    let mut by_age: Vec<(&AgentId, Time)> = agents.iter().map(|(id, since)| (id, *since)).collect();
    by_age.sort_by_key(|(_, since)| *since);
    let excess = by_age.len().saturating_sub(count_max);
    by_age
        .into_iter()
        .enumerate()
        .filter(|(place, (_, since))| *place < excess || now - *since > age_max)
        .map(|(_, (id, _))| id.clone())
        .collect()
}

impl Cluster {
    pub(crate) fn registry_gc(&mut self, cx: &mut Step<'_>) {
        cx.after(self.options.registry_gc_interval, Timer::RegistryGc);
        let (age, count) = (self.options.registry_max_agent_age, self.options.registry_max_agent_count);
        let unreachable = expired(&self.state.unreachable_agents, cx.now, age, count);
        let gone = expired(&self.state.gone_agents, cx.now, age, count);
        if unreachable.is_empty() && gone.is_empty() {
            return;
        }
        let operation = Operation::Prune { unreachable: unreachable.clone(), gone: gone.clone() };
        self.write(operation, Write::Prune { unreachable, gone }, cx);
    }

    pub(crate) fn pruned(
        &mut self,
        unreachable: &[AgentId],
        gone: &[AgentId],
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        if let Err(error) = result {
            cx.warn(format!("failed to prune the registry: {error}"));
            return;
        }
        let forgotten: Vec<&AgentId> =
            unreachable.iter().filter(|id| self.state.unreachable_agents.remove(*id).is_some()).collect();
        for id in gone {
            self.state.gone_agents.remove(id);
        }
        if !forgotten.is_empty() {
            self.forget_unreachable_tasks(&forgotten.into_iter().cloned().collect());
        }
    }

    /// Nobody can say any more what became of the tasks of these agents.
    fn forget_unreachable_tasks(&mut self, agents: &std::collections::BTreeSet<AgentId>) {
        let ids: Vec<_> = self.state.frameworks.keys().cloned().collect();
        for id in ids {
            let Some(framework) = self.framework(&id) else { continue };
            let lost: Vec<_> = framework
                .unreachable_tasks
                .iter()
                .filter(|(_, task)| agents.contains(&task.info.agent_id))
                .map(|(id, _)| id.clone())
                .collect();
            if lost.is_empty() {
                continue;
            }
            if let Some(framework) = self.framework_mut(&id) {
                for task in lost {
                    framework.unreachable_tasks.remove(&task);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::EPOCH + Duration::from_secs(seconds)
    }

    fn names(agents: &[(&str, u64)], now: u64, age: u64, count: usize) -> Vec<String> {
        let agents = agents.iter().map(|(id, since)| (AgentId::from(*id), at(*since))).collect();
        expired(&agents, at(now), Duration::from_secs(age), count).into_iter().map(|id| id.value).collect()
    }

    #[test]
    fn old_agents_go() {
        assert_eq!(names(&[("a", 0), ("b", 50)], 100, 60, 10), ["a"]);
        assert!(names(&[("a", 40)], 100, 60, 10).is_empty());
    }

    #[test]
    fn oldest_agents_go_when_there_are_too_many() {
        assert_eq!(names(&[("a", 3), ("b", 1), ("c", 2)], 4, 100, 1), ["b", "c"]);
    }
}
