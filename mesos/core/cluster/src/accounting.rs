//! The one place where resources are counted.
//!
//! Every task, executor, operation and offer passes here on its way in and out, so that the used and
//! offered resources of its agent and its framework, the roles, and the gauges agree.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use mesos_allocation::Input as Allocate;
use mesos_api::v1::{AgentId, ExecutorId, ExecutorInfo, Filters, FrameworkId, TaskId, TaskState};
use mesos_resources::Resources;

use crate::cluster::Cluster;
use crate::framework::Framework;
use crate::observation::Observation;
use crate::step::Step;
use crate::task::Task;

/// What is kept by framework or agent: an entry goes when it holds nothing more.
pub(crate) fn credit<K: Ord + Clone>(book: &mut OrdMap<K, Resources>, key: &K, resources: &Resources) {
    if resources.is_empty() {
        return;
    }
    match book.get_mut(key) {
        Some(held) => *held += resources,
        None => {
            book.insert(key.clone(), resources.clone());
        }
    }
}

pub(crate) fn debit<K: Ord + Clone>(book: &mut OrdMap<K, Resources>, key: &K, resources: &Resources) {
    if let Some(held) = book.get_mut(key) {
        *held -= resources;
        if held.is_empty() {
            book.remove(key);
        }
    }
}

/// Adds to a set of a map of sets.
pub(crate) fn put<K: Ord + Clone, V: Ord + Clone>(map: &mut OrdMap<K, OrdSet<V>>, key: &K, value: V) {
    map.entry(key.clone()).or_default().insert(value);
}

/// Removes from a set of a map of sets; an empty set goes.
pub(crate) fn take<K: Ord + Clone, V: Ord + Clone>(map: &mut OrdMap<K, OrdSet<V>>, key: &K, value: &V) {
    if let Some(set) = map.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            map.remove(key);
        }
    }
}

/// Removes from a map of maps; an empty map goes.
pub(crate) fn take_entry<K: Ord + Clone, I: Ord + Clone, V: Clone>(
    map: &mut OrdMap<K, OrdMap<I, V>>,
    key: &K,
    inner: &I,
) -> Option<V> {
    let entries = map.get_mut(key)?;
    let value = entries.remove(inner);
    if entries.is_empty() {
        map.remove(key);
    }
    value
}

/// The role that resources are allocated to.
fn role_of(resources: &Resources) -> Option<String> {
    resources.iter().find_map(|resource| resource.allocation_role()).map(str::to_owned)
}

impl Framework {
    fn arrive(&mut self, agent: &AgentId) {
        *self.on_agents.entry(agent.clone()).or_insert(0) += 1;
    }

    fn leave(&mut self, agent: &AgentId) {
        if let Some(count) = self.on_agents.get_mut(agent) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.on_agents.remove(agent);
            }
        }
    }
}

impl Cluster {
    /// Gives resources back to the allocator.
    pub(crate) fn recover_resources(
        &self,
        framework: &FrameworkId,
        agent: &AgentId,
        resources: Resources,
        filters: Option<Filters>,
        cx: &mut Step<'_>,
    ) {
        if !resources.is_empty() {
            cx.allocate(Allocate::RecoverResources {
                framework: framework.clone(),
                agent: agent.clone(),
                resources,
                filters,
            });
        }
    }

    /// Counts resources as used by a framework on an agent.
    pub(crate) fn use_resources(&mut self, framework: &FrameworkId, agent: &AgentId, resources: &Resources) {
        if let Some(agent) = self.agent_mut(agent) {
            credit(&mut agent.used, framework, resources);
        }
        let Some(role) = role_of(resources) else { return };
        let Some(entry) = self.framework_mut(framework) else { return };
        credit(&mut entry.used, agent, resources);
        *entry.holders.entry(role.clone()).or_default() += 1;
        self.state.roles.entry(role).or_default().insert(framework.clone(), ());
    }

    /// Counts resources as no longer used. The allocator is told by the caller.
    pub(crate) fn free_resources(&mut self, framework: &FrameworkId, agent: &AgentId, resources: &Resources) {
        if let Some(agent) = self.agent_mut(agent) {
            debit(&mut agent.used, framework, resources);
        }
        let Some(role) = role_of(resources) else { return };
        let Some(entry) = self.framework_mut(framework) else { return };
        debit(&mut entry.used, agent, resources);
        if let Some(holders) = entry.holders.get_mut(&role) {
            *holders = holders.saturating_sub(1);
            if *holders == 0 {
                entry.holders.remove(&role);
            }
        }
        self.untrack_role_if_unused(framework, &role);
    }

    /// Lists a framework under the roles it subscribes to.
    pub(crate) fn track_roles(&mut self, framework: &FrameworkId) {
        let Some(roles) = self.framework(framework).map(|framework| framework.roles.clone()) else { return };
        for role in roles {
            self.state.roles.entry(role).or_default().insert(framework.clone(), ());
        }
    }

    /// Takes a framework off a role that it neither subscribes to nor holds resources of.
    pub(crate) fn untrack_role_if_unused(&mut self, framework: &FrameworkId, role: &str) {
        let used = self
            .framework(framework)
            .is_some_and(|framework| framework.roles.contains(role) || framework.holders.contains_key(role));
        if !used {
            self.untrack_role(framework, role);
        }
    }

    pub(crate) fn untrack_role(&mut self, framework: &FrameworkId, role: &str) {
        if let Some(frameworks) = self.state.roles.get_mut(role) {
            frameworks.remove(framework);
            if frameworks.is_empty() {
                self.state.roles.remove(role);
            }
        }
    }

    /// Adds a task to its framework and its agent; both must be there.
    pub(crate) fn add_task(&mut self, task: Task, cx: &mut Step<'_>) {
        let framework = task.info.framework_id.clone();
        let agent = task.info.agent_id.clone();
        let id = task.info.task_id.clone();
        let task = Arc::new(task);
        let Some(entry) = self.framework_mut(&framework) else { return };
        entry.tasks.insert(id.clone(), Arc::clone(&task));
        entry.arrive(&agent);
        let info = Arc::clone(&entry.info);
        if let Some(agent) = self.agent_mut(&agent) {
            put(&mut agent.tasks, &framework, id);
        }
        if task.holds_resources() {
            self.use_resources(&framework, &agent, &task.resources);
        }
        self.state.tasks_by_state.add(task.state());
        cx.observe(Observation::TaskAdded { task, framework: info });
    }

    /// Moves a task to a new latest state, and frees its resources when it is the first one that holds
    /// none.
    pub(crate) fn set_task_state(
        &mut self,
        framework: &FrameworkId,
        id: &TaskId,
        state: TaskState,
        cx: &mut Step<'_>,
    ) {
        let Some(task) = self.task_mut(framework, id) else { return };
        let before = task.state();
        let held = task.holds_resources();
        task.info.state = state as i32;
        let freed = held && !task.holds_resources();
        let agent = task.info.agent_id.clone();
        let resources = if freed { task.resources.clone() } else { Resources::new() };
        self.state.tasks_by_state.remove(before);
        self.state.tasks_by_state.add(state);
        if freed {
            self.free_resources(framework, &agent, &resources);
            self.recover_resources(framework, &agent, resources, None, cx);
        }
    }

    /// Takes a task off its agent and its framework, freeing what it still holds.
    pub(crate) fn take_task(
        &mut self,
        framework: &FrameworkId,
        id: &TaskId,
        cx: &mut Step<'_>,
    ) -> Option<Arc<Task>> {
        let entry = self.framework_mut(framework)?;
        let task = entry.tasks.remove(id)?;
        let agent = task.info.agent_id.clone();
        entry.leave(&agent);
        if let Some(agent) = self.agent_mut(&agent) {
            take(&mut agent.tasks, framework, id);
            take(&mut agent.killed_tasks, framework, id);
        }
        self.state.tasks_by_state.remove(task.state());
        if task.holds_resources() {
            self.free_resources(framework, &agent, &task.resources);
            self.recover_resources(framework, &agent, task.resources.clone(), None, cx);
        }
        Some(task)
    }

    /// Moves a task to its framework's history of completed ones.
    pub(crate) fn complete_task(&mut self, framework: &FrameworkId, id: &TaskId, cx: &mut Step<'_>) {
        if let Some(task) = self.take_task(framework, id, cx)
            && let Some(framework) = self.framework_mut(framework)
        {
            framework.completed_tasks.push(id.clone(), task);
        }
    }

    /// Moves a task to its framework's history of unreachable ones.
    pub(crate) fn shelve_task(&mut self, framework: &FrameworkId, id: &TaskId, cx: &mut Step<'_>) {
        if let Some(task) = self.take_task(framework, id, cx)
            && let Some(framework) = self.framework_mut(framework)
        {
            framework.unreachable_tasks.replace(id.clone(), task);
        }
    }

    /// Adds an executor to its agent and, if it is known, to its framework.
    pub(crate) fn add_executor(
        &mut self,
        framework: &FrameworkId,
        agent: &AgentId,
        executor: Arc<ExecutorInfo>,
        resources: &Resources,
    ) {
        let id = executor.executor_id.clone();
        if let Some(entry) = self.agent_mut(agent) {
            entry.executors.entry(framework.clone()).or_default().insert(id.clone(), Arc::clone(&executor));
        }
        self.adopt_executor(framework, agent, id, executor);
        self.use_resources(framework, agent, resources);
    }

    /// Lists an executor of an agent with its framework.
    pub(crate) fn adopt_executor(
        &mut self,
        framework: &FrameworkId,
        agent: &AgentId,
        id: ExecutorId,
        executor: Arc<ExecutorInfo>,
    ) {
        if let Some(entry) = self.framework_mut(framework) {
            entry.executors.entry(agent.clone()).or_default().insert(id, executor);
            entry.arrive(agent);
        }
    }

    /// Takes an executor off its agent and its framework, and frees its resources. Says whether it was
    /// there.
    pub(crate) fn remove_executor(
        &mut self,
        framework: &FrameworkId,
        agent: &AgentId,
        executor: &ExecutorId,
        cx: &mut Step<'_>,
    ) -> bool {
        let Some(entry) = self.agent_mut(agent) else { return false };
        let Some(info) = take_entry(&mut entry.executors, framework, executor) else { return false };
        // It was valid when it came in.
        let resources = Resources::from_protos(info.resources.iter().cloned()).unwrap_or_default();
        if let Some(entry) = self.framework_mut(framework)
            && take_entry(&mut entry.executors, agent, executor).is_some()
        {
            entry.leave(agent);
        }
        self.free_resources(framework, agent, &resources);
        self.recover_resources(framework, agent, resources, None, cx);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(text: &str) -> Resources {
        Resources::parse(text, "*").unwrap()
    }

    #[test]
    fn entries_of_a_book_go_when_they_are_empty() {
        let mut book = OrdMap::new();
        credit(&mut book, &"a", &resources("cpus:2"));
        credit(&mut book, &"a", &resources("cpus:1"));
        credit(&mut book, &"b", &Resources::new());
        debit(&mut book, &"a", &resources("cpus:1"));
        assert_eq!(book.get("a"), Some(&resources("cpus:2")));
        debit(&mut book, &"a", &resources("cpus:2"));
        assert!(book.is_empty());
    }

    #[test]
    fn empty_sets_and_maps_go() {
        let mut sets = OrdMap::new();
        put(&mut sets, &"a", 1);
        take(&mut sets, &"a", &1);
        assert!(sets.is_empty());

        let mut maps: OrdMap<&str, OrdMap<i32, char>> = OrdMap::new();
        maps.entry("a").or_default().insert(1, 'x');
        assert_eq!(take_entry(&mut maps, &"a", &2), None);
        assert_eq!(take_entry(&mut maps, &"a", &1), Some('x'));
        assert!(maps.is_empty());
    }
}
