//! Launching tasks and task groups out of accepted offers.

use std::collections::BTreeSet;
use std::sync::Arc;

use mesos_api::internal::{ResourceVersionUuid, RunTaskGroupMessage, RunTaskMessage};
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{ExecutorInfo, FrameworkId, Task as TaskProto, TaskGroupInfo, TaskInfo, TaskState, Uuid};
use mesos_resources::{Conversion, Resources, format};

use crate::acceptance::{PlannedTask, Remaining};
use crate::agent::Agent;
use crate::cluster::Cluster;
use crate::effect::ToAgent;
use crate::step::Step;
use crate::task::Task;
use crate::validation;
use crate::wire::pid_or_none;

/// A task before its first news.
pub(crate) fn task_proto(task: &TaskInfo, framework: &FrameworkId) -> TaskProto {
    let user = |command: &Option<mesos_api::v1::CommandInfo>| {
        command.as_ref().and_then(|command| command.user.clone())
    };
    TaskProto {
        name: task.name.clone(),
        task_id: task.task_id.clone(),
        framework_id: framework.clone(),
        executor_id: task.executor.as_ref().map(|executor| executor.executor_id.clone()),
        agent_id: task.agent_id.clone(),
        state: TaskState::TaskStaging as i32,
        resources: task.resources.clone(),
        labels: task.labels.clone(),
        discovery: task.discovery.clone(),
        container: task.container.clone(),
        user: user(&task.command)
            .or_else(|| task.executor.as_ref().and_then(|executor| user(&executor.command))),
        ..TaskProto::default()
    }
}

/// The user that a task would run as.
fn user_of<'a>(task: &'a TaskInfo, default: &'a str) -> &'a str {
    let own = task.command.as_ref().and_then(|command| command.user.as_deref());
    let executor = task.executor.as_ref().and_then(|executor| executor.command.as_ref());
    own.or_else(|| executor.and_then(|command| command.user.as_deref())).unwrap_or(default)
}

/// The versions of resources that the master knows of an agent.
fn resource_versions(agent: &Agent) -> Vec<ResourceVersionUuid> {
    let of = |resource_provider_id, uuid: &Vec<u8>| ResourceVersionUuid {
        resource_provider_id,
        uuid: Uuid { value: uuid.clone() },
    };
    let own = agent.resource_version.iter().map(|uuid| of(None, uuid));
    let providers = agent.resource_providers.iter().map(|(id, (_, uuid))| of(Some(id.clone()), uuid));
    own.chain(providers).collect()
}

impl Cluster {
    /// Launches one task of a LAUNCH; the others do not depend on it.
    pub(crate) fn launch(
        &mut self,
        rest: &mut Remaining,
        planned: PlannedTask,
        allowed: bool,
        cx: &mut Step<'_>,
    ) {
        let id = rest.framework.clone();
        let pending = self.unlist_pending(&id, &rest.agent, &planned);
        let task = planned.info;
        if planned.listed && !pending {
            return; // Killed meanwhile, and the scheduler knows.
        }
        let Some(framework) = self.framework(&id) else { return };
        if !allowed {
            let error =
                format!("Not authorized to launch as user '{}'", user_of(&task, &framework.info.user));
            self.fail_task(&id, &task, Reason::TaskUnauthorized, &error, cx);
            return;
        }
        let Some(agent) = self.agent(&rest.agent) else { return };
        // A shared resource may be used by more tasks than copies were offered.
        let available = rest.resources.non_shared() + &rest.shared;
        let verdict = if planned.listed {
            validation::task::launch(&task, framework, agent, &available)
        } else {
            Err(format!("Task has duplicate ID: {}", task.task_id))
        };
        let needs = match verdict {
            Ok(needs) => needs,
            Err(error) => {
                self.fail_task(&id, &task, Reason::TaskInvalid, &error, cx);
                return;
            }
        };
        let consumed = needs.total();
        let additional = consumed.shared() - &rest.resources.shared();
        if !additional.is_empty() {
            rest.conversions.push(Conversion::new(Resources::new(), additional));
        }
        rest.resources -= &consumed;
        let message = self.run_task_message(&rest.framework, &rest.agent, &task);
        if let (true, Some(executor)) = (needs.launches_executor, &task.executor) {
            self.add_executor(&id, &rest.agent, Arc::new(executor.clone()), &needs.executor);
        }
        self.add_task(Task::new(task_proto(&task, &id), needs.task), cx);
        if let (Some(to), Some(message)) = (self.connected_agent(&rest.agent), message) {
            cx.send(to, ToAgent::RunTask(Box::new(message)));
        }
    }

    fn run_task_message(
        &self,
        framework: &FrameworkId,
        agent: &mesos_api::v1::AgentId,
        task: &TaskInfo,
    ) -> Option<RunTaskMessage> {
        let framework = self.framework(framework)?;
        let agent = self.agent(agent)?;
        let mut task = task.clone();
        if !agent.capabilities.reservation_refinement {
            // No refined reservation can be on such an agent.
            let _ = format::downgrade_all(&mut task);
        }
        Some(RunTaskMessage {
            framework_id: None,
            framework: (*framework.info).clone(),
            task,
            resource_version_uuids: resource_versions(agent),
            pid: Some(pid_or_none(framework.pid())),
        })
    }

    /// Launches all tasks of a group, or none.
    pub(crate) fn launch_group(
        &mut self,
        rest: &mut Remaining,
        executor: ExecutorInfo,
        tasks: Vec<PlannedTask>,
        allowed: &[bool],
        cx: &mut Step<'_>,
    ) {
        let id = rest.framework.clone();
        let mut killed = BTreeSet::new();
        for task in &tasks {
            let pending = self.unlist_pending(&id, &rest.agent, task);
            if task.listed && !pending {
                killed.insert(task.info.task_id.clone());
            }
        }
        let alive = || tasks.iter().filter(|task| !killed.contains(&task.info.task_id));
        let needs = match self.check_group(rest, &executor, &tasks, allowed) {
            Ok(needs) => needs,
            Err((reason, error)) => {
                for task in alive() {
                    self.fail_task(&id, &task.info, reason, &error, cx);
                }
                return;
            }
        };
        if !killed.is_empty() {
            let message = "A task within the task group was killed before delivery to the agent";
            for task in alive() {
                let reason = Reason::TaskKilledDuringLaunch;
                self.end_unlaunched(&id, &task.info, TaskState::TaskKilled, reason, message, cx);
            }
            return;
        }
        rest.resources -= &needs.total();
        let message = self.run_group_message(rest, &executor, &tasks);
        if needs.launches_executor {
            self.add_executor(&id, &rest.agent, Arc::new(executor), &needs.executor);
        }
        for (task, resources) in tasks.iter().zip(needs.tasks) {
            self.add_task(Task::new(task_proto(&task.info, &id), resources), cx);
        }
        if let (Some(to), Some(message)) = (self.connected_agent(&rest.agent), message) {
            cx.send(to, ToAgent::RunTaskGroup(Box::new(message)));
        }
    }

    fn check_group(
        &self,
        rest: &Remaining,
        executor: &ExecutorInfo,
        tasks: &[PlannedTask],
        allowed: &[bool],
    ) -> Result<validation::group::Needs, (Reason, String)> {
        let gone = || (Reason::TaskGroupInvalid, "The framework or the agent is gone".to_owned());
        let framework = self.framework(&rest.framework).ok_or_else(gone)?;
        let agent = self.agent(&rest.agent).ok_or_else(gone)?;
        if let Some((task, _)) = tasks.iter().zip(allowed).find(|(_, allowed)| !**allowed) {
            let own = task.info.command.as_ref().and_then(|command| command.user.as_deref());
            return Err((
                Reason::TaskGroupUnauthorized,
                format!(
                    "Task '{}' is not authorized to launch as user '{}'",
                    task.info.task_id,
                    own.unwrap_or(&framework.info.user)
                ),
            ));
        }
        let invalid = |error: String| (Reason::TaskGroupInvalid, error);
        if tasks.is_empty() {
            return Err(invalid("The task group has no tasks".to_owned()));
        }
        if let Some(twice) = tasks.iter().find(|task| !task.listed) {
            let id = &twice.info.task_id;
            return Err(invalid(format!("Task '{id}' is invalid: Task has duplicate ID: {id}")));
        }
        let infos = tasks.iter().map(|task| &*task.info);
        validation::group::launch(infos, executor, framework, agent, &rest.resources).map_err(invalid)
    }

    fn run_group_message(
        &self,
        rest: &Remaining,
        executor: &ExecutorInfo,
        tasks: &[PlannedTask],
    ) -> Option<RunTaskGroupMessage> {
        let framework = self.framework(&rest.framework)?;
        let agent = self.agent(&rest.agent)?;
        let mut executor = executor.clone();
        let mut task_group = TaskGroupInfo { tasks: tasks.iter().map(|task| (*task.info).clone()).collect() };
        if !agent.capabilities.reservation_refinement {
            // No refined reservation can be on such an agent.
            let _ = format::downgrade_all(&mut executor);
            let _ = format::downgrade_all(&mut task_group);
        }
        Some(RunTaskGroupMessage {
            framework: (*framework.info).clone(),
            executor,
            task_group,
            resource_version_uuids: resource_versions(agent),
        })
    }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::CommandInfo;

    use super::*;

    #[test]
    fn user_of_the_task_counts_before_that_of_the_executor() {
        let as_user =
            |user: &str| Some(CommandInfo { user: Some(user.to_owned()), ..CommandInfo::default() });
        let mut task = TaskInfo::default();
        assert_eq!(user_of(&task, "f"), "f");
        task.executor = Some(ExecutorInfo { command: as_user("e"), ..ExecutorInfo::default() });
        assert_eq!(user_of(&task, "f"), "e");
        assert_eq!(task_proto(&task, &"f".into()).user.as_deref(), Some("e"));
        task.command = as_user("t");
        assert_eq!(user_of(&task, "f"), "t");
        assert_eq!(task_proto(&task, &"f".into()).user.as_deref(), Some("t"));
    }

    #[test]
    fn task_begins_in_staging() {
        let task = TaskInfo { task_id: "t".into(), agent_id: "a".into(), ..TaskInfo::default() };
        let proto = task_proto(&task, &"f".into());
        assert_eq!(proto.state(), TaskState::TaskStaging);
        assert!(proto.statuses.is_empty());
    }
}
