//! Frameworks, executors and tasks as an agent knows them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use mesos_api::v1::{self, ExecutorInfo, FrameworkId, FrameworkInfo, Task, TaskInfo, framework_info};
use mesos_resources::Resources;
use mesos_updates::{Uuid, state::is_terminal};

use crate::{Termination, resources::collect};

/// How many completed tasks of an executor are remembered.
pub const COMPLETED_TASKS_MAX: usize = 200;

/// How many states of a task are remembered.
pub const STATUSES_MAX: usize = 1000;

/// A framework that has tasks here, or had.
#[derive(Debug, Clone, PartialEq)]
pub struct Framework {
    /// What the master says about it; its id is set.
    pub info: FrameworkInfo,
    /// Where its scheduler listens, if it speaks the old protocol.
    pub pid: Option<String>,
    /// Whether all that it has is being shut down.
    pub terminating: bool,
    /// What is on its way to an executor, in order of arrival.
    pub launches: Vec<PendingLaunch>,
    /// Its executors by id.
    pub executors: BTreeMap<String, Arc<Executor>>,
    /// The executors that are gone, oldest first.
    pub completed: VecDeque<Arc<Executor>>,
    /// Whether what is to be remembered of it is on disk.
    pub checkpointed: bool,
}

/// A task or a group that is being authorized.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingLaunch {
    /// Names it in [`Effect::Authorize`](crate::Effect::Authorize).
    pub id: u64,
    /// The executor that shall run it.
    pub executor: ExecutorInfo,
    /// Whether the agent made up the executor.
    pub for_command_task: bool,
    /// The tasks: one, or a group.
    pub tasks: Vec<TaskInfo>,
    /// Whether they stand or fall together.
    pub group: bool,
    /// Whether the master counts on a new executor for it; old masters do not say.
    pub launch_executor: Option<bool>,
    /// What the authorizer said, once it has.
    pub outcome: Option<Result<(), String>>,
}

/// How far an executor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExecutorState {
    /// Its container is being launched, or it has not called yet.
    Registering,
    /// It is connected, or was once.
    Running,
    /// It was told to end.
    Terminating,
    /// Its container is gone; updates of its tasks are not acknowledged yet.
    Terminated,
}

/// How an executor is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// Not at all: it has not called yet.
    #[default]
    None,
    /// Over the event stream with this number.
    Http(u64),
    /// By messages to this address.
    Pid(String),
    /// It speaks HTTP and is expected to call again.
    AwaitingHttp,
}

/// One run of an executor.
#[derive(Debug, Clone, PartialEq)]
pub struct Executor {
    /// What the framework, or the agent for a command task, says about it.
    pub info: ExecutorInfo,
    /// Whose it is.
    pub framework_id: FrameworkId,
    /// The container of this run.
    pub container_id: v1::ContainerId,
    /// The sandbox.
    pub directory: PathBuf,
    /// Who it runs as, when the agent switches users.
    pub user: Option<String>,
    /// Whether it survives a restart of the agent.
    pub checkpoint: bool,
    /// Whether the agent made it up to run one command.
    pub for_command_task: bool,
    /// How far it is.
    pub state: ExecutorState,
    /// How it is reached.
    pub link: Link,
    /// Tasks that it has not been given yet, in order.
    pub queued: Vec<TaskInfo>,
    /// The groups among them, by task ids.
    pub queued_groups: Vec<Vec<String>>,
    /// Tasks that it was given and that have not ended.
    pub launched: BTreeMap<String, Task>,
    /// Tasks that have ended, with updates the framework has not acknowledged.
    pub terminated: BTreeMap<String, Task>,
    /// Tasks that are over, oldest first.
    pub completed: VecDeque<Task>,
    /// Updates it made that are not safe yet: task and uuid.
    pub unaccepted: BTreeSet<(String, Uuid)>,
    /// Why the agent is ending its container.
    pub pending_termination: Option<Termination>,
}

impl Framework {
    pub(crate) fn new(info: FrameworkInfo, pid: Option<String>) -> Self {
        Framework {
            info,
            pid,
            terminating: false,
            launches: Vec::new(),
            executors: BTreeMap::new(),
            completed: VecDeque::new(),
            checkpointed: false,
        }
    }

    /// Its id, empty only when the master sent none.
    pub fn id(&self) -> FrameworkId {
        self.info.id.clone().unwrap_or_default()
    }

    /// Whether what runs for it survives a restart of the agent.
    pub fn checkpoint(&self) -> bool {
        self.info.checkpoint.unwrap_or(false)
    }

    /// Whether it has a capability.
    pub fn has(&self, capability: framework_info::capability::Type) -> bool {
        has_capability(&self.info, capability)
    }

    /// Nothing runs or waits for it.
    pub fn is_idle(&self) -> bool {
        self.launches.is_empty() && self.executors.is_empty()
    }

    /// The executor that holds a task, whatever became of it, but for completed ones.
    pub fn executor_of(&self, task: &str) -> Option<&Arc<Executor>> {
        self.executors.values().find(|executor| executor.holds(task))
    }

    /// Whether a task is being authorized.
    pub fn is_pending(&self, task: &str) -> bool {
        self.pending_tasks().any(|pending| pending.task_id.value == task)
    }

    /// The tasks that are being authorized.
    pub fn pending_tasks(&self) -> impl Iterator<Item = &TaskInfo> {
        self.launches.iter().flat_map(|launch| &launch.tasks)
    }

    /// Whether a task is known here and not completed.
    pub fn has_task(&self, task: &str) -> bool {
        self.is_pending(task) || self.executor_of(task).is_some()
    }

    /// What its executors and tasks use, those on their way included.
    pub fn allocated(&self) -> Resources {
        let mut all: Resources = self.executors.values().map(|executor| executor.allocated()).sum();
        let mut coming = BTreeSet::new();
        for launch in &self.launches {
            if launch.tasks.is_empty() {
                continue;
            }
            for task in &launch.tasks {
                all += collect(&task.resources);
            }
            let id = &launch.executor.executor_id.value;
            if !self.executors.contains_key(id) && coming.insert(id) {
                all += collect(&launch.executor.resources);
            }
        }
        all
    }
}

/// Whether a framework has a capability.
pub fn has_capability(info: &FrameworkInfo, capability: framework_info::capability::Type) -> bool {
    info.capabilities.iter().any(|found| found.r#type() == capability)
}

impl Executor {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.info.executor_id.value
    }

    /// Whether it is one that comes with Mesos and runs task groups.
    pub fn is_default(&self) -> bool {
        self.info.r#type() == v1::executor_info::Type::Default
    }

    /// Whether the task was given to it, or waits for it, and is not completed.
    pub fn holds(&self, task: &str) -> bool {
        self.is_queued(task) || self.launched.contains_key(task) || self.terminated.contains_key(task)
    }

    /// Whether the task waits to be given to it.
    pub fn is_queued(&self, task: &str) -> bool {
        self.queued.iter().any(|queued| queued.task_id.value == task)
    }

    /// The group that a waiting task is part of.
    pub fn queued_group(&self, task: &str) -> Option<&[String]> {
        self.queued_groups.iter().find(|group| group.iter().any(|id| id == task)).map(Vec::as_slice)
    }

    /// Tasks that are neither completed nor forgotten.
    pub fn has_incomplete_tasks(&self) -> bool {
        !self.queued.is_empty() || !self.launched.is_empty() || !self.terminated.is_empty()
    }

    /// Whether it was ever given a task.
    pub fn was_sent_a_task(&self) -> bool {
        let spoke = |task: &Task| {
            task.statuses.iter().any(|status| status.source() == v1::task_status::Source::Executor)
        };
        !self.launched.is_empty() || self.terminated.values().any(spoke) || self.completed.iter().any(spoke)
    }

    /// What it and its tasks use.
    pub fn allocated(&self) -> Resources {
        let mut all = collect(&self.info.resources);
        for task in &self.queued {
            all += collect(&task.resources);
        }
        for task in self.launched.values() {
            all += collect(&task.resources);
        }
        all
    }

    pub(crate) fn enqueue(&mut self, tasks: &[TaskInfo], group: bool) {
        self.queued.extend_from_slice(tasks);
        if group {
            self.queued_groups.push(tasks.iter().map(|task| task.task_id.value.clone()).collect());
        }
    }

    pub(crate) fn dequeue(&mut self, task: &str) -> Option<TaskInfo> {
        let at = self.queued.iter().position(|queued| queued.task_id.value == task)?;
        let info = self.queued.remove(at);
        let queued = std::mem::take(&mut self.queued_groups);
        self.queued_groups =
            queued.into_iter().filter(|group| group.iter().any(|id| self.is_queued(id))).collect();
        Some(info)
    }

    pub(crate) fn complete(&mut self, task: &str) {
        if let Some(task) = self.terminated.remove(task) {
            if self.completed.len() >= COMPLETED_TASKS_MAX {
                self.completed.pop_front();
            }
            self.completed.push_back(task);
        }
    }

    /// Records a new status of a task.
    ///
    /// # Errors
    ///
    /// When the task is unknown or has ended, or waits and would not end by it.
    pub(crate) fn set_task_status(&mut self, status: &v1::TaskStatus) -> Result<(), StatusRefused> {
        let id = &status.task_id.value;
        let terminal = is_terminal(status.state());
        let mut task = if self.is_queued(id) {
            if !terminal {
                return Err(StatusRefused::Queued);
            }
            match self.dequeue(id) {
                Some(info) => new_task(&info, status.state(), &self.framework_id),
                None => return Err(StatusRefused::Unknown),
            }
        } else if let Some(task) = self.launched.remove(id) {
            task
        } else if let Some(task) = self.terminated.get(id) {
            return Err(StatusRefused::Ended(task.state()));
        } else {
            return Err(StatusRefused::Unknown);
        };
        // Health checks repeat a state many times: only the newest of them is kept.
        if task.statuses.last().is_some_and(|last| last.state == status.state) {
            task.statuses.pop();
        }
        if task.statuses.len() >= STATUSES_MAX {
            task.statuses.remove(0);
        }
        task.statuses.push(status.clone());
        task.state = status.state;
        let tasks = if terminal { &mut self.terminated } else { &mut self.launched };
        tasks.insert(id.clone(), task);
        Ok(())
    }
}

/// Why a status of a task was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatusRefused {
    /// It has not been given to the executor, so it can only end.
    #[error("the task waits for its executor and can only end")]
    Queued,
    /// It ended before.
    #[error("the task has already ended with state {}", .0.as_str_name())]
    Ended(v1::TaskState),
    /// No executor has it.
    #[error("the task is unknown")]
    Unknown,
}

/// The record of a task as it is kept, sent to the master and written down.
pub fn new_task(info: &TaskInfo, state: v1::TaskState, framework: &FrameworkId) -> Task {
    let executor_user = info.executor.as_ref().and_then(|executor| executor.command.as_ref());
    let user = info.command.as_ref().or(executor_user).and_then(|command| command.user.clone());
    Task {
        name: info.name.clone(),
        task_id: info.task_id.clone(),
        framework_id: framework.clone(),
        executor_id: info.executor.as_ref().map(|executor| executor.executor_id.clone()),
        agent_id: info.agent_id.clone(),
        state: state as i32,
        resources: info.resources.clone(),
        labels: info.labels.clone(),
        discovery: info.discovery.clone(),
        container: info.container.clone(),
        user,
        ..Task::default()
    }
}
