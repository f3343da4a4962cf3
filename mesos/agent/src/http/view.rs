//! A picture of the agent, and who may see what of it.

use std::sync::Arc;

use libprocess::{Context, Upid};
use mesos_access::{Action, Object};
use mesos_api::v1::{ContainerId, Task, TaskInfo};
use mesos_auth::Approvers;
use mesos_containerizer::Containerizer;
use mesos_workload::{Executor, Framework, Workload};

use crate::detector::Leader;
use crate::process::{AgentProcess, Setup};

/// The agent as it was at one moment.
#[derive(Clone)]
pub(super) struct View {
    pub(super) workload: Workload,
    pub(super) setup: Arc<Setup>,
    pub(super) leader: Option<Leader>,
    pub(super) containerizer: Containerizer,
    pub(super) upid: Upid,
}

impl View {
    pub(super) fn of(agent: &AgentProcess, cx: &Context<AgentProcess>) -> Self {
        View {
            workload: agent.workload.clone(),
            setup: Arc::clone(&agent.setup),
            leader: agent.leader.clone(),
            containerizer: agent.containerizer.clone(),
            upid: cx.upid().clone(),
        }
    }

    /// Frameworks that have something here, then those that had.
    pub(super) fn frameworks(&self) -> impl Iterator<Item = &Arc<Framework>> {
        self.workload.frameworks().values().chain(self.workload.completed_frameworks())
    }

    /// The executor that a container, or the root above it, belongs to.
    pub(super) fn owner(&self, container: &ContainerId) -> Option<(&Framework, &Executor)> {
        self.workload.executor_in(&root(container).value)
    }
}

/// The container at the top.
pub(super) fn root(container: &ContainerId) -> &ContainerId {
    container.parent.as_deref().map_or(container, root)
}

/// What one must be allowed to see for the state of the agent. What one may not see is left out.
pub(super) const VIEW: &[Action] =
    &[Action::ViewFramework, Action::ViewTask, Action::ViewExecutor, Action::ViewRole, Action::ViewFlags];

/// What the sender of one request may see.
#[derive(Clone, Debug)]
pub(super) struct Visibility(pub(super) Approvers);

impl Visibility {
    pub(super) fn framework(&self, framework: &Framework) -> bool {
        self.0.allow(Action::ViewFramework, || Object::any().with_framework(framework.info.clone()))
    }

    pub(super) fn executor(&self, executor: &Executor, framework: &Framework) -> bool {
        self.0.allow(Action::ViewExecutor, || {
            Object::any().with_executor(executor.info.clone()).with_framework(framework.info.clone())
        })
    }

    pub(super) fn task(&self, task: &Task, framework: &Framework) -> bool {
        self.0.allow(Action::ViewTask, || {
            Object::any().with_task(task.clone()).with_framework(framework.info.clone())
        })
    }

    pub(super) fn task_info(&self, task: &TaskInfo, framework: &Framework) -> bool {
        self.0.allow(Action::ViewTask, || {
            Object::any().with_task_info(task.clone()).with_framework(framework.info.clone())
        })
    }

    pub(super) fn role(&self, role: &str) -> bool {
        self.0.allow(Action::ViewRole, || Object::of_value(role))
    }

    pub(super) fn flags(&self) -> bool {
        self.0.allow(Action::ViewFlags, Object::any)
    }
}
