//! What the model says is to be done.

use std::path::PathBuf;

use libprocess::{Context, Upid};
use mesos_access::{Action, Object, Subject};
use mesos_api::internal::{
    ExecutorReregisteredMessage, ExecutorToFrameworkMessage, ExitedExecutorMessage, ReconnectExecutorMessage,
    StatusUpdate,
};
use mesos_api::v1::{ContainerId, ExecutorId, FrameworkId, FrameworkInfo, Resource, TaskInfo, executor};
use mesos_workload::{Effect, File, Input, Link, PrepareError, Subscription};
use tracing::{error, info, warn};

use crate::disk::{self, ResourceSync};
use crate::process::AgentProcess;
use crate::runs::{RunJob, is_unknown};

impl AgentProcess {
    pub(crate) fn perform(&mut self, cx: &mut Context<Self>, effect: Effect) {
        match effect {
            Effect::Authorize { framework, launch, tasks, keep } => {
                self.authorize_launch(cx, *framework, launch, tasks, keep);
            }
            Effect::Launch(launch) => self.begin_run_job(cx, RunJob::Launch(launch)),
            Effect::Prepare { run, files, resources, tasks } => {
                self.begin_run_job(cx, RunJob::Prepare { run, files, resources: Some(resources), tasks });
            }
            Effect::Checkpoint { run, files, tasks } => {
                self.begin_run_job(cx, RunJob::Prepare { run, files, resources: None, tasks });
            }
            Effect::CheckpointFramework(files) => {
                let key = files.first().map(|file| file.path.display().to_string()).unwrap_or_default();
                self.begin_run_job(cx, RunJob::Files { key, files });
            }
            Effect::Destroy(container) => self.destroy(cx, &container),
            Effect::Watch(run) => self.watch(cx, run),
            Effect::Send { framework, executor, link, event } => {
                self.send_event(cx, &framework, &executor, &link, &event);
            }
            Effect::Close(link) => self.close(&link),
            Effect::Reregistered { pid } => {
                let info = self.workload.info().clone();
                let slave_id = info.id.clone().unwrap_or_default();
                send_to(cx, &pid, &ExecutorReregisteredMessage { slave_id, slave_info: info });
            }
            Effect::Reconnect { pid } => self.reconnect_executor(cx, pid),
            Effect::Annotate { update, executor, container } => {
                self.begin_annotation(cx, *update, executor, container);
            }
            Effect::Update { update, file, shrink } => self.hand_to_updates(cx, *update, file, shrink),
            Effect::ResumeUpdates(framework) => self.updates.resume_framework(framework),
            Effect::CloseStreams(framework) => self.updates.remove_framework(framework),
            Effect::Exited { framework, executor, status } => {
                let slave_id = self.workload.info().id.clone().unwrap_or_default();
                let (framework_id, executor_id) = (framework, executor);
                self.tell_master(cx, &ExitedExecutorMessage { slave_id, framework_id, executor_id, status });
            }
            Effect::ToFramework { framework, executor, data, pid } => {
                let slave_id = self.workload.info().id.clone().unwrap_or_default();
                let (framework_id, executor_id) = (framework, executor);
                let message = ExecutorToFrameworkMessage { slave_id, framework_id, executor_id, data };
                match pid {
                    Some(pid) => send_to(cx, &pid, &message),
                    None => self.tell_master(cx, &message),
                }
            }
            Effect::After(wait, input) => {
                cx.delay(wait, move |agent, cx| agent.step(cx, *input));
            }
            Effect::Collect(garbage) => self.gc.collect(garbage),
            Effect::Seal(path) => {
                let work = move || disk::write_files(&[File { path, content: Vec::new() }]);
                cx.run_blocking(work, |_agent, _cx, written| {
                    if let Err(reason) = written {
                        warn!(%reason, "failed to mark a run of an executor as completed");
                    }
                });
            }
            Effect::Attach { run, directory } => self.attach_sandbox(&run, directory),
            Effect::SyncResources { resources, content, create, remove } => {
                let layout = self.workload.layout();
                let (target, info) = (layout.resources_target(), layout.resources_info());
                let sync = ResourceSync { target, info, content, create, remove };
                cx.run_blocking(
                    move || disk::sync_resources(&sync),
                    move |agent, cx, outcome| agent.step(cx, Input::ResourcesSynced { resources, outcome }),
                );
            }
            Effect::Count(count) => {
                if let Some(metrics) = &self.metrics {
                    metrics.count(count);
                }
            }
            Effect::Note(text) => warn!("{text}"),
            Effect::Fatal(reason) => self.exit(cx, reason),
            Effect::Finished => self.finish(cx),
        }
    }

    fn authorize_launch(
        &mut self,
        cx: &mut Context<Self>,
        framework: FrameworkInfo,
        launch: u64,
        tasks: Vec<TaskInfo>,
        keep: Vec<PathBuf>,
    ) {
        let kept = self.gc.keep(keep);
        let subject = Subject::maybe_named(framework.principal.clone());
        let id = framework.id.clone().unwrap_or_default();
        let framework = std::sync::Arc::new(framework);
        let questions: Vec<_> = tasks
            .into_iter()
            .map(|task| {
                let name = task.task_id.value.clone();
                let object =
                    Object::any().with_task_info(task).with_framework(std::sync::Arc::clone(&framework));
                (name, self.setup.authorizer.authorize(&subject, Action::RunTask, object))
            })
            .collect();
        let whose = id.value.clone();
        let answer = async move {
            // The collector only fails when the agent ends.
            let _ = kept.await;
            for (task, question) in questions {
                match question.await {
                    Ok(true) => {}
                    Ok(false) => {
                        return Err(format!("Framework {whose} is not authorized to launch task '{task}'"));
                    }
                    Err(error) => return Err(format!("Failed to authorize task '{task}': {error}")),
                }
            }
            Ok(())
        };
        cx.run(answer, move |agent, cx, outcome| {
            agent.step(cx, Input::Authorized { framework: id, launch, outcome });
        });
    }

    fn destroy(&mut self, cx: &mut Context<Self>, container: &ContainerId) {
        let id = container.value.clone();
        cx.run(self.containerizer.destroy(container), move |_agent, _cx, destroyed| {
            if let Err(reason) = destroyed {
                error!(container = %id, %reason, "failed to destroy a container");
            }
        });
    }

    fn hand_to_updates(
        &mut self,
        cx: &mut Context<Self>,
        update: StatusUpdate,
        file: Option<PathBuf>,
        shrink: Option<(ContainerId, Vec<Resource>)>,
    ) {
        let Some((container, resources)) = shrink else {
            self.updates.update(update, file);
            return;
        };
        cx.run(self.update_container(&container, resources), move |agent, cx, shrunk| {
            if let Err(error) = shrunk
                && !is_unknown(&error)
            {
                let run = agent.workload.executor_in(&container.value).map(|(_, executor)| {
                    let executor_id = executor.info.executor_id.clone();
                    (executor.framework_id.clone(), executor_id)
                });
                if let Some((framework, executor)) = run {
                    let run = mesos_workload::RunKey { framework, executor, container };
                    let outcome = Err(PrepareError::Update(error.to_string()));
                    agent.step(cx, Input::Prepared { run, tasks: Vec::new(), outcome });
                }
            }
            agent.updates.update(update, file);
        });
    }

    fn send_event(
        &mut self,
        cx: &mut Context<Self>,
        framework: &FrameworkId,
        executor: &ExecutorId,
        link: &Link,
        event: &executor::Event,
    ) {
        match link {
            Link::Http(number) => {
                if self.connections.get(number).is_none_or(|stream| !stream.send(event)) {
                    info!(%framework, %executor, "an event was not sent: the executor is not connected");
                }
            }
            Link::Pid(pid) => crate::v0::send_event(self, cx, pid, framework, event),
            Link::None | Link::AwaitingHttp => {}
        }
    }

    fn close(&mut self, link: &Link) {
        if let Link::Http(number) = link
            && let Some(stream) = self.connections.remove(number)
        {
            stream.close();
        }
    }

    fn reconnect_executor(&mut self, cx: &mut Context<Self>, pid: String) {
        let slave_id = self.workload.info().id.clone().unwrap_or_default();
        send_to(cx, &pid, &ReconnectExecutorMessage { slave_id });
        let Some(interval) = self.workload.options().reregistration_retry_interval else { return };
        cx.delay(interval, move |agent, cx| {
            let missing = |executor: &mesos_workload::Executor| {
                executor.link == Link::Pid(pid.clone())
                    && executor.state == mesos_workload::ExecutorState::Registering
            };
            let all = agent.workload.frameworks().values().flat_map(|framework| framework.executors.values());
            if !agent.recovered && all.into_iter().any(|executor| missing(executor)) {
                agent.reconnect_executor(cx, pid);
            }
        });
    }

    /// Tells the model that an executor calls; what has to be on disk first must be.
    pub(crate) fn subscribe(
        &mut self,
        cx: &mut Context<Self>,
        framework: FrameworkId,
        executor: ExecutorId,
        link: Link,
        kind: Subscription,
    ) {
        self.step(cx, Input::Subscribe { framework, executor, link, kind });
    }

    /// Sends a message to the master, if there is one.
    pub(crate) fn tell_master<M: libprocess::WireMessage>(&self, cx: &Context<Self>, message: &M) {
        if let Some(leader) = &self.leader {
            cx.send(&leader.pid, message);
        }
    }
}

/// Sends a message to a process that is known by text.
pub(crate) fn send_to<M: libprocess::WireMessage>(cx: &Context<AgentProcess>, pid: &str, message: &M) {
    match pid.parse::<Upid>() {
        Ok(pid) => cx.send(&pid, message),
        Err(error) => warn!(pid, %error, "cannot send a message"),
    }
}
