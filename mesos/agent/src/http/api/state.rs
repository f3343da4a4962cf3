//! The calls that show frameworks, executors and tasks.

use libprocess::http::Response;
use mesos_api::v1::agent::Response as Message;
use mesos_api::v1::agent::response::{self, GetExecutors, GetFrameworks, GetState, GetTasks, Type};
use mesos_api::v1::{Task, TaskState};
use mesos_daemon::media;
use mesos_workload::model::new_task;
use mesos_workload::{Executor, Framework};

use super::Incoming;
use crate::http::view::{VIEW, View, Visibility};
use crate::http::{Refused, gate};

/// Puts an answer together from what its asker may see.
pub(super) async fn answer(
    incoming: Incoming,
    of: impl FnOnce(&View, &Visibility) -> Message + Send + 'static,
) -> Result<Response, Refused> {
    let visibility = Visibility(gate::approvers(&incoming.view, &incoming.request, VIEW).await?);
    let (view, form) = (incoming.view, incoming.media.answer.message());
    gate::work(&incoming.agent, move || media::answer(form, &of(&view, &visibility))).await
}

fn message(r#type: Type) -> Message {
    Message { r#type: Some(r#type as i32), ..Message::default() }
}

pub(super) fn of_state(view: &View, visibility: &Visibility) -> Message {
    let get_state = GetState {
        get_tasks: Some(tasks(view, visibility)),
        get_executors: Some(executors(view, visibility)),
        get_frameworks: Some(frameworks(view, visibility)),
    };
    Message { get_state: Some(get_state), ..message(Type::GetState) }
}

pub(super) fn of_frameworks(view: &View, visibility: &Visibility) -> Message {
    Message { get_frameworks: Some(frameworks(view, visibility)), ..message(Type::GetFrameworks) }
}

pub(super) fn of_executors(view: &View, visibility: &Visibility) -> Message {
    Message { get_executors: Some(executors(view, visibility)), ..message(Type::GetExecutors) }
}

pub(super) fn of_tasks(view: &View, visibility: &Visibility) -> Message {
    Message { get_tasks: Some(tasks(view, visibility)), ..message(Type::GetTasks) }
}

fn frameworks(view: &View, visibility: &Visibility) -> GetFrameworks {
    let shown = |framework: &Framework| response::get_frameworks::Framework {
        framework_info: framework.info.clone(),
    };
    let visible = |framework: &&std::sync::Arc<Framework>| visibility.framework(framework);
    let (now, then) = (view.workload.frameworks().values(), view.workload.completed_frameworks().iter());
    GetFrameworks {
        frameworks: now.filter(visible).map(|framework| shown(framework)).collect(),
        completed_frameworks: then.filter(visible).map(|framework| shown(framework)).collect(),
    }
}

fn executors(view: &View, visibility: &Visibility) -> GetExecutors {
    let shown =
        |executor: &Executor| response::get_executors::Executor { executor_info: executor.info.clone() };
    let mut all = GetExecutors::default();
    for framework in view.frameworks().filter(|framework| visibility.framework(framework)) {
        let visible = |executor: &&std::sync::Arc<Executor>| visibility.executor(executor, framework);
        all.executors.extend(framework.executors.values().filter(visible).map(|executor| shown(executor)));
        all.completed_executors
            .extend(framework.completed.iter().filter(visible).map(|executor| shown(executor)));
    }
    all
}

fn tasks(view: &View, visibility: &Visibility) -> GetTasks {
    let mut all = GetTasks::default();
    for framework in view.frameworks().filter(|framework| visibility.framework(framework)) {
        let id = framework.id();
        let staging = |task| new_task(task, TaskState::TaskStaging, &id);
        let pending = framework.pending_tasks().filter(|task| visibility.task_info(task, framework));
        all.pending_tasks.extend(pending.map(staging));
        for executor in framework.executors.values().chain(&framework.completed) {
            if !visibility.executor(executor, framework) {
                continue;
            }
            let visible = |task: &&Task| visibility.task(task, framework);
            let queued = executor.queued.iter().filter(|task| visibility.task_info(task, framework));
            all.queued_tasks.extend(queued.map(staging));
            all.launched_tasks.extend(executor.launched.values().filter(visible).cloned());
            all.terminated_tasks.extend(executor.terminated.values().filter(visible).cloned());
            all.completed_tasks.extend(executor.completed.iter().filter(visible).cloned());
        }
    }
    all
}
