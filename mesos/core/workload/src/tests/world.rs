//! An agent whose effects the tests look at.

use std::time::Duration;

use mesos_api::internal::StatusUpdate;
use mesos_api::v1::{
    self, AgentId, AgentInfo, CommandInfo, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, Resource,
    TaskId, TaskInfo, TaskState, executor, framework_info::capability, task_status::Reason,
};
use mesos_resources::Resources;
use stout::Time;

use crate::{Effect, Input, Link, Options, RunKey, Subscription, Workload};

pub(super) struct World {
    pub(super) workload: Workload,
    pub(super) now: Time,
    pub(super) effects: Vec<Effect>,
}

pub(super) fn fresh() -> World {
    let info = AgentInfo { hostname: "h".into(), resources: configured(), ..AgentInfo::default() };
    let workload = Workload::new(Options::new("/w", "10.0.0.1:5051"), info, [7; 32]);
    World { workload, now: Time::EPOCH, effects: Vec::new() }
}

/// An agent that its master knows as S0.
pub(super) fn registered() -> World {
    let mut world = fresh();
    assert!(!world.workload.reconnect(&mut world.effects));
    world.apply(Input::Registered(AgentId { value: "S0".into() }));
    world
}

impl World {
    /// Applies an input; its effects are the only ones then.
    pub(super) fn apply(&mut self, input: Input) -> &[Effect] {
        self.effects.clear();
        self.now += Duration::from_secs(1);
        self.workload.apply(input, self.now, &mut self.effects);
        &self.effects
    }

    /// Runs a task and lets it be authorized.
    pub(super) fn run(&mut self, framework: FrameworkInfo, task: TaskInfo) {
        self.start(framework.clone(), task);
        let launch = self.authorize().expect("it is authorized");
        self.apply(Input::Authorized { framework: framework.id.unwrap(), launch, outcome: Ok(()) });
    }

    /// Runs a task, which waits to be authorized.
    pub(super) fn start(&mut self, framework: FrameworkInfo, task: TaskInfo) {
        self.apply(Input::RunTask {
            framework: Box::new(framework),
            pid: None,
            task: Box::new(task),
            launch_executor: None,
        });
    }

    pub(super) fn start_group(&mut self, tasks: &[&str]) {
        self.apply(Input::RunTaskGroup {
            framework: Box::new(framework(false)),
            executor: Box::new(executor_info("e")),
            tasks: tasks.iter().map(|id| task(id, "e")).collect(),
            launch_executor: None,
        });
    }

    /// The launch that is to be authorized.
    pub(super) fn authorize(&self) -> Option<u64> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Authorize { launch, .. } => Some(*launch),
            _ => None,
        })
    }

    pub(super) fn allow(&mut self, launch: u64) {
        self.apply(Input::Authorized { framework: framework_id(), launch, outcome: Ok(()) });
    }

    /// An executor calls for the first time, over HTTP.
    pub(super) fn subscribe(&mut self, executor: &str) {
        let kind = Subscription::Subscribe { tasks: Vec::new(), updates: Vec::new() };
        self.apply(Input::Subscribe {
            framework: framework_id(),
            executor: executor_id(executor),
            link: Link::Http(1),
            kind,
        });
    }

    /// What an executor's queued tasks needed is done.
    pub(super) fn prepared(&mut self) {
        let prepare = self.effects.iter().find_map(|effect| match effect {
            Effect::Prepare { run, tasks, .. } => Some((run.clone(), tasks.clone())),
            _ => None,
        });
        let (run, tasks) = prepare.expect("something is prepared");
        self.apply(Input::Prepared { run, tasks, outcome: Ok(()) });
    }

    /// A task that its executor has, of a framework.
    pub(super) fn running(framework: FrameworkInfo, task: TaskInfo) -> World {
        let mut world = registered();
        let executor = task.executor.as_ref().unwrap().executor_id.value.clone();
        world.run(framework, task);
        world.subscribe(&executor);
        world.prepared();
        world
    }

    pub(super) fn run_key(&self, executor: &str) -> RunKey {
        let found = self.workload.executor(&framework_id(), &executor_id(executor)).expect("it is there");
        crate::workload::key_of(found)
    }

    /// An executor tells the state of a task, and the streams take it.
    pub(super) fn tell(&mut self, executor: &str, task: &str, state: TaskState) {
        let update = executor_update(task, state, 1);
        self.apply(Input::Update { update: Box::new(update), executor: executor_id(executor) });
        let annotate = self.effects.iter().find_map(|effect| match effect {
            Effect::Annotate { update, .. } => Some(update.clone()),
            _ => None,
        });
        let update = annotate.expect("it is annotated");
        self.apply(Input::Annotated { update, executor: executor_id(executor) });
    }

    pub(super) fn acknowledge(&mut self, task: &str, finished: bool) {
        self.apply(Input::Acknowledged { framework: framework_id(), task: task_id(task), finished });
    }

    /// What came out, one word each.
    pub(super) fn words(&self) -> Vec<String> {
        self.effects.iter().filter_map(word).collect()
    }

    /// The updates that came out: task, state, reason, message.
    pub(super) fn updates(&self) -> Vec<(String, TaskState, Option<Reason>, String)> {
        let all = self.effects.iter().filter_map(|effect| match effect {
            Effect::Update { update, .. } => Some(&update.status),
            _ => None,
        });
        all.map(|status| {
            let reason = status.reason.map(|_| status.reason());
            (status.task_id.value.clone(), status.state(), reason, status.message.clone().unwrap_or_default())
        })
        .collect()
    }
}

/// An effect in a word; what only counts or tells is left out.
fn word(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Authorize { launch, .. } => format!("authorize {launch}"),
        Effect::Launch(launch) => format!("launch {}", launch.run.executor.value),
        Effect::Prepare { tasks, .. } => format!("prepare {}", ids(tasks)),
        Effect::Checkpoint { tasks, .. } => format!("checkpoint {}", ids(tasks)),
        Effect::CheckpointFramework(_) => "checkpoint framework".to_owned(),
        Effect::Destroy(_) => "destroy".to_owned(),
        Effect::Watch(_) => "watch".to_owned(),
        Effect::Send { event, .. } => format!("send {}", event_word(event)),
        Effect::Close(Link::Http(_)) => "close".to_owned(),
        Effect::Reregistered { .. } => "reregistered".to_owned(),
        Effect::Reconnect { .. } => "reconnect".to_owned(),
        Effect::Annotate { .. } => "annotate".to_owned(),
        Effect::Update { update, file, .. } => {
            let kept = if file.is_some() { "keep" } else { "update" };
            format!("{kept} {} {}", update.status.task_id.value, update.status.state().as_str_name())
        }
        Effect::ResumeUpdates(_) => "resume".to_owned(),
        Effect::CloseStreams(_) => "close streams".to_owned(),
        Effect::Exited { executor, status, .. } => format!("exited {} {status}", executor.value),
        Effect::ToFramework { .. } => "to framework".to_owned(),
        Effect::After(wait, _) => format!("after {}", wait.as_secs()),
        Effect::Collect(garbage) => format!("collect {}", garbage.len()),
        Effect::Seal(_) => "seal".to_owned(),
        Effect::SyncResources { .. } => "sync".to_owned(),
        Effect::Fatal(_) => "fatal".to_owned(),
        Effect::Finished => "finished".to_owned(),
        Effect::Close(_) | Effect::Attach { .. } | Effect::Count(_) | Effect::Note(_) => return None,
    })
}

fn ids(tasks: &[TaskId]) -> String {
    tasks.iter().map(|id| id.value.as_str()).collect::<Vec<_>>().join("+")
}

fn event_word(event: &executor::Event) -> String {
    let kind = event.r#type().as_str_name();
    if let Some(launch) = &event.launch {
        return format!("{kind} {}", launch.task.task_id.value);
    }
    if let Some(group) = &event.launch_group {
        let tasks: Vec<TaskId> = group.task_group.tasks.iter().map(|task| task.task_id.clone()).collect();
        return format!("{kind} {}", ids(&tasks));
    }
    if let Some(kill) = &event.kill {
        return format!("{kind} {}", kill.task_id.value);
    }
    kind.to_owned()
}

pub(super) fn executor_update(task: &str, state: TaskState, number: u8) -> StatusUpdate {
    StatusUpdate {
        framework_id: framework_id(),
        slave_id: Some(AgentId { value: "S0".into() }),
        status: v1::TaskStatus {
            task_id: task_id(task),
            state: state as i32,
            agent_id: Some(AgentId { value: "S0".into() }),
            ..v1::TaskStatus::default()
        },
        uuid: Some(vec![number; 16]),
        ..StatusUpdate::default()
    }
}

fn configured() -> Vec<Resource> {
    Resources::parse("cpus:4;mem:1024;disk:1000", "*").unwrap().to_protos()
}

pub(super) fn framework_id() -> FrameworkId {
    FrameworkId { value: "F".into() }
}

pub(super) fn executor_id(id: &str) -> ExecutorId {
    ExecutorId { value: id.into() }
}

pub(super) fn task_id(id: &str) -> TaskId {
    TaskId { value: id.into() }
}

pub(super) fn framework(checkpoint: bool) -> FrameworkInfo {
    FrameworkInfo {
        user: "u".into(),
        name: "f".into(),
        id: Some(framework_id()),
        checkpoint: Some(checkpoint),
        ..FrameworkInfo::default()
    }
}

/// One that tells lost tasks apart.
pub(super) fn aware(framework: FrameworkInfo) -> FrameworkInfo {
    let partition_aware =
        v1::framework_info::Capability { r#type: Some(capability::Type::PartitionAware as i32) };
    FrameworkInfo { capabilities: vec![partition_aware], ..framework }
}

pub(super) fn resources(text: &str) -> Vec<Resource> {
    let mut resources: Resources = text.parse().unwrap();
    resources.allocate("*");
    resources.to_protos()
}

pub(super) fn executor_info(id: &str) -> ExecutorInfo {
    ExecutorInfo {
        executor_id: executor_id(id),
        framework_id: Some(framework_id()),
        command: Some(CommandInfo { value: Some("run".into()), ..CommandInfo::default() }),
        resources: resources("cpus:0.1;mem:32"),
        ..ExecutorInfo::default()
    }
}

/// A task with an executor of its framework.
pub(super) fn task(id: &str, executor: &str) -> TaskInfo {
    TaskInfo {
        name: id.into(),
        task_id: task_id(id),
        agent_id: AgentId { value: "S0".into() },
        resources: resources("cpus:1;mem:64"),
        executor: Some(executor_info(executor)),
        ..TaskInfo::default()
    }
}

/// A task that has only a command.
pub(super) fn command_task(id: &str) -> TaskInfo {
    let command = CommandInfo { value: Some("echo hello".into()), ..CommandInfo::default() };
    TaskInfo { executor: None, command: Some(command), ..task(id, "") }
}
