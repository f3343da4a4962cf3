//! Who may do and see what.

use std::future::Future;

use mesos_access::{Action, Object, Subject};
use mesos_api::v1::{ExecutorInfo, FrameworkInfo, Resource, TaskInfo};
use mesos_auth::{Approvers, Authorizer};
use mesos_cluster::Task;
use std::sync::Arc;
use tracing::warn;

/// What one must be allowed to see for the state of the cluster. What one may not see is left out.
pub(crate) const VIEW: &[Action] =
    &[Action::ViewFramework, Action::ViewTask, Action::ViewExecutor, Action::ViewRole];

/// The answers to the model's questions, in their order. An authorizer that fails allows nothing.
pub(crate) fn answer(
    authorizer: &dyn Authorizer,
    subject: &Subject,
    questions: Vec<(Action, Object)>,
) -> impl Future<Output = Vec<bool>> + Send + use<> {
    let mut actions: Vec<Action> = questions.iter().map(|(action, _)| *action).collect();
    actions.sort_unstable();
    actions.dedup();
    let asked = Approvers::ask(authorizer, subject, &actions);
    async move {
        match asked.await {
            Ok(approvers) => {
                questions.into_iter().map(|(action, object)| approvers.allow(action, || object)).collect()
            }
            Err(error) => {
                warn!(%error, "the authorizer failed: refusing");
                vec![false; questions.len()]
            }
        }
    }
}

/// What the sender of one request may see.
#[derive(Clone, Debug)]
pub(crate) struct Visibility(Approvers);

impl Visibility {
    /// From approvers that were asked for [`VIEW`], or those of its actions that matter.
    pub(crate) fn new(approvers: Approvers) -> Self {
        Self(approvers)
    }

    /// Whether a framework may be seen.
    pub(crate) fn framework(&self, framework: &Arc<FrameworkInfo>) -> bool {
        self.0.allow(Action::ViewFramework, || Object::any().with_framework(Arc::clone(framework)))
    }

    /// Whether a task may be seen.
    pub(crate) fn task(&self, task: &Task, framework: &Arc<FrameworkInfo>) -> bool {
        self.0.allow(Action::ViewTask, || {
            Object::any().with_task(task.info.clone()).with_framework(Arc::clone(framework))
        })
    }

    /// Whether a task that waits to be launched may be seen.
    pub(crate) fn pending_task(&self, task: &Arc<TaskInfo>, framework: &Arc<FrameworkInfo>) -> bool {
        self.0.allow(Action::ViewTask, || {
            Object::any().with_task_info(Arc::clone(task)).with_framework(Arc::clone(framework))
        })
    }

    /// Whether an executor may be seen.
    pub(crate) fn executor(&self, executor: &Arc<ExecutorInfo>, framework: &Arc<FrameworkInfo>) -> bool {
        self.0.allow(Action::ViewExecutor, || {
            Object::any().with_executor(Arc::clone(executor)).with_framework(Arc::clone(framework))
        })
    }

    /// Whether a role may be seen.
    pub(crate) fn role(&self, role: &str) -> bool {
        self.0.allow(Action::ViewRole, || Object::of_value(role))
    }

    /// Whether every role may be seen.
    pub(crate) fn every_role(&self) -> bool {
        self.0.allow_all(Action::ViewRole)
    }

    /// Whether a resource may be seen: every role that it names must be.
    pub(crate) fn resource(&self, resource: &Resource) -> bool {
        if self.every_role() {
            return true;
        }
        let allocated = resource.allocation_info.as_ref().and_then(|info| info.role.as_deref());
        // The old form has its only role beside the reservation.
        let old = resource.role.as_deref().filter(|role| *role != "*");
        let reserved = resource.reservations.iter().filter_map(|reservation| reservation.role.as_deref());
        allocated.into_iter().chain(old).chain(reserved).all(|role| self.role(role))
    }
}
