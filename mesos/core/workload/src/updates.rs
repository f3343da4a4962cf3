//! Status updates on their way from executors, or the agent itself, to the update streams.

use mesos_api::internal::{ReconcileTasksMessage, StatusUpdate};
use mesos_api::v1::{
    ContainerId, ExecutorId, FrameworkId, TaskId, TaskState, TaskStatus, executor,
    framework_info::capability::Type,
    task_status::{Reason, Source},
};
use mesos_updates::{Uuid, state::is_terminal};
use stout::Time;

use crate::events::{Count, Effect};
use crate::executors::send;
use crate::launch::run_id;
use crate::model::{ExecutorState, has_capability};
use crate::workload::key_of;
use crate::{Phase, Workload};

/// Whether an update survives a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// If its executor does.
    LikeItsExecutor,
    /// Not: the task is not on disk.
    Never,
}

/// What becomes of a task, as its framework reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate<'a> {
    pub(crate) state: TaskState,
    pub(crate) reason: Reason,
    pub(crate) message: &'a str,
}

impl Workload {
    /// An update that the agent makes itself.
    pub(crate) fn agent_update(
        &mut self,
        framework: &FrameworkId,
        executor: Option<&ExecutorId>,
        task: &TaskId,
        fate: Fate<'_>,
        now: Time,
    ) -> StatusUpdate {
        let uuid = self.ids.uuid().to_vec();
        let timestamp = now.as_secs_f64();
        StatusUpdate {
            framework_id: framework.clone(),
            executor_id: executor.cloned(),
            slave_id: self.info.id.clone(),
            status: TaskStatus {
                task_id: task.clone(),
                state: fate.state as i32,
                message: Some(fate.message.to_owned()),
                source: Some(Source::Agent as i32),
                reason: Some(fate.reason as i32),
                agent_id: self.info.id.clone(),
                executor_id: executor.cloned(),
                timestamp: Some(timestamp),
                uuid: Some(uuid.clone()),
                ..TaskStatus::default()
            },
            timestamp,
            uuid: Some(uuid),
            latest_state: None,
        }
    }

    /// An update as an executor sent it.
    pub(crate) fn executor_update(
        &mut self,
        mut update: StatusUpdate,
        executor: &ExecutorId,
        out: &mut Vec<Effect>,
    ) {
        let uuid = match self.check_update(&update) {
            Ok(uuid) => uuid,
            Err(why) => {
                out.push(Effect::Count(Count::InvalidUpdate));
                let task = &update.status.task_id.value;
                out.push(Effect::Note(format!("ignoring an update of task '{task}': {why}")));
                return;
            }
        };
        update.status.uuid = update.uuid.clone();
        update.status.set_source(Source::Executor);
        if update.executor_id.is_some() {
            update.status.executor_id.clone_from(&update.executor_id);
        }
        let framework = update.framework_id.clone();
        if update.status.state() == TaskState::TaskStaging {
            let id = &executor.value;
            out.push(Effect::Note(format!(
                "executor '{id}' sent TASK_STAGING, which is not allowed: it ends"
            )));
            self.end_executor(&framework, id, out);
            return;
        }
        let Some(found) = self.executor_mut(&framework, &executor.value) else {
            out.push(Effect::Count(Count::InvalidUpdate));
            return;
        };
        found.unaccepted.insert((update.status.task_id.value.clone(), uuid));
        let named = update.status.container_status.as_ref().and_then(|status| status.container_id.clone());
        let container: ContainerId = named.unwrap_or_else(|| found.container_id.clone());
        out.push(Effect::Annotate { update: Box::new(update), executor: executor.clone(), container });
    }

    fn check_update(&self, update: &StatusUpdate) -> Result<Uuid, String> {
        let uuid = update.uuid.as_deref().ok_or("it has no uuid")?;
        let uuid = Uuid::from_slice(uuid).map_err(|error| format!("its uuid is none: {error}"))?;
        if update.slave_id != self.info.id || update.status.agent_id != self.info.id {
            return Err("it is for another agent".to_owned());
        }
        match self.framework(&update.framework_id) {
            None => Err(format!("framework {} is unknown", update.framework_id.value)),
            Some(framework) if framework.terminating => {
                Err(format!("framework {} is terminating", update.framework_id.value))
            }
            Some(_) => Ok(uuid),
        }
    }

    pub(crate) fn annotated(&mut self, update: StatusUpdate, executor: &ExecutorId, out: &mut Vec<Effect>) {
        // Whoever sent it is told once the streams have it, or now if they will not get it.
        let (framework, task) = (update.framework_id.clone(), update.status.task_id.clone());
        let uuid = update.uuid.as_deref().and_then(|bytes| Uuid::from_slice(bytes).ok());
        let taken = self.status_update(update, out);
        if let (false, Some(uuid)) = (taken, uuid) {
            self.accepted_by(&framework, executor, &task, uuid, out);
        }
    }

    /// Records the new state of a task and hands the update to the streams; says whether it did.
    pub(crate) fn status_update(&mut self, update: StatusUpdate, out: &mut Vec<Effect>) -> bool {
        self.take_update(update, Keep::LikeItsExecutor, out)
    }

    pub(crate) fn take_update(&mut self, update: StatusUpdate, keep: Keep, out: &mut Vec<Effect>) -> bool {
        let (framework, task) = (update.framework_id.clone(), update.status.task_id.clone());
        let agent = self.agent_id().value;
        let layout = self.layout.clone();
        let terminal = is_terminal(update.status.state());
        let Some(executor) = self.holder_mut(&framework, &task) else {
            // The master knows the task, or does not count on it: it decides.
            out.push(Effect::Count(Count::ValidUpdate));
            out.push(Effect::Update { update: Box::new(update), file: None, shrink: None });
            return true;
        };
        if let Err(error) = executor.set_task_status(&update.status) {
            let state = update.status.state().as_str_name();
            out.push(Effect::Count(Count::InvalidUpdate));
            out.push(Effect::Note(format!(
                "ignoring an update of task '{}' to {state}: {error}",
                task.value
            )));
            return false;
        }
        let key = key_of(executor);
        let kept = executor.checkpoint && keep == Keep::LikeItsExecutor;
        let file = kept.then(|| layout.task_updates(run_id(&agent, &key), &task.value));
        // The master may offer what the task had as soon as it knows.
        let living = executor.state != ExecutorState::Terminated;
        let shrink = (terminal && living).then(|| (key.container, executor.allocated().to_protos()));
        out.push(Effect::Count(Count::ValidUpdate));
        if terminal {
            out.push(Effect::Count(Count::TaskEnded(update.status.state())));
        }
        out.push(Effect::Update { update: Box::new(update), file, shrink });
        true
    }

    pub(crate) fn accepted(
        &mut self,
        framework: &FrameworkId,
        task: &TaskId,
        uuid: Uuid,
        out: &mut Vec<Effect>,
    ) {
        let Some(found) = self.framework(framework) else { return };
        let key = (task.value.clone(), uuid);
        let maker = found.executors.values().find(|executor| executor.unaccepted.contains(&key));
        if let Some(executor) = maker.map(|maker| maker.info.executor_id.clone()) {
            self.accepted_by(framework, &executor, task, uuid, out);
        }
    }

    fn accepted_by(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        task: &TaskId,
        uuid: Uuid,
        out: &mut Vec<Effect>,
    ) {
        let Some(found) = self.executor_mut(framework, &executor.value) else { return };
        if !found.unaccepted.remove(&(task.value.clone(), uuid)) {
            return;
        }
        let event = executor::Event {
            r#type: Some(executor::event::Type::Acknowledged as i32),
            acknowledged: Some(executor::event::Acknowledged { task_id: task.clone(), uuid: uuid.to_vec() }),
            ..Default::default()
        };
        out.push(send(framework, executor, &found.link, event));
    }

    /// The master counts by what was forwarded last, also after a restart of its own.
    pub(crate) fn forwarded(&mut self, update: &StatusUpdate) {
        if let Some(executor) = self.holder_mut(&update.framework_id, &update.status.task_id) {
            let id = &update.status.task_id.value;
            let tasks = [&mut executor.launched, &mut executor.terminated];
            for task in tasks.into_iter().filter_map(|tasks| tasks.get_mut(id)) {
                task.status_update_state = Some(update.status.state);
                task.status_update_uuid.clone_from(&update.uuid);
            }
        }
    }

    pub(crate) fn acknowledged(
        &mut self,
        framework: &FrameworkId,
        task: &TaskId,
        finished: bool,
        out: &mut Vec<Effect>,
    ) {
        if let Some(executor) = self.holder_mut(framework, task) {
            if finished {
                executor.complete(&task.value);
            }
            let id = executor.id().to_owned();
            if executor.state == ExecutorState::Terminated && !executor.has_incomplete_tasks() {
                self.remove_executor(framework, &id, out);
            }
        }
        self.remove_framework_if_idle(framework, out);
    }

    /// Ends tasks for the master that it counts on and that are not here.
    pub(crate) fn reconcile(
        &mut self,
        messages: Vec<ReconcileTasksMessage>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        for message in messages {
            let framework = message.framework_id.clone();
            let aware =
                message.framework.as_ref().is_some_and(|info| has_capability(info, Type::PartitionAware));
            let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
            for status in message.statuses {
                let task = status.task_id;
                if self.framework(&framework).is_some_and(|found| found.has_task(&task.value)) {
                    continue;
                }
                let message = "Reconciliation: task unknown to the agent";
                let fate = Fate { state, reason: Reason::Reconciliation, message };
                let update = self.agent_update(&framework, None, &task, fate, now);
                out.push(Effect::Update { update: Box::new(update), file: None, shrink: None });
            }
        }
    }

    pub(crate) fn framework_message(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        data: Vec<u8>,
        out: &mut Vec<Effect>,
    ) {
        let found = self.framework(framework).filter(|framework| !framework.terminating);
        let running = found
            .and_then(|framework| framework.executors.get(&executor.value))
            .filter(|executor| self.phase == Phase::Running && executor.state == ExecutorState::Running);
        let Some(found) = running else {
            out.push(Effect::Count(Count::InvalidMessage));
            return;
        };
        let event = executor::Event {
            r#type: Some(executor::event::Type::Message as i32),
            message: Some(executor::event::Message { data }),
            ..Default::default()
        };
        out.push(send(framework, executor, &found.link, event));
        out.push(Effect::Count(Count::ValidMessage));
    }

    pub(crate) fn executor_message(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        data: Vec<u8>,
        out: &mut Vec<Effect>,
    ) {
        let found = self.framework(framework).filter(|framework| !framework.terminating);
        let Some(found) = found.filter(|_| self.phase == Phase::Running) else {
            out.push(Effect::Count(Count::InvalidMessage));
            return;
        };
        let pid = found.pid.clone();
        out.push(Effect::ToFramework { framework: framework.clone(), executor: executor.clone(), data, pid });
        out.push(Effect::Count(Count::ValidMessage));
    }
}
