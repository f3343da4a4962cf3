//! Task groups of a LAUNCH_GROUP: all tasks or none.

use mesos_api::v1::executor_info::Type as ExecutorType;
use mesos_api::v1::{ExecutorInfo, TaskInfo, container_info};
use mesos_resources::Resources;

use super::{executor, resource, task, within};
use crate::agent::Agent;
use crate::framework::Framework;

/// The least that an executor must have: processors...
const CPUS_MIN: f64 = 0.01;
/// ...and megabytes of memory.
const MEM_MIN: f64 = 32.0;

/// What a group that may be launched uses.
#[derive(Clone, PartialEq, Debug)]
pub struct Needs {
    /// Each task.
    pub tasks: Vec<Resources>,
    /// The executor.
    pub executor: Resources,
    /// Whether that executor is new on the agent.
    pub launches_executor: bool,
}

impl Needs {
    /// What the launch takes from the offer.
    #[must_use]
    pub fn total(&self) -> Resources {
        let tasks: Resources = self.tasks.iter().sum();
        if self.launches_executor { tasks + &self.executor } else { tasks }
    }
}

/// Checks a task group that a framework wants to launch on an agent out of what is available.
///
/// # Errors
///
/// Names the task and the rule that is broken.
pub fn launch<'a>(
    tasks: impl IntoIterator<Item = &'a TaskInfo> + Clone,
    info: &ExecutorInfo,
    framework: &Framework,
    agent: &Agent,
    available: &Resources,
) -> Result<Needs, String> {
    let own = tasks
        .clone()
        .into_iter()
        .map(|task| {
            member(task, framework, agent)
                .map_err(|error| format!("Task '{}' is invalid: {error}", task.task_id))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let resources = executor::for_launch(info, framework, agent)?;
    kind(info)?;
    if let Some(task) = tasks
        .into_iter()
        .find(|task| task.executor.as_ref().is_some_and(|own| !executor::same(info, own, &resources)))
    {
        return Err(format!(
            "The `ExecutorInfo` of task '{}' is different from executor '{}'",
            task.task_id, info.executor_id
        ));
    }
    enough(info, &resources)?;
    let needs = Needs {
        tasks: own,
        executor: resources,
        launches_executor: agent.executor(&framework.id, &info.executor_id).is_none(),
    };
    together(&needs)?;
    let total = needs.total();
    if !available.contains(&total) {
        return Err(format!(
            "Total resources {total} required by task group and its executor are more than available \
             {available}"
        ));
    }
    Ok(needs)
}

fn member(info: &TaskInfo, framework: &Framework, agent: &Agent) -> Result<Resources, String> {
    let resources = task::alone(info, framework, agent)?;
    if info.executor.is_none() {
        return Err("'TaskInfo.executor' must be set".to_owned());
    }
    if let Some(container) = &info.container {
        if !container.network_infos.is_empty() {
            return Err("NetworkInfos must not be set on the task".to_owned());
        }
        if container.r#type() == container_info::Type::Docker {
            return Err("Docker ContainerInfo is not supported on the task".to_owned());
        }
    }
    Ok(resources)
}

fn kind(info: &ExecutorInfo) -> Result<(), String> {
    if info.r#type.is_none() {
        return Err("'ExecutorInfo.type' must be set".to_owned());
    }
    if info.r#type() == ExecutorType::Unknown {
        return Err("Unknown executor type".to_owned());
    }
    if info.container.as_ref().is_some_and(|it| it.r#type() == container_info::Type::Docker) {
        return Err("Docker ContainerInfo is not supported on the executor".to_owned());
    }
    Ok(())
}

fn enough(info: &ExecutorInfo, resources: &Resources) -> Result<(), String> {
    let id = &info.executor_id;
    let shown = |amount: Option<f64>, unit: &str| {
        amount.map_or_else(|| "None".to_owned(), |amount| format!("{amount}{unit}"))
    };
    let cpus = resources.cpus();
    if cpus.is_none_or(|cpus| cpus < CPUS_MIN) {
        return Err(format!(
            "Executor '{id}' uses less CPUs ({}) than the minimum required ({CPUS_MIN})",
            shown(cpus, "")
        ));
    }
    let mem = resources.mem();
    if mem.is_none_or(|mem| mem < MEM_MIN) {
        return Err(format!(
            "Executor '{id}' uses less memory ({}) than the minimum required ({MEM_MIN}MB)",
            shown(mem, "MB")
        ));
    }
    if resources.disk().is_none() {
        return Err(format!("Executor '{id}' uses no disk"));
    }
    Ok(())
}

fn together(needs: &Needs) -> Result<(), String> {
    let total = needs.tasks.iter().sum::<Resources>() + &needs.executor;
    within(resource::unique_persistence_ids(&total), "Task group and executor use duplicate persistence ID")?;
    within(
        resource::not_mixed_with_revocable(&total),
        "Task group and executor mix revocable and non-revocable resources",
    )?;
    let parts: Vec<&Resources> = needs.tasks.iter().chain([&needs.executor]).collect();
    if resource::overlap(&parts) {
        let tasks: Vec<_> = needs.tasks.iter().map(ToString::to_string).collect();
        return Err(format!(
            "There are overlapping resources in the task group's task resources [ {} ] and/or executor \
             resources {}",
            tasks.join(", "),
            needs.executor
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
