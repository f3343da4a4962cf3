//! The old protocol: messages of the master, of schedulers and of executors.

use libprocess::{Context, FutureError, Upid};
use mesos_api::internal::{
    CheckpointResourcesMessage, ExecutorRegisteredMessage, ExecutorToFrameworkMessage,
    FrameworkToExecutorMessage, KillTaskMessage, PingSlaveMessage, RegisterExecutorMessage,
    ReregisterExecutorMessage, RunTaskGroupMessage, RunTaskMessage, ShutdownExecutorMessage,
    ShutdownFrameworkMessage, ShutdownMessage, SlaveRegisteredMessage, SlaveReregisteredMessage,
    StatusUpdate, StatusUpdateAcknowledgementMessage, StatusUpdateMessage, UpdateFrameworkMessage,
};
use mesos_api::v1::{
    ContainerId, ContainerStatus, ExecutorId, FrameworkId, NetworkInfo, executor, network_info,
};
use mesos_updates::{TaskKey, Uuid};
use mesos_workload::{Input, Link, Phase, Subscription};
use tracing::{debug, info, warn};

use crate::disk;
use crate::perform::send_to;
use crate::process::AgentProcess;

/// How much a master may say before the agent knows on disk who it is.
const WAITING_MAX: usize = 100_000;

/// An update of an executor whose container is being looked up.
#[derive(Debug)]
pub(crate) struct Annotation {
    update: StatusUpdate,
    executor: ExecutorId,
    container: ContainerId,
}

/// Installs the handlers of all messages.
pub(crate) fn install(cx: &mut Context<AgentProcess>) {
    cx.install(|agent, cx, from, message: SlaveRegisteredMessage| agent.registered(cx, from, message));
    cx.install(|agent, cx, from, message: SlaveReregisteredMessage| agent.reregistered(cx, from, message));
    cx.install(|agent, cx, from, message: PingSlaveMessage| agent.pinged(cx, from, message.connected));
    cx.install(|agent, cx, from, message: ShutdownMessage| agent.told_to_end(cx, from, message));
    install_from_master(cx);
    install_from_executors(cx);
    // Straight from a scheduler, too: it knows the agent from an offer.
    cx.install(|agent, cx, _from, message: FrameworkToExecutorMessage| {
        let (framework, executor, data) = (message.framework_id, message.executor_id, message.data);
        agent.step(cx, Input::FrameworkMessage { framework, executor, data });
    });
    cx.install(|agent, _cx, from, message: StatusUpdateAcknowledgementMessage| {
        agent.acknowledged(from, message)
    });
}

fn install_from_master(cx: &mut Context<AgentProcess>) {
    cx.install(|agent, cx, from, mut message: RunTaskMessage| {
        #[allow(deprecated)] // Old masters say it here.
        let id = message.framework_id.take();
        message.framework.id = message.framework.id.or(id);
        agent.master_says(cx, from, || Input::RunTask {
            framework: Box::new(message.framework),
            pid: some_pid(message.pid),
            task: Box::new(message.task),
            // Masters of 1.5.0 do not say.
            launch_executor: None,
        });
    });
    cx.install(|agent, cx, from, message: RunTaskGroupMessage| {
        agent.master_says(cx, from, || Input::RunTaskGroup {
            framework: Box::new(message.framework),
            executor: Box::new(message.executor),
            tasks: message.task_group.tasks,
            // Masters of 1.5.0 do not say.
            launch_executor: None,
        });
    });
    cx.install(|agent, cx, from, message: KillTaskMessage| {
        agent.master_says(cx, from, || Input::KillTask {
            framework: message.framework_id,
            task: message.task_id,
            kill_policy: message.kill_policy,
        });
    });
    cx.install(|agent, cx, from, message: ShutdownExecutorMessage| {
        let (Some(framework), Some(executor)) = (message.framework_id, message.executor_id) else { return };
        agent.master_says(cx, from, || Input::ShutdownExecutor { framework, executor });
    });
    cx.install(|agent, cx, from, message: ShutdownFrameworkMessage| {
        agent.master_says(cx, from, || Input::ShutdownFramework(message.framework_id));
    });
    cx.install(|agent, cx, from, message: UpdateFrameworkMessage| {
        agent.master_says(cx, from, || Input::UpdateFramework {
            framework: message.framework_id,
            info: message.framework_info.map(Box::new),
            pid: some_pid(message.pid),
        });
    });
    cx.install(|agent, cx, from, message: CheckpointResourcesMessage| {
        agent.master_says(cx, from, || Input::CheckpointResources(message.resources));
    });
}

fn install_from_executors(cx: &mut Context<AgentProcess>) {
    cx.install(|agent, cx, from, message: RegisterExecutorMessage| {
        agent.executor_calls(cx, from, message.framework_id, message.executor_id, Subscription::Register);
    });
    cx.install(|agent, cx, from, message: ReregisterExecutorMessage| {
        let kind = Subscription::Reregister { tasks: message.tasks, updates: message.updates };
        agent.executor_calls(cx, from, message.framework_id, message.executor_id, kind);
    });
    cx.install(|agent, cx, from, message: StatusUpdateMessage| {
        agent.executor_updates(cx, from, message.update)
    });
    cx.install(|agent, cx, _from, message: ExecutorToFrameworkMessage| {
        let (framework, executor, data) = (message.framework_id, message.executor_id, message.data);
        agent.step(cx, Input::ExecutorMessage { framework, executor, data });
    });
}

/// A scheduler that does not speak the old protocol has an empty address.
fn some_pid(pid: Option<String>) -> Option<String> {
    pid.filter(|pid| pid.parse::<Upid>().is_ok_and(|pid| !pid.is_nobody()))
}

impl AgentProcess {
    /// Takes a word of the master, if it is from the one that leads.
    fn master_says(&mut self, cx: &mut Context<Self>, from: &Upid, input: impl FnOnce() -> Input) {
        if !self.is_leader(from) {
            return;
        }
        // The master knows the agent from the moment that it says so.
        if self.registration.writing && self.registration.waiting.len() < WAITING_MAX {
            self.registration.waiting.push(input());
        } else {
            self.step(cx, input());
        }
    }

    pub(crate) fn is_leader(&self, from: &Upid) -> bool {
        let is_leader = self.leader.as_ref().is_some_and(|leader| leader.pid == *from);
        if !is_leader {
            warn!(%from, "ignoring a message: it is not from the leading master");
        }
        is_leader
    }

    fn acknowledged(&mut self, from: &Upid, message: StatusUpdateAcknowledgementMessage) {
        // Old schedulers acknowledge by themselves.
        if from.id().starts_with("master")
            && (self.workload.phase() != Phase::Running || !self.is_leader(from))
        {
            return;
        }
        match Uuid::from_slice(&message.uuid) {
            Ok(uuid) => self.updates.acknowledge(TaskKey::new(&message.framework_id, &message.task_id), uuid),
            Err(error) => warn!(%from, %error, "ignoring an acknowledgement"),
        }
    }

    /// An executor of the old protocol calls. How it is reached is written down before it is told.
    fn executor_calls(
        &mut self,
        cx: &mut Context<Self>,
        from: &Upid,
        framework: FrameworkId,
        executor: ExecutorId,
        kind: Subscription,
    ) {
        info!(%framework, %executor, %from, "an executor calls");
        cx.link(from);
        let link = Link::Pid(from.to_string());
        let Some(file) = self.workload.subscription_file(&framework, &executor, &link) else {
            self.subscribe(cx, framework, executor, link, kind);
            return;
        };
        cx.run_blocking(
            move || disk::write_files(&[file]),
            move |agent, cx, written| {
                if let Err(reason) = written {
                    // It goes on, but will not survive a restart of the agent.
                    warn!(%framework, %executor, %reason, "failed to checkpoint how to reach an executor");
                }
                agent.subscribe(cx, framework, executor, link, kind);
            },
        );
    }

    /// An executor of the old protocol tells the state of a task.
    fn executor_updates(&mut self, cx: &mut Context<Self>, from: &Upid, update: StatusUpdate) {
        let from = from.to_string();
        let framework = self.workload.framework(&update.framework_id);
        let executor = framework.and_then(|framework| {
            let sender =
                framework.executors.values().find(|executor| executor.link == Link::Pid(from.clone()));
            let holder = || framework.executor_of(&update.status.task_id.value);
            sender.or_else(holder).map(|executor| executor.info.executor_id.clone())
        });
        let executor = executor.or_else(|| update.executor_id.clone()).unwrap_or_default();
        self.step(cx, Input::Update { update: Box::new(update), executor });
    }

    pub(crate) fn begin_annotation(
        &mut self,
        cx: &mut Context<Self>,
        update: StatusUpdate,
        executor: ExecutorId,
        container: ContainerId,
    ) {
        let key = (update.framework_id.value.clone(), executor.value.clone());
        let annotation = Annotation { update, executor, container };
        if let Some(annotation) = self.annotations.begin(key.clone(), annotation) {
            self.annotate(cx, annotation, key);
        }
    }

    fn annotate(&mut self, cx: &mut Context<Self>, annotation: Annotation, key: (String, String)) {
        let Annotation { mut update, executor, container } = annotation;
        cx.run(self.containerizer.status(&container), move |agent, cx, status| {
            fill_in(&mut update, status, cx.node().address());
            agent.step(cx, Input::Annotated { update: Box::new(update), executor });
            if let Some(next) = agent.annotations.ended(&key) {
                agent.annotate(cx, next, key);
            }
        });
    }

    /// Sends an update to the master, and notes what it will count by.
    pub(crate) fn forward(&mut self, cx: &mut Context<Self>, update: StatusUpdate) {
        if self.workload.phase() != Phase::Running {
            debug!("not sending a status update: the agent is not registered");
            return;
        }
        self.step(cx, Input::Forwarded { update: Box::new(update.clone()) });
        // The acknowledgement comes here first.
        let pid = Some(cx.upid().to_string());
        self.tell_master(cx, &StatusUpdateMessage { update, pid });
    }
}

/// Adds to an update what the agent knows about the container.
fn fill_in(
    update: &mut StatusUpdate,
    status: Result<ContainerStatus, FutureError>,
    address: std::net::SocketAddr,
) {
    // The container may be gone by now: the update goes on without.
    let Ok(found) = status else { return };
    let filled = update.status.container_status.get_or_insert_default();
    if found.container_id.is_some() {
        filled.container_id = found.container_id;
    }
    if found.executor_pid.is_some() {
        filled.executor_pid = found.executor_pid;
    }
    if found.cgroup_info.is_some() {
        filled.cgroup_info = found.cgroup_info;
    }
    filled.network_infos.extend(found.network_infos);
    if filled.network_infos.is_empty() {
        let ip = address.ip();
        let protocol = if ip.is_ipv6() { network_info::Protocol::IPv6 } else { network_info::Protocol::IPv4 };
        let ip_address =
            network_info::IpAddress { protocol: Some(protocol as i32), ip_address: Some(ip.to_string()) };
        filled.network_infos.push(NetworkInfo { ip_addresses: vec![ip_address], ..NetworkInfo::default() });
    }
}

/// Sends an event to an executor of the old protocol, as the message that stands for it.
pub(crate) fn send_event(
    agent: &AgentProcess,
    cx: &Context<AgentProcess>,
    pid: &str,
    framework: &FrameworkId,
    event: &executor::Event,
) {
    use executor::event::Type;
    let slave_id = || agent.workload.info().id.clone().unwrap_or_default();
    match event.r#type() {
        Type::Subscribed => {
            let Some(subscribed) = &event.subscribed else { return };
            send_to(
                cx,
                pid,
                &ExecutorRegisteredMessage {
                    executor_info: subscribed.executor_info.clone(),
                    framework_id: framework.clone(),
                    framework_info: subscribed.framework_info.clone(),
                    slave_id: slave_id(),
                    slave_info: subscribed.agent_info.clone(),
                },
            );
        }
        Type::Launch => {
            let (Some(launch), Some(known)) = (&event.launch, agent.workload.framework(framework)) else {
                return;
            };
            send_to(
                cx,
                pid,
                &RunTaskMessage {
                    framework: known.info.clone(),
                    task: launch.task.clone(),
                    // Old executors need it to be there.
                    pid: Some(known.pid.clone().unwrap_or_default()),
                    ..Default::default()
                },
            );
        }
        Type::Kill => {
            let Some(kill) = &event.kill else { return };
            send_to(
                cx,
                pid,
                &KillTaskMessage {
                    framework_id: framework.clone(),
                    task_id: kill.task_id.clone(),
                    kill_policy: kill.kill_policy,
                },
            );
        }
        Type::Acknowledged => {
            let Some(acknowledged) = &event.acknowledged else { return };
            send_to(
                cx,
                pid,
                &StatusUpdateAcknowledgementMessage {
                    slave_id: slave_id(),
                    framework_id: framework.clone(),
                    task_id: acknowledged.task_id.clone(),
                    uuid: acknowledged.uuid.clone(),
                },
            );
        }
        Type::Message => {
            let Some(message) = &event.message else { return };
            let executor = agent.workload.framework(framework).and_then(|framework| {
                let reached =
                    framework.executors.values().find(|executor| executor.link == Link::Pid(pid.to_owned()));
                reached.map(|executor| executor.info.executor_id.clone())
            });
            send_to(
                cx,
                pid,
                &FrameworkToExecutorMessage {
                    slave_id: slave_id(),
                    framework_id: framework.clone(),
                    executor_id: executor.unwrap_or_default(),
                    data: message.data.clone(),
                },
            );
        }
        Type::Shutdown => send_to(cx, pid, &ShutdownExecutorMessage::default()),
        Type::LaunchGroup | Type::Error | Type::Unknown => {
            warn!(pid, kind = event.r#type().as_str_name(), "the old protocol has no message for an event");
        }
    }
}
