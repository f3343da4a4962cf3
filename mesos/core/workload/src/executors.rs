//! What becomes of executors: they call, get their tasks, and end.

use mesos_api::internal::StatusUpdate;
use mesos_api::v1::{
    ExecutorId, FrameworkId, TaskGroupInfo, TaskId, TaskInfo, TaskState, TaskStatus, executor,
    task_status::Reason,
};
use mesos_updates::state::is_terminal;
use stout::{Time, duration};

use crate::environment::shutdown_grace_period;
use crate::events::{Count, Effect, Input, LaunchError, PrepareError, RunKey, Subscription, Termination};
use crate::launch::run_id;
use crate::model::{Executor, ExecutorState, Link, new_task};
use crate::task_end::TaskEnd;
use crate::updates::{Fate, Keep};
use crate::workload::key_of;
use crate::{File, Phase, Workload, records};

impl Workload {
    /// What has to be on disk before [`Input::Subscribe`] of an executor: how it is reached.
    pub fn subscription_file(
        &self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        link: &Link,
    ) -> Option<File> {
        let executor = self.executor(framework, executor).filter(|executor| executor.checkpoint)?;
        let same = match (&executor.link, link) {
            (Link::Http(_) | Link::AwaitingHttp, Link::Http(_)) => true,
            (known, link) => known == link,
        };
        let agent = self.agent_id().value;
        if same { None } else { records::link(&self.layout, run_id(&agent, &key_of(executor)), link) }
    }

    pub(crate) fn subscribe(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        link: Link,
        kind: Subscription,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        if let Err(why) = self.may_subscribe(framework, executor, &kind) {
            let Some(why) = why else { return };
            let id = &executor.value;
            out.push(Effect::Note(format!(
                "shutting down executor '{id}' of framework {}: {why}",
                framework.value
            )));
            out.push(send(framework, executor, &link, shutdown_event()));
            out.push(Effect::Close(link));
            return;
        }
        let Some(found) = self.executor_mut(framework, &executor.value) else { return };
        let previous = std::mem::replace(&mut found.link, link.clone());
        if matches!(previous, Link::Http(_)) {
            out.push(Effect::Close(previous));
        }
        found.state = ExecutorState::Running;
        if let (Subscription::Reregister { .. }, Link::Pid(pid)) = (&kind, &link) {
            out.push(Effect::Reregistered { pid: pid.clone() });
        }
        let is_reregistration = matches!(kind, Subscription::Reregister { .. });
        let (tasks, updates) = self.unacknowledged(framework, kind, now);
        self.drop_unknown_tasks(framework, executor, &tasks, &updates, now, out);
        for update in updates {
            self.executor_update(update, executor, out);
        }
        let Some(found) = self.executor_mut(framework, &executor.value) else { return };
        // Built-in executors wait for their tasks without end.
        if !found.was_sent_a_task() && found.queued.is_empty() {
            out.push(Effect::Note(format!(
                "shutting down executor '{}' of framework {}: its tasks were killed before delivery",
                executor.value, framework.value
            )));
            self.end_executor(framework, &executor.value, out);
            return;
        }
        let resources = found.allocated().to_protos();
        let tasks = found.queued.iter().map(|task| task.task_id.clone()).collect();
        let run = key_of(found);
        if !is_reregistration {
            self.greet(framework, executor, &link, out);
        }
        out.push(Effect::Prepare { run, files: Vec::new(), resources, tasks });
    }

    /// Why an executor that calls has to end; an inner `None` means that it was here before and may stay.
    fn may_subscribe(
        &self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        kind: &Subscription,
    ) -> Result<(), Option<&'static str>> {
        if self.phase == Phase::Terminating {
            return Err(Some("the agent is terminating"));
        }
        if self.phase == Phase::Recovering && matches!(kind, Subscription::Register) {
            return Err(Some("the agent is still recovering"));
        }
        let Some(found) = self.framework(framework) else { return Err(Some("the framework is unknown")) };
        if found.terminating {
            return Err(Some("the framework is terminating"));
        }
        let Some(found) = found.executors.get(&executor.value) else {
            return Err(Some("the executor is unknown"));
        };
        match (found.state, kind) {
            (ExecutorState::Registering, _) | (ExecutorState::Running, Subscription::Subscribe { .. }) => {
                Ok(())
            }
            (ExecutorState::Running, Subscription::Reregister { .. })
                if self.options.reregistration_retry_interval.is_some() =>
            {
                Err(None)
            }
            (ExecutorState::Running, _) => Err(Some("it is registered already")),
            (ExecutorState::Terminating, _) => Err(Some("it is terminating")),
            (ExecutorState::Terminated, _) => Err(Some("it has terminated")),
        }
    }

    /// What the executor still knows and the agent may not.
    fn unacknowledged(
        &self,
        framework: &FrameworkId,
        kind: Subscription,
        now: Time,
    ) -> (Vec<TaskInfo>, Vec<StatusUpdate>) {
        match kind {
            Subscription::Register => (Vec::new(), Vec::new()),
            Subscription::Reregister { tasks, updates } => (tasks, updates),
            Subscription::Subscribe { tasks, updates } => {
                let updates = updates.into_iter().map(|status| self.wrap_status(framework, status, now));
                (tasks, updates.collect())
            }
        }
    }

    /// The update that a status of an executor over HTTP stands for.
    pub fn wrap_status(&self, framework: &FrameworkId, mut status: TaskStatus, now: Time) -> StatusUpdate {
        status.agent_id.get_or_insert_with(|| self.agent_id());
        StatusUpdate {
            framework_id: framework.clone(),
            executor_id: status.executor_id.clone(),
            slave_id: self.info.id.clone(),
            timestamp: status.timestamp.unwrap_or(now.as_secs_f64()),
            uuid: status.uuid.clone(),
            status,
            latest_state: None,
        }
    }

    /// Tasks that were on their way when the agent restarted.
    fn drop_unknown_tasks(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        tasks: &[TaskInfo],
        updates: &[StatusUpdate],
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let Some(found) = self.executor(framework, executor) else { return };
        let known = |id: &TaskId| {
            tasks.iter().any(|task| task.task_id == *id)
                || updates.iter().any(|update| update.status.task_id == *id)
        };
        let staging = found.launched.values().filter(|task| task.state() == TaskState::TaskStaging);
        let lost: Vec<TaskId> = staging.map(|task| task.task_id.clone()).filter(|id| !known(id)).collect();
        let state = self.lost_state(framework);
        for id in lost {
            let message = "Task launched during agent restart";
            let fate = Fate { state, reason: Reason::AgentRestarted, message };
            let update = self.agent_update(framework, Some(executor), &id, fate, now);
            self.status_update(update, out);
        }
    }

    /// The first event of an executor.
    fn greet(&self, framework: &FrameworkId, executor: &ExecutorId, link: &Link, out: &mut Vec<Effect>) {
        let (Some(found), Some(run)) = (self.framework(framework), self.executor(framework, executor)) else {
            return;
        };
        let event = executor::Event {
            r#type: Some(executor::event::Type::Subscribed as i32),
            subscribed: Some(executor::event::Subscribed {
                executor_info: run.info.clone(),
                framework_info: found.info.clone(),
                agent_info: self.info.clone(),
                container_id: Some(run.container_id.clone()),
            }),
            ..Default::default()
        };
        out.push(send(framework, executor, link, event));
    }

    pub(crate) fn unsubscribed(&mut self, framework: &FrameworkId, executor: &ExecutorId, link: &Link) {
        if let Some(found) = self.executor_mut(framework, &executor.value)
            && found.link == *link
        {
            found.link = Link::AwaitingHttp;
        }
    }

    pub(crate) fn prepared(
        &mut self,
        key: &RunKey,
        tasks: &[TaskId],
        outcome: Result<(), PrepareError>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        match outcome {
            Ok(()) => self.hand_out(key, tasks, out),
            Err(PrepareError::Checkpoint(error)) => self.give_up_queued(key, tasks, &error, now, out),
            Err(error @ PrepareError::Update(_)) => {
                let state = self.gone_state(&key.framework);
                let Some(executor) = self.run_mut(key) else { return };
                let mut message = error.to_string();
                message.replace_range(..1, "F");
                executor.pending_termination = Some(Termination {
                    state: Some(state),
                    reason: Some(Reason::ContainerUpdateFailed),
                    message: Some(message),
                    ..Termination::default()
                });
                out.push(Effect::Destroy(key.container.clone()));
            }
        }
    }

    /// Tasks that could not be remembered are not started: they would be forgotten.
    fn give_up_queued(
        &mut self,
        key: &RunKey,
        tasks: &[TaskId],
        error: &str,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let state = self.lost_state(&key.framework);
        let message = format!("Failed to checkpoint the task: {error}");
        let fate = Fate { state, reason: Reason::ContainerLaunchFailed, message: &message };
        for id in self.with_their_groups(key, tasks) {
            let update = self.agent_update(&key.framework, Some(&key.executor), &id, fate, now);
            self.take_update(update, Keep::Never, out);
        }
        self.end_if_never_used(&key.framework, &key.executor.value, out);
    }

    /// Those that still wait, and whoever stands or falls with them.
    fn with_their_groups(&mut self, key: &RunKey, tasks: &[TaskId]) -> Vec<TaskId> {
        let Some(executor) = self.run_mut(key) else { return Vec::new() };
        let mut all: Vec<TaskId> = Vec::new();
        for id in tasks.iter().filter(|id| executor.is_queued(&id.value)) {
            let group = executor.queued_group(&id.value).map(<[String]>::to_vec);
            for member in group.unwrap_or_else(|| vec![id.value.clone()]) {
                if !all.iter().any(|known| known.value == member) {
                    all.push(TaskId { value: member });
                }
            }
        }
        all
    }

    /// Gives queued tasks to their executor, as far as they were not killed meanwhile.
    fn hand_out(&mut self, key: &RunKey, tasks: &[TaskId], out: &mut Vec<Effect>) {
        if self.framework(&key.framework).is_none_or(|framework| framework.terminating) {
            return;
        }
        let Some(executor) = self.run_mut(key) else { return };
        // Who is not connected gets them when it calls again.
        let connected = matches!(executor.link, Link::Http(_) | Link::Pid(_));
        if executor.state != ExecutorState::Running || !connected {
            return;
        }
        let link = executor.link.clone();
        for id in tasks {
            if let Some(group) = executor.queued_group(&id.value).map(<[String]>::to_vec) {
                let members = group.iter().filter_map(|member| executor.dequeue(member)).collect();
                out.push(send(&key.framework, &key.executor, &link, give_group(executor, members)));
            } else if let Some(task) = executor.dequeue(&id.value) {
                out.push(send(&key.framework, &key.executor, &link, give_task(executor, task)));
            }
        }
    }

    pub(crate) fn launched(&mut self, key: &RunKey, outcome: Result<(), LaunchError>, out: &mut Vec<Effect>) {
        let Err(error) = outcome else {
            if let Some(framework) = self.framework_mut(&key.framework) {
                framework.checkpointed = framework.checkpoint();
            }
            let terminating = self.framework(&key.framework).is_none_or(|framework| framework.terminating);
            let state = self.run_mut(key).map(|executor| executor.state);
            // It was told to end before there was somebody to tell.
            if terminating || state.is_none_or(|state| state == ExecutorState::Terminating) {
                out.push(Effect::Destroy(key.container.clone()));
            }
            return;
        };
        out.push(Effect::Count(Count::LaunchError));
        out.push(Effect::Note(format!(
            "container {} of executor '{}' of framework {} failed to start: {error}",
            key.container.value, key.executor.value, key.framework.value
        )));
        out.push(Effect::Destroy(key.container.clone()));
        if let Some(executor) = self.run_mut(key) {
            // What is not on disk cannot have anything added to it there; the master will ask about it.
            executor.checkpoint &= !matches!(error, LaunchError::Checkpoint(_));
            // One that was destroyed before it started has a reason already.
            executor.pending_termination.get_or_insert(Termination {
                state: Some(TaskState::TaskFailed),
                reason: Some(Reason::ContainerLaunchFailed),
                message: Some(format!("Failed to launch container: {error}")),
                ..Termination::default()
            });
        }
    }

    pub(crate) fn terminated(
        &mut self,
        key: &RunKey,
        termination: Result<Option<Termination>, String>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let Some(executor) = self.run_mut(key) else { return };
        if executor.state == ExecutorState::Terminated {
            return;
        }
        executor.state = ExecutorState::Terminated;
        let live = executor.launched.values().filter(|task| !is_terminal(task.state()));
        let mut tasks: Vec<TaskId> = live.map(|task| task.task_id.clone()).collect();
        tasks.extend(executor.queued.iter().map(|task| task.task_id.clone()));
        let for_command_task = executor.for_command_task;
        let end = TaskEnd::new(&termination, executor.pending_termination.as_ref());
        let end = end.unwrap_or_else(|| TaskEnd::never_ran(self.lost_state(&key.framework)));
        out.push(Effect::Count(Count::ExecutorTerminated));
        let terminating = self.framework(&key.framework).is_none_or(|framework| framework.terminating);
        if !terminating {
            for id in &tasks {
                let update = self.end_update(key, id, &end, now);
                self.status_update(update, out);
            }
        }
        if !for_command_task {
            let status = termination.ok().flatten().and_then(|termination| termination.status).unwrap_or(-1);
            let (framework, executor) = (key.framework.clone(), key.executor.clone());
            out.push(Effect::Exited { framework, executor, status });
        }
        let incomplete = self.run_mut(key).is_some_and(|executor| executor.has_incomplete_tasks());
        if self.phase == Phase::Terminating || terminating || !incomplete {
            self.remove_executor(&key.framework, &key.executor.value, out);
        }
        self.remove_framework_if_idle(&key.framework, out);
    }

    fn end_update(&mut self, key: &RunKey, task: &TaskId, end: &TaskEnd, now: Time) -> StatusUpdate {
        let (framework, executor) = (&key.framework, Some(&key.executor));
        let fate = Fate { state: end.state, reason: end.reason, message: &end.message };
        let mut update = self.agent_update(framework, executor, task, fate, now);
        update.status.limitation = end.limitation.clone();
        update
    }

    pub(crate) fn shutdown_executor(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        out: &mut Vec<Effect>,
    ) {
        let terminating = self.framework(framework).is_none_or(|framework| framework.terminating);
        if matches!(self.phase, Phase::Recovering | Phase::Disconnected) || terminating {
            return;
        }
        self.end_executor(framework, &executor.value, out);
    }

    /// Tells an executor to end, and destroys its container if it does not in time.
    pub(crate) fn end_executor(&mut self, framework: &FrameworkId, executor: &str, out: &mut Vec<Effect>) {
        let default = self.options.shutdown_grace_period;
        let Some(executor) = self.executor_mut(framework, executor) else { return };
        if !matches!(executor.state, ExecutorState::Registering | ExecutorState::Running) {
            return;
        }
        executor.state = ExecutorState::Terminating;
        let wait = shutdown_grace_period(default, &executor.info);
        let (key, link) = (key_of(executor), executor.link.clone());
        out.push(send(framework, &key.executor, &link, shutdown_event()));
        out.push(Effect::After(wait, Box::new(Input::ShutdownTimeout(key))));
    }

    /// An executor whose only tasks were killed before it got them has nothing to wait for.
    pub(crate) fn end_if_never_used(
        &mut self,
        framework: &FrameworkId,
        executor: &str,
        out: &mut Vec<Effect>,
    ) {
        let Some(found) = self.executor_mut(framework, executor) else { return };
        if found.state == ExecutorState::Running && !found.was_sent_a_task() && found.queued.is_empty() {
            self.end_executor(framework, executor, out);
        }
    }

    pub(crate) fn shutdown_timeout(&mut self, key: &RunKey, out: &mut Vec<Effect>) {
        if self.run_mut(key).is_some_and(|executor| executor.state == ExecutorState::Terminating) {
            out.push(Effect::Destroy(key.container.clone()));
        }
    }

    pub(crate) fn registration_timeout(&mut self, key: &RunKey, out: &mut Vec<Effect>) {
        let wait = duration::format(self.options.registration_timeout);
        if self.framework(&key.framework).is_none_or(|framework| framework.terminating) {
            return;
        }
        let Some(executor) =
            self.run_mut(key).filter(|executor| executor.state == ExecutorState::Registering)
        else {
            return;
        };
        executor.state = ExecutorState::Terminating;
        executor.pending_termination = Some(Termination {
            state: Some(TaskState::TaskFailed),
            reason: Some(Reason::ExecutorRegistrationTimeout),
            message: Some(format!("Executor did not register within {wait}")),
            ..Termination::default()
        });
        out.push(Effect::Destroy(key.container.clone()));
    }

    pub(crate) fn reregistration_timeout(&mut self, out: &mut Vec<Effect>) {
        if self.phase == Phase::Recovering {
            self.phase = Phase::Disconnected;
        }
        let wait = duration::format(self.options.reregistration_timeout);
        let ids: Vec<FrameworkId> = self.frameworks.values().map(|framework| framework.id()).collect();
        for id in ids {
            let state = self.gone_state(&id);
            let Some(framework) = self.framework_mut(&id) else { continue };
            for executor in framework.executors.values_mut() {
                if executor.state != ExecutorState::Registering {
                    continue;
                }
                let executor = std::sync::Arc::make_mut(executor);
                executor.state = ExecutorState::Terminating;
                executor.pending_termination = Some(Termination {
                    state: Some(state),
                    reason: Some(Reason::ExecutorReregistrationTimeout),
                    message: Some(format!("Executor did not re-register within {wait}")),
                    ..Termination::default()
                });
                out.push(Effect::Destroy(executor.container_id.clone()));
            }
        }
    }
}

pub(crate) fn send(
    framework: &FrameworkId,
    executor: &ExecutorId,
    link: &Link,
    event: executor::Event,
) -> Effect {
    Effect::Send {
        framework: framework.clone(),
        executor: executor.clone(),
        link: link.clone(),
        event: Box::new(event),
    }
}

fn shutdown_event() -> executor::Event {
    executor::Event { r#type: Some(executor::event::Type::Shutdown as i32), ..Default::default() }
}

fn give_task(executor: &mut Executor, task: TaskInfo) -> executor::Event {
    note_launched(executor, &task);
    executor::Event {
        r#type: Some(executor::event::Type::Launch as i32),
        launch: Some(executor::event::Launch { task }),
        ..Default::default()
    }
}

fn give_group(executor: &mut Executor, tasks: Vec<TaskInfo>) -> executor::Event {
    tasks.iter().for_each(|task| note_launched(executor, task));
    executor::Event {
        r#type: Some(executor::event::Type::LaunchGroup as i32),
        launch_group: Some(executor::event::LaunchGroup { task_group: TaskGroupInfo { tasks } }),
        ..Default::default()
    }
}

fn note_launched(executor: &mut Executor, task: &TaskInfo) {
    let record = new_task(task, TaskState::TaskStaging, &executor.framework_id);
    executor.launched.insert(task.task_id.value.clone(), record);
}
