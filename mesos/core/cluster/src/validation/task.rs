//! Tasks of a LAUNCH.

use mesos_api::v1::TaskInfo;
use mesos_api::v1::executor_info::Type as ExecutorType;
use mesos_resources::Resources;

use super::{Verdict, check, command, container, executor, id, resource, within};
use crate::agent::Agent;
use crate::framework::Framework;

/// What a task that may be launched uses.
#[derive(Clone, PartialEq, Debug)]
pub struct Needs {
    /// Of its own.
    pub task: Resources,
    /// For its executor.
    pub executor: Resources,
    /// Whether that executor is new on the agent.
    pub launches_executor: bool,
}

impl Needs {
    /// What the launch takes from the offer.
    #[must_use]
    pub fn total(&self) -> Resources {
        if self.launches_executor { &self.task + &self.executor } else { self.task.clone() }
    }
}

/// Checks a task that a framework wants to launch on an agent out of what is available.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn launch(
    task: &TaskInfo,
    framework: &Framework,
    agent: &Agent,
    available: &Resources,
) -> Result<Needs, String> {
    let resources = alone(task, framework, agent)?;
    if task.executor.is_some() == task.command.is_some() {
        return Err(
            "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present".to_owned()
        );
    }
    let mut needs = Needs { task: resources, executor: Resources::new(), launches_executor: false };
    if let Some(info) = &task.executor {
        needs.executor = executor::for_launch(info, framework, agent)?;
        if info.r#type.is_some() && info.r#type() != ExecutorType::Custom {
            return Err("'ExecutorInfo.type' must be 'CUSTOM'".to_owned());
        }
        if info.command.is_none() {
            return Err("'ExecutorInfo.command' must be set".to_owned());
        }
        if needs.executor.iter().any(|resource| resource.is_shared()) {
            return Err(format!(
                "Executor resources {} should not contain any shared resources",
                needs.executor
            ));
        }
        needs.launches_executor = agent.executor(&framework.id, &info.executor_id).is_none();
    }
    with_executor(&needs)?;
    let total = needs.total();
    if !available.contains(&total) {
        return Err(format!(
            "Total resources {total} required by task and its executor is more than available {available}"
        ));
    }
    Ok(needs)
}

/// The rules that take task and executor together, whether the executor is new or not.
fn with_executor(needs: &Needs) -> Verdict {
    if needs.executor.is_empty() {
        return Ok(()); // The task's own resources were looked at.
    }
    if resource::overlap(&[&needs.task, &needs.executor]) {
        return Err(format!(
            "There are overlapping resources in the task resources {} and executor resources {}",
            needs.task, needs.executor
        ));
    }
    let total = &needs.task + &needs.executor;
    within(resource::unique_persistence_ids(&total), "Task and its executor use duplicate persistence ID")?;
    within(
        resource::not_mixed_with_revocable(&total),
        "Task and its executor mix revocable and non-revocable resources",
    )
}

/// Checks a task without its executor, and returns its resources.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn alone(task: &TaskInfo, framework: &Framework, agent: &Agent) -> Result<Resources, String> {
    id::id(&task.task_id.value)?;
    unique(task, framework)?;
    if task.agent_id != agent.id {
        return Err(format!(
            "Task uses invalid agent {} while agent {} is expected",
            task.agent_id, agent.id
        ));
    }
    let grace = task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
    if grace.is_some_and(|grace| grace.nanoseconds < 0) {
        return Err("Task's 'kill_policy.grace_period' must be non-negative".to_owned());
    }
    if let Some(info) = &task.check {
        within(check::check(info), "Task uses invalid check")?;
    }
    if let Some(info) = &task.health_check {
        within(check::health_check(info), "Task uses invalid health check")?;
    }
    let resources = own_resources(task)?;
    if let Some(info) = &task.command {
        within(command::command(info), "Task's `CommandInfo` is invalid")?;
    }
    if let Some(info) = &task.container {
        within(container::container(info), "Task's `ContainerInfo` is invalid")?;
    }
    Ok(resources)
}

fn unique(task: &TaskInfo, framework: &Framework) -> Verdict {
    if framework.tasks.contains_key(&task.task_id) {
        return Err(format!("Task has duplicate ID: {}", task.task_id));
    }
    if framework.unreachable_tasks.contains(&task.task_id) {
        return Err(format!("Task reuses the ID of an unreachable task: {}", task.task_id));
    }
    Ok(())
}

fn own_resources(task: &TaskInfo) -> Result<Resources, String> {
    if task.resources.is_empty() {
        return Err("Task uses no resources".to_owned());
    }
    let resources = resource::resources(&task.resources)
        .map_err(|error| format!("Task uses invalid resources: {error}"))?;
    if resources.is_empty() {
        return Err("Task uses no resources".to_owned()); // All of them are zero.
    }
    within(resource::unique_persistence_ids(&resources), "Task uses duplicate persistence ID")?;
    within(resource::allocated_to_one_role(&resources), "Invalid task resources")?;
    within(
        resource::not_mixed_with_revocable(&resources),
        "Task mixes revocable and non-revocable resources",
    )?;
    Ok(resources)
}

#[cfg(test)]
mod tests;
