//! What agents say when they register.

use std::collections::BTreeSet;

use mesos_api::internal::{RegisterSlaveMessage, ReregisterSlaveMessage};
use mesos_api::v1::{AgentInfo, Resource, TaskState};
use mesos_resources::validate;
use stout::Version;

use super::{Verdict, executor, framework, id, within};
use crate::wire::is_uuid;

/// The oldest agents that may register.
const VERSION_MIN: Version = Version::new(1, 0, 0);

fn resources(protos: &[Resource]) -> Verdict {
    validate::resources(protos).map_err(|error| error.to_string())
}

fn info(info: &AgentInfo) -> Verdict {
    if let Some(name) = &info.id {
        id::id(&name.value)?;
    }
    resources(&info.resources)
}

fn resource_version(uuid: Option<&mesos_api::v1::Uuid>) -> Verdict {
    match uuid {
        Some(uuid) if !is_uuid(&uuid.value) => Err("'resource_version_uuid' is no UUID".to_owned()),
        _ => Ok(()),
    }
}

/// Checks a registration.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn register(message: &RegisterSlaveMessage) -> Verdict {
    info(&message.slave)?;
    if !message.checkpointed_resources.is_empty() && !message.slave.checkpoint() {
        return Err("Checkpointed resources provided when checkpointing is not enabled".to_owned());
    }
    resources(&message.checkpointed_resources)?;
    resource_version(message.resource_version_uuid.as_ref())
}

/// Checks a re-registration: everything in it must belong together.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn reregister(message: &ReregisterSlaveMessage) -> Verdict {
    info(&message.slave)?;
    let Some(agent) = &message.slave.id else { return Err("The agent has no id".to_owned()) };
    resources(&message.checkpointed_resources)?;
    resource_version(message.resource_version_uuid.as_ref())?;
    let mut frameworks = BTreeSet::new();
    for info in &message.frameworks {
        framework::info(info)?;
        let Some(id) = info.id.as_ref().filter(|id| !id.value.is_empty()) else {
            return Err("Framework has no FrameworkID".to_owned());
        };
        if !frameworks.insert(id) {
            return Err(format!("Framework has a duplicate FrameworkID: '{id}'"));
        }
    }
    let mut executors = BTreeSet::new();
    for info in &message.executor_infos {
        executor::executor(info)?;
        resources(&info.resources)?;
        let Some(framework) = info.framework_id.as_ref().filter(|id| frameworks.contains(*id)) else {
            let found = info.framework_id.as_ref().map_or("", |id| &id.value);
            return Err(format!("Executor has an invalid FrameworkID '{found}'"));
        };
        if !executors.insert((framework, &info.executor_id)) {
            return Err(format!("Framework '{framework}' has a duplicate ExecutorID '{}'", info.executor_id));
        }
    }
    let mut tasks = BTreeSet::new();
    for task in &message.tasks {
        within(id::id(&task.task_id.value), "Task has an invalid TaskID")?;
        if task.agent_id != *agent {
            return Err(format!("Task has an invalid SlaveID '{}'", task.agent_id));
        }
        if !frameworks.contains(&task.framework_id) {
            return Err(format!("Task has an invalid FrameworkID '{}'", task.framework_id));
        }
        // The agent leaves out the ids of command executors.
        if let Some(executor) = &task.executor_id
            && task.state() == TaskState::TaskRunning
            && !executors.contains(&(&task.framework_id, executor))
        {
            return Err(format!("Task has an invalid ExecutorID '{executor}'"));
        }
        within(resources(&task.resources), "Task uses invalid resources")?;
        if !tasks.insert((&task.framework_id, &task.task_id)) {
            return Err(format!("Task has a duplicate TaskID '{}'", task.task_id));
        }
    }
    Ok(())
}

/// Checks an agent's version.
///
/// # Errors
///
/// Names the version if it is none or too old.
pub fn version(version: &str) -> Verdict {
    let parsed: Version =
        version.parse().map_err(|error| format!("failed to parse version '{version}': {error}"))?;
    if parsed < VERSION_MIN {
        return Err(format!("agent version is {parsed}, minimum supported agent version is {VERSION_MIN}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::{ExecutorInfo, FrameworkInfo, Task, Uuid};
    use mesos_resources::Resources;

    use super::*;

    fn agent() -> AgentInfo {
        AgentInfo { id: Some("a".into()), hostname: "h".into(), ..AgentInfo::default() }
    }

    fn message() -> ReregisterSlaveMessage {
        ReregisterSlaveMessage {
            slave: agent(),
            frameworks: vec![FrameworkInfo { id: Some("f".into()), ..FrameworkInfo::default() }],
            executor_infos: vec![ExecutorInfo {
                executor_id: "e".into(),
                framework_id: Some("f".into()),
                ..ExecutorInfo::default()
            }],
            tasks: vec![Task {
                task_id: "t".into(),
                agent_id: "a".into(),
                framework_id: "f".into(),
                executor_id: Some("e".into()),
                state: TaskState::TaskRunning as i32,
                ..Task::default()
            }],
            ..ReregisterSlaveMessage::default()
        }
    }

    fn refused(change: impl Fn(&mut ReregisterSlaveMessage), error: &str) {
        let mut message = message();
        change(&mut message);
        let found = reregister(&message).unwrap_err();
        assert!(found.contains(error), "{found} instead of {error}");
    }

    #[test]
    fn everything_in_a_reregistration_belongs_together() {
        assert_eq!(reregister(&message()), Ok(()));
        refused(|it| it.slave.id = None, "The agent has no id");
        refused(|it| it.slave.id = Some("a/b".into()), "invalid characters");
        refused(|it| it.frameworks.push(it.frameworks[0].clone()), "duplicate FrameworkID");
        refused(|it| it.frameworks[0].id = None, "Framework has no FrameworkID");
        refused(
            |it| it.executor_infos[0].framework_id = Some("g".into()),
            "Executor has an invalid FrameworkID",
        );
        refused(|it| it.executor_infos.push(it.executor_infos[0].clone()), "duplicate ExecutorID");
        refused(|it| it.tasks[0].task_id = "".into(), "Task has an invalid TaskID");
        refused(|it| it.tasks[0].agent_id = "b".into(), "Task has an invalid SlaveID");
        refused(|it| it.tasks[0].framework_id = "g".into(), "Task has an invalid FrameworkID");
        refused(|it| it.tasks[0].executor_id = Some("x".into()), "Task has an invalid ExecutorID");
        refused(|it| it.tasks.push(it.tasks[0].clone()), "duplicate TaskID");
        refused(|it| it.resource_version_uuid = Some(Uuid { value: vec![1] }), "is no UUID");
    }

    #[test]
    fn finished_task_may_name_an_executor_that_is_over() {
        let mut message = message();
        message.executor_infos.clear();
        message.tasks[0].state = TaskState::TaskFinished as i32;
        assert_eq!(reregister(&message), Ok(()));
    }

    #[test]
    fn checkpointed_resources_need_checkpointing() {
        let checkpointed = Resources::parse("cpus(web):1", "*").unwrap().to_protos();
        let message = |checkpoint| RegisterSlaveMessage {
            slave: AgentInfo { checkpoint, ..agent() },
            checkpointed_resources: checkpointed.clone(),
            ..RegisterSlaveMessage::default()
        };
        assert_eq!(register(&message(Some(true))), Ok(()));
        assert!(register(&message(None)).is_err());
    }

    #[test]
    fn agents_before_1_0_are_too_old() {
        assert_eq!(version("1.5.0"), Ok(()));
        assert_eq!(version("1.4.1-rc1"), Ok(()));
        assert!(version("0.28.2").is_err());
        assert!(version("1.0.0-rc1").is_err());
        assert!(version("").is_err());
        assert!(version("one").is_err());
    }
}
