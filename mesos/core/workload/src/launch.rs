//! From the master's word to a task that waits for its executor.

use std::sync::Arc;

use mesos_api::v1::{
    ContainerId, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, Resource, TaskInfo, TaskState,
    task_status::Reason,
};
use mesos_resources::Resources;
use stout::Time;

use crate::command::{default_executor_command, executor_for};
use crate::environment::executor_environment;
use crate::events::{Effect, Input, Launch, RunKey};
use crate::model::{Executor, ExecutorState, Framework, Link, PendingLaunch, new_task};
use crate::paths::{RunId, check_id};
use crate::resources::{collect, normalize};
use crate::updates::Fate;
use crate::workload::key_of;
use crate::{File, Phase, Workload, records};

/// A word of the master that names tasks to run.
struct Request {
    executor: ExecutorInfo,
    for_command_task: bool,
    tasks: Vec<TaskInfo>,
    group: bool,
    launch_executor: Option<bool>,
}

impl Workload {
    pub(crate) fn run_task(
        &mut self,
        framework: FrameworkInfo,
        pid: Option<String>,
        task: TaskInfo,
        launch_executor: Option<bool>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        if task.executor.is_some() == task.command.is_some() {
            let id = &task.task_id.value;
            out.push(Effect::Note(format!("ignoring task '{id}': it needs either a command or an executor")));
            return;
        }
        let executor = executor_for(&self.options, &framework, &task);
        let for_command_task = task.executor.is_none();
        let request =
            Request { executor, for_command_task, tasks: vec![task], group: false, launch_executor };
        self.run(framework, pid, request, now, out);
    }

    pub(crate) fn run_group(
        &mut self,
        framework: FrameworkInfo,
        executor: ExecutorInfo,
        tasks: Vec<TaskInfo>,
        launch_executor: Option<bool>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        if tasks.is_empty() {
            out.push(Effect::Note("ignoring a task group without tasks".to_owned()));
            return;
        }
        let request = Request { executor, for_command_task: false, tasks, group: true, launch_executor };
        self.run(framework, None, request, now, out);
    }

    fn run(
        &mut self,
        framework: FrameworkInfo,
        pid: Option<String>,
        mut request: Request,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let names = names(&request.tasks);
        let Some(id) = framework.id.clone() else {
            out.push(Effect::Note(format!("ignoring {names}: the framework has no id")));
            return;
        };
        if let Some(task) = request.tasks.iter().find(|task| Some(&task.agent_id) != self.info.id.as_ref()) {
            out.push(Effect::Note(format!("ignoring {names}: it is for agent {}", task.agent_id.value)));
            return;
        }
        if matches!(self.phase, Phase::Recovering | Phase::Terminating) {
            out.push(Effect::Note(format!("ignoring {names}: the agent is not running")));
            return;
        }
        if let Err(error) = check_request(&id, &request) {
            out.push(Effect::Note(format!("ignoring {names}: {error}")));
            return;
        }
        // Whatever is wrong with resources is known before the framework is made.
        let normalized = normalize_request(&mut request, &framework);
        let keep = self.take_in(&framework, pid, &request);
        let Some(found) = self.framework_mut(&id) else { return };
        if found.terminating {
            // Nobody would acknowledge an update.
            out.push(Effect::Note(format!("ignoring {names}: framework {} is terminating", id.value)));
            return;
        }
        self.launches += 1;
        let launch = PendingLaunch {
            id: self.launches,
            executor: request.executor,
            for_command_task: request.for_command_task,
            tasks: request.tasks.clone(),
            group: request.group,
            launch_executor: request.launch_executor,
            outcome: None,
        };
        if let Some(found) = self.framework_mut(&id) {
            found.launches.push(launch);
        }
        match normalized {
            Ok(()) => out.push(Effect::Authorize {
                framework: Box::new(framework),
                launch: self.launches,
                tasks: request.tasks,
                keep,
            }),
            Err(error) => {
                let launch = self.launches;
                let reason = if request.group { Reason::TaskGroupInvalid } else { Reason::TaskInvalid };
                let fate = Fate { state: TaskState::TaskError, reason, message: &error };
                self.refuse(&id, launch, fate, now, out);
            }
        }
    }

    /// Makes the framework if it is new; returns the paths that are used again.
    fn take_in(
        &mut self,
        framework: &FrameworkInfo,
        pid: Option<String>,
        request: &Request,
    ) -> Vec<std::path::PathBuf> {
        let agent = self.agent_id().value;
        let id = framework.id.clone().unwrap_or_default().value;
        let executor = &request.executor.executor_id.value;
        let mut keep = Vec::new();
        if !self.frameworks.contains_key(&id) {
            keep.push(self.layout.framework(&agent, &id));
            keep.push(self.layout.framework_meta(&agent, &id));
            let mut new = Framework::new(framework.clone(), pid);
            // It was here before: what it had is still shown.
            if let Some(at) = self.completed.iter().position(|old| old.id().value == id)
                && let Some(old) = self.completed.remove(at)
            {
                new.completed.clone_from(&old.completed);
            }
            self.frameworks.insert(id.clone(), Arc::new(new));
        }
        let known = self.frameworks.get(&id).is_some_and(|found| found.executors.contains_key(executor));
        if !known {
            keep.push(self.layout.executor(&agent, &id, executor));
            keep.push(self.layout.executor_meta(&agent, &id, executor));
        }
        keep
    }

    pub(crate) fn authorized(
        &mut self,
        framework: &FrameworkId,
        launch: u64,
        outcome: Result<(), String>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let Some(found) = self.framework_mut(framework) else { return };
        // A launch that is not there any more was killed meanwhile.
        if let Some(pending) = found.launches.iter_mut().find(|pending| pending.id == launch) {
            pending.outcome = Some(outcome);
            self.resume_framework(framework, now, out);
        }
    }

    pub(crate) fn resume_launches(&mut self, now: Time, out: &mut Vec<Effect>) {
        let ids: Vec<FrameworkId> = self.frameworks.values().map(|framework| framework.id()).collect();
        for id in ids {
            self.resume_framework(&id, now, out);
        }
    }

    /// Hands over what has been authorized, in order for each executor.
    fn resume_framework(&mut self, framework: &FrameworkId, now: Time, out: &mut Vec<Effect>) {
        while !self.is_syncing() {
            let Some(found) = self.framework_mut(framework) else { return };
            let ready = |at: &usize| {
                let launch = &found.launches[*at];
                let executor = &launch.executor.executor_id;
                let earlier = found.launches.iter().take(*at);
                launch.outcome.is_some()
                    && !earlier.into_iter().any(|other| other.executor.executor_id == *executor)
            };
            let Some(at) = (0..found.launches.len()).find(ready) else { return };
            let mut launch = found.launches.remove(at);
            match launch.outcome.take() {
                Some(Err(error)) => {
                    let reason =
                        if launch.group { Reason::TaskGroupUnauthorized } else { Reason::TaskUnauthorized };
                    let fate = Fate { state: TaskState::TaskError, reason, message: &error };
                    self.drop_launch(framework, &launch, fate, now, out);
                }
                _ => self.deliver(framework, launch, now, out),
            }
            self.remove_framework_if_idle(framework, out);
        }
    }

    fn refuse(
        &mut self,
        framework: &FrameworkId,
        launch: u64,
        fate: Fate<'_>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let Some(found) = self.framework_mut(framework) else { return };
        let Some(at) = found.launches.iter().position(|pending| pending.id == launch) else { return };
        let launch = found.launches.remove(at);
        self.drop_launch(framework, &launch, fate, now, out);
        self.remove_framework_if_idle(framework, out);
    }

    /// Ends tasks that never reached an executor.
    fn drop_launch(
        &mut self,
        framework: &FrameworkId,
        launch: &PendingLaunch,
        fate: Fate<'_>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        for task in &launch.tasks {
            let update = self.agent_update(framework, None, &task.task_id, fate, now);
            self.status_update(update, out);
        }
        if launch.launch_executor == Some(true) {
            self.never_launched(framework, &launch.executor.executor_id, out);
        }
    }

    /// The master counts on an executor that there will not be.
    fn never_launched(&self, framework: &FrameworkId, executor: &ExecutorId, out: &mut Vec<Effect>) {
        out.push(Effect::Exited { framework: framework.clone(), executor: executor.clone(), status: -1 });
    }

    fn deliver(&mut self, framework: &FrameworkId, launch: PendingLaunch, now: Time, out: &mut Vec<Effect>) {
        let lost = self.lost_state(framework);
        let Some(found) = self.framework(framework) else { return };
        if found.terminating {
            if launch.launch_executor == Some(true) {
                self.never_launched(framework, &launch.executor.executor_id, out);
            }
            return;
        }
        if self.phase == Phase::Terminating {
            return;
        }
        if let Some(whose) = self.unknown_resources(&launch) {
            let message =
                format!("The checkpointed resources being used by the {whose} are unknown to the agent");
            let fate = Fate { state: lost, reason: Reason::ResourcesUnknown, message: &message };
            self.drop_launch(framework, &launch, fate, now, out);
            return;
        }
        let executor = found.executors.get(&launch.executor.executor_id.value);
        let state = executor.map(|executor| executor.state);
        let message = match (state, launch.launch_executor) {
            (None, None | Some(true)) => return self.launch_executor(framework, launch, out),
            (None, Some(false)) if launch.for_command_task => {
                return self.launch_executor(framework, launch, out);
            }
            (None, Some(false)) => "No executor is expected to launch and there is none running",
            (Some(state), Some(true)) => {
                self.already_there(framework, &launch.executor.executor_id, state, out);
                "Master wants to launch executor, but there already exists one"
            }
            (Some(ExecutorState::Terminating), _) => "Executor terminating",
            (Some(ExecutorState::Terminated), _) => "Executor terminated",
            (Some(ExecutorState::Registering | ExecutorState::Running), _) => {
                return self.hand_over(framework, launch, out);
            }
        };
        let launch = PendingLaunch { launch_executor: None, ..launch };
        let fate = Fate { state: lost, reason: Reason::ExecutorTerminated, message };
        self.drop_launch(framework, &launch, fate, now, out);
    }

    /// The master does not know of an executor that is here.
    fn already_there(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        state: ExecutorState,
        out: &mut Vec<Effect>,
    ) {
        match state {
            ExecutorState::Terminated => self.never_launched(framework, executor, out),
            ExecutorState::Terminating => {}
            ExecutorState::Registering | ExecutorState::Running => {
                self.end_executor(framework, &executor.value, out);
            }
        }
    }

    /// Whose reservations or volumes the agent does not know, if any.
    fn unknown_resources(&self, launch: &PendingLaunch) -> Option<&'static str> {
        let known = |resources: &[Resource]| {
            let mut needed = collect(resources).filter(|resource| resource.needs_checkpointing());
            needed.unallocate();
            needed.iter().all(|one| {
                let one: Resources = std::iter::once(one.clone()).collect();
                self.checkpointed.contains(&one)
            })
        };
        if !launch.tasks.iter().all(|task| known(&task.resources)) {
            Some("task or task group")
        } else if !known(&launch.executor.resources) {
            Some("executor")
        } else {
            None
        }
    }

    fn launch_executor(&mut self, framework: &FrameworkId, launch: PendingLaunch, out: &mut Vec<Effect>) {
        let Some(found) = self.framework(framework) else { return };
        let checkpoint = found.checkpoint();
        let command_user = launch.executor.command.as_ref().and_then(|command| command.user.clone());
        let user = self.options.switch_user.then(|| command_user.unwrap_or_else(|| found.info.user.clone()));
        let container = ContainerId { value: self.ids.uuid().to_string(), parent: None };
        let run_key = RunKey {
            framework: framework.clone(),
            executor: launch.executor.executor_id.clone(),
            container: container.clone(),
        };
        let agent = self.agent_id().value;
        let run = run_id(&agent, &run_key);
        let mut executor = Executor {
            info: launch.executor,
            framework_id: framework.clone(),
            container_id: container,
            directory: self.layout.run(run),
            user,
            checkpoint,
            for_command_task: launch.for_command_task,
            state: ExecutorState::Registering,
            link: Link::None,
            queued: Vec::new(),
            queued_groups: Vec::new(),
            launched: Default::default(),
            terminated: Default::default(),
            completed: Default::default(),
            unaccepted: Default::default(),
            pending_termination: None,
        };
        // The executor names its framework, whoever forgot to.
        executor.info.framework_id.get_or_insert_with(|| framework.clone());
        let mut files = Vec::new();
        if checkpoint {
            let Some(found) = self.framework(framework) else { return };
            if !found.checkpointed {
                files.extend(records::framework(&self.layout, &agent, found));
            }
            files.extend(records::executor(&self.layout, &agent, &executor));
            files.extend(self.task_files(run, framework, &launch.tasks));
        }
        let effect = self.launch_effect(&executor, run, files, &launch.tasks, launch.group);
        executor.enqueue(&launch.tasks, launch.group);
        let directory = executor.directory.clone();
        if let Some(found) = self.framework_mut(framework) {
            found.executors.insert(executor.id().to_owned(), Arc::new(executor));
        }
        out.push(Effect::Attach { run: run_key.clone(), directory });
        out.push(Effect::Launch(Box::new(effect)));
        let timeout = self.options.registration_timeout;
        out.push(Effect::After(timeout, Box::new(Input::RegistrationTimeout(run_key))));
    }

    fn launch_effect(
        &self,
        executor: &Executor,
        run: RunId<'_>,
        files: Vec<File>,
        tasks: &[TaskInfo],
        group: bool,
    ) -> Launch {
        let command = if executor.is_default() {
            default_executor_command(&self.options, executor.user.as_deref())
        } else {
            executor.info.command.clone().unwrap_or_default()
        };
        // An executor may have no resources of its own: the container starts with those of the task.
        let mut resources = collect(&executor.info.resources);
        if let (false, [task]) = (group, tasks) {
            resources += collect(&task.resources);
        }
        let framework = self.framework(&executor.framework_id);
        let checkpoint = framework.is_some_and(Framework::checkpoint);
        let directories = [self.layout.run(run), self.layout.run_meta(run)];
        let latest = self.layout.latest_runs(run.agent, run.framework, run.executor);
        let links = latest.into_iter().zip(directories).take(if checkpoint { 2 } else { 1 });
        let container = executor.info.container.clone();
        let environment = executor_environment(
            &self.options,
            &executor.info,
            &self.agent_id(),
            &executor.directory,
            checkpoint,
        );
        Launch {
            run: key_of(executor),
            files,
            links: links.collect(),
            directory: executor.directory.clone(),
            user: executor.user.clone(),
            command,
            container: container.or_else(|| self.options.default_container_info.clone()),
            resources: resources.to_protos(),
            environment,
            pid_file: checkpoint.then(|| self.layout.forked_pid(run)),
        }
    }

    /// Gives tasks to an executor that is there.
    fn hand_over(&mut self, framework: &FrameworkId, launch: PendingLaunch, out: &mut Vec<Effect>) {
        let agent = self.agent_id().value;
        let Some(executor) = self.executor_mut(framework, &launch.executor.executor_id.value) else { return };
        executor.enqueue(&launch.tasks, launch.group);
        let (state, checkpoint) = (executor.state, executor.checkpoint);
        let resources = executor.allocated().to_protos();
        let key = key_of(executor);
        let files = if checkpoint {
            self.task_files(run_id(&agent, &key), framework, &launch.tasks)
        } else {
            Vec::new()
        };
        let tasks = launch.tasks.into_iter().map(|task| task.task_id).collect();
        if state == ExecutorState::Running {
            out.push(Effect::Prepare { run: key, files, resources, tasks });
        } else if !files.is_empty() {
            out.push(Effect::Checkpoint { run: key, files, tasks });
        }
    }

    pub(crate) fn task_files(
        &self,
        run: RunId<'_>,
        framework: &FrameworkId,
        tasks: &[TaskInfo],
    ) -> Vec<File> {
        let staging = |task: &TaskInfo| new_task(task, TaskState::TaskStaging, framework);
        tasks.iter().map(|task| records::task(&self.layout, run, &staging(task))).collect()
    }

    /// How a task ends that was never started.
    pub(crate) fn lost_state(&self, framework: &FrameworkId) -> TaskState {
        if self.is_partition_aware(framework) { TaskState::TaskDropped } else { TaskState::TaskLost }
    }

    /// How a task ends that was started and is no more.
    pub(crate) fn gone_state(&self, framework: &FrameworkId) -> TaskState {
        if self.is_partition_aware(framework) { TaskState::TaskGone } else { TaskState::TaskLost }
    }
}

pub(crate) fn run_id<'a>(agent: &'a str, key: &'a RunKey) -> RunId<'a> {
    RunId {
        agent,
        framework: &key.framework.value,
        executor: &key.executor.value,
        container: &key.container.value,
    }
}

fn names(tasks: &[TaskInfo]) -> String {
    let ids: Vec<&str> = tasks.iter().map(|task| task.task_id.value.as_str()).collect();
    match ids[..] {
        [id] => format!("task '{id}'"),
        _ => format!("task group [{}]", ids.join(", ")),
    }
}

fn check_request(framework: &FrameworkId, request: &Request) -> Result<(), crate::paths::BadId> {
    check_id(&framework.value)?;
    check_id(&request.executor.executor_id.value)?;
    request.tasks.iter().try_for_each(|task| check_id(&task.task_id.value))
}

fn normalize_request(request: &mut Request, framework: &FrameworkInfo) -> Result<(), String> {
    let mut all = vec![&mut request.executor.resources];
    for task in &mut request.tasks {
        all.push(&mut task.resources);
        all.extend(task.executor.as_mut().map(|executor| &mut executor.resources));
    }
    all.into_iter()
        .try_for_each(|resources| normalize(resources, framework))
        .map_err(|error| error.to_string())
}
