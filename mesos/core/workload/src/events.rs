//! What happens to an agent, and what it has to do about it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mesos_api::internal::{ReconcileTasksMessage, StatusUpdate};
use mesos_api::v1::{
    self, AgentId, ContainerId, ExecutorId, ExecutorInfo, FrameworkId, FrameworkInfo, KillPolicy, Resource,
    TaskId, TaskInfo, TaskState, executor, task_status::Reason,
};
use mesos_resources::Resources;
use mesos_updates::Uuid;

use crate::{File, Link};

/// Names an executor, and the run that is meant when a newer one may have taken its place.
#[derive(Debug, Clone, PartialEq)]
pub struct RunKey {
    /// The framework.
    pub framework: FrameworkId,
    /// The executor.
    pub executor: ExecutorId,
    /// The container of the run.
    pub container: ContainerId,
}

/// How a container ended, or why it is being ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Termination {
    /// The wait status of its command.
    pub status: Option<i32>,
    /// The state its tasks get.
    pub state: Option<TaskState>,
    /// The reason its tasks get.
    pub reason: Option<Reason>,
    /// Why, for the person who reads it.
    pub message: Option<String>,
    /// The agent ended while it launched the container: nothing of it has run.
    pub never_ran: bool,
    /// The resources that ran out.
    pub limited_resources: Vec<Resource>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The master gave this agent an id, or confirmed the one it has.
    Registered(AgentId),
    /// The master compared its tasks with those that the agent told it.
    Reconcile(Vec<ReconcileTasksMessage>),
    /// There is no master any more.
    Disconnected,
    /// The executors that lived through a restart had their time to come back.
    ReregistrationTimeout,
    /// The master, or a signal, ends this agent: all that runs is shut down.
    Shutdown,
    /// Run a task.
    RunTask {
        /// Whose task.
        framework: Box<FrameworkInfo>,
        /// Where its scheduler listens.
        pid: Option<String>,
        /// The task, with a command or an executor.
        task: Box<TaskInfo>,
        /// Whether the master counts on a new executor.
        launch_executor: Option<bool>,
    },
    /// Run tasks that stand or fall together.
    RunTaskGroup {
        /// Whose tasks.
        framework: Box<FrameworkInfo>,
        /// The executor for all of them.
        executor: Box<ExecutorInfo>,
        /// The tasks.
        tasks: Vec<TaskInfo>,
        /// Whether the master counts on a new executor.
        launch_executor: Option<bool>,
    },
    /// The authorizer has answered [`Effect::Authorize`].
    Authorized {
        /// Whose launch.
        framework: FrameworkId,
        /// Which launch.
        launch: u64,
        /// Why not.
        outcome: Result<(), String>,
    },
    /// End a task.
    KillTask {
        /// Whose task.
        framework: FrameworkId,
        /// Which task.
        task: TaskId,
        /// How long it may take.
        kill_policy: Option<KillPolicy>,
    },
    /// End an executor.
    ShutdownExecutor {
        /// Whose executor.
        framework: FrameworkId,
        /// Which executor.
        executor: ExecutorId,
    },
    /// End all of a framework.
    ShutdownFramework(FrameworkId),
    /// The framework has changed, or its scheduler moved.
    UpdateFramework {
        /// Which framework.
        framework: FrameworkId,
        /// What it is now; old masters do not say.
        info: Option<Box<FrameworkInfo>>,
        /// Where its scheduler listens now.
        pid: Option<String>,
    },
    /// The reservations and volumes in force from now on.
    CheckpointResources(Vec<Resource>),
    /// [`Effect::SyncResources`] is done.
    ResourcesSynced {
        /// What was to be in force.
        resources: Resources,
        /// What went wrong.
        outcome: Result<(), String>,
    },
    /// The wait after a failed [`Effect::SyncResources`] is over.
    RetrySync,
    /// A scheduler speaks to an executor.
    FrameworkMessage {
        /// Whose executor.
        framework: FrameworkId,
        /// Which executor.
        executor: ExecutorId,
        /// What it says.
        data: Vec<u8>,
    },
    /// [`Effect::Launch`] is done.
    Launched {
        /// Which run.
        run: RunKey,
        /// What went wrong.
        outcome: Result<(), LaunchError>,
    },
    /// The container is gone.
    Terminated {
        /// Which run.
        run: RunKey,
        /// How it ended; nothing when the containerizer does not know it.
        termination: Result<Option<Termination>, String>,
    },
    /// [`Effect::Prepare`] is done.
    Prepared {
        /// Which run.
        run: RunKey,
        /// The tasks that were prepared for.
        tasks: Vec<TaskId>,
        /// What went wrong.
        outcome: Result<(), PrepareError>,
    },
    /// An executor has called for the first time, or again.
    Subscribe {
        /// Whose executor.
        framework: FrameworkId,
        /// Which executor.
        executor: ExecutorId,
        /// How it is reached.
        link: Link,
        /// What it says about earlier times.
        kind: Subscription,
    },
    /// The executor's event stream broke.
    Unsubscribed {
        /// Whose executor.
        framework: FrameworkId,
        /// Which executor.
        executor: ExecutorId,
        /// The stream that broke.
        link: Link,
    },
    /// An executor tells the new state of a task.
    Update {
        /// The update as it came.
        update: Box<StatusUpdate>,
        /// The executor that made it.
        executor: ExecutorId,
    },
    /// [`Effect::Annotate`] is done.
    Annotated {
        /// The update, with what is known about its container.
        update: Box<StatusUpdate>,
        /// The executor that made it.
        executor: ExecutorId,
    },
    /// An update is safe: its executor may forget it.
    Accepted {
        /// Whose task.
        framework: FrameworkId,
        /// Which task.
        task: TaskId,
        /// Which update.
        uuid: Uuid,
    },
    /// An update was sent to the master.
    Forwarded {
        /// The update.
        update: Box<StatusUpdate>,
    },
    /// The framework has acknowledged an update.
    Acknowledged {
        /// Whose task.
        framework: FrameworkId,
        /// Which task.
        task: TaskId,
        /// Nothing is left to acknowledge, and the task has ended.
        finished: bool,
    },
    /// An executor speaks to its scheduler.
    ExecutorMessage {
        /// Whose executor.
        framework: FrameworkId,
        /// Which executor.
        executor: ExecutorId,
        /// What it says.
        data: Vec<u8>,
    },
    /// The executor had its time to call.
    RegistrationTimeout(RunKey),
    /// The executor had its time to end by itself.
    ShutdownTimeout(RunKey),
}

/// What an executor says when it calls.
#[derive(Debug, Clone, PartialEq)]
pub enum Subscription {
    /// Old protocol, new executor.
    Register,
    /// Old protocol, after the agent restarted.
    Reregister {
        /// Tasks whose first update was not acknowledged.
        tasks: Vec<TaskInfo>,
        /// Updates that were not acknowledged.
        updates: Vec<StatusUpdate>,
    },
    /// HTTP, new or again.
    Subscribe {
        /// Tasks whose first update was not acknowledged.
        tasks: Vec<TaskInfo>,
        /// Updates that were not acknowledged.
        updates: Vec<v1::TaskStatus>,
    },
}

/// What kept tasks from being handed to their executor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The tasks cannot be remembered. They are given up, the executor goes on.
    #[error("failed to checkpoint: {0}")]
    Checkpoint(String),
    /// The container does not take what they need. It is destroyed.
    #[error("failed to update resources for container: {0}")]
    Update(String),
}

/// What kept a container from being launched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// The executor cannot be remembered. It is given up before anything was started.
    #[error("failed to checkpoint: {0}")]
    Checkpoint(String),
    /// The containerizer could not start it.
    #[error("{0}")]
    Container(String),
}

/// A container to launch for an executor.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    /// Which run.
    pub run: RunKey,
    /// What to write before anything else.
    pub files: Vec<File>,
    /// Links that shall point to the run's directories.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// The sandbox.
    pub directory: PathBuf,
    /// Who it runs as, when the agent switches users.
    pub user: Option<String>,
    /// What to run.
    pub command: v1::CommandInfo,
    /// Details of the container.
    pub container: Option<v1::ContainerInfo>,
    /// What it may use to begin with.
    pub resources: Vec<Resource>,
    /// What its environment starts from.
    pub environment: BTreeMap<String, String>,
    /// Where the container's process id is written.
    pub pid_file: Option<PathBuf>,
}

/// A persistent volume's directory that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRemoval {
    /// The directory.
    pub path: PathBuf,
    /// Only its content goes: it is a mount point.
    pub keep_root: bool,
}

/// What the caller has to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Keep these paths from being collected, ask whether the tasks may run, come back with
    /// [`Input::Authorized`].
    Authorize {
        /// Whose launch.
        framework: Box<FrameworkInfo>,
        /// Which launch.
        launch: u64,
        /// The tasks.
        tasks: Vec<TaskInfo>,
        /// Paths that are about to be used again.
        keep: Vec<PathBuf>,
    },
    /// Launch a container, come back with [`Input::Launched`], and with [`Input::Terminated`] at its end.
    Launch(Box<Launch>),
    /// Write the files, give the container the resources, come back with [`Input::Prepared`]. Those of
    /// one run go in order.
    Prepare {
        /// Which run.
        run: RunKey,
        /// What to write.
        files: Vec<File>,
        /// What the container shall have.
        resources: Vec<Resource>,
        /// What to come back with.
        tasks: Vec<TaskId>,
    },
    /// Write the files of a run that is not connected yet; nobody waits for it. A failure comes back
    /// as [`Input::Prepared`].
    Checkpoint {
        /// Which run.
        run: RunKey,
        /// What to write.
        files: Vec<File>,
        /// What to come back with after a failure.
        tasks: Vec<TaskId>,
    },
    /// Write what is to be remembered of a framework, again until it succeeds.
    CheckpointFramework(Vec<File>),
    /// Destroy a container.
    Destroy(ContainerId),
    /// Wait for the end of a container that was not launched just now.
    Watch(RunKey),
    /// Send an event to an executor.
    Send {
        /// Whose executor.
        framework: FrameworkId,
        /// Which executor.
        executor: ExecutorId,
        /// How it is reached.
        link: Link,
        /// What to send.
        event: Box<executor::Event>,
    },
    /// Close an event stream.
    Close(Link),
    /// Tell an executor of the old protocol that it is known again.
    Reregistered {
        /// Where it listens.
        pid: String,
    },
    /// Ask an executor of the old protocol to call again.
    Reconnect {
        /// Where it listens.
        pid: String,
    },
    /// Fill in what is known about the container, come back with [`Input::Annotated`]. Those of one
    /// executor go in order.
    Annotate {
        /// The update.
        update: Box<StatusUpdate>,
        /// The executor that made it.
        executor: ExecutorId,
        /// Whose status to fill in.
        container: ContainerId,
    },
    /// Hand an update to the update streams.
    Update {
        /// The update.
        update: Box<StatusUpdate>,
        /// The file of its stream, when it survives a restart.
        file: Option<PathBuf>,
        /// Give this container only that much before anybody is told.
        shrink: Option<(ContainerId, Vec<Resource>)>,
    },
    /// Send what this framework has in flight again: it is back.
    ResumeUpdates(FrameworkId),
    /// Nobody will acknowledge this framework's updates any more.
    CloseStreams(FrameworkId),
    /// Tell the master that an executor is gone.
    Exited {
        /// Whose executor.
        framework: FrameworkId,
        /// Which executor.
        executor: ExecutorId,
        /// The wait status, or -1.
        status: i32,
    },
    /// Bring a message to a framework.
    ToFramework {
        /// Whose message.
        framework: FrameworkId,
        /// Who speaks.
        executor: ExecutorId,
        /// What it says.
        data: Vec<u8>,
        /// Where the scheduler listens; through the master when nobody knows.
        pid: Option<String>,
    },
    /// Come back with an input after a while.
    After(Duration, Box<Input>),
    /// Remove these some day.
    Collect(Vec<Garbage>),
    /// A run is over and told: leave a mark beside what is remembered of it.
    Seal(PathBuf),
    /// The sandbox is there for people to look at.
    Attach {
        /// Which run.
        run: RunKey,
        /// Its sandbox.
        directory: PathBuf,
    },
    /// Put reservations and volumes in force on disk, come back with [`Input::ResourcesSynced`].
    SyncResources {
        /// What is in force afterwards.
        resources: Resources,
        /// What to write before and to commit afterwards.
        content: Vec<u8>,
        /// Directories to create.
        create: Vec<PathBuf>,
        /// Directories to remove.
        remove: Vec<VolumeRemoval>,
    },
    /// Count something.
    Count(Count),
    /// Tell the operator.
    Note(String),
    /// The agent cannot go on.
    Fatal(String),
    /// Everything was shut down.
    Finished,
}

/// Something to remove some day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// What to remove.
    pub path: PathBuf,
    /// It was in use until now; otherwise its modification time says since when it is not.
    pub fresh: bool,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// An update that was taken.
    ValidUpdate,
    /// An update that was not.
    InvalidUpdate,
    /// A message of a framework that was delivered.
    ValidMessage,
    /// A message of a framework that was not.
    InvalidMessage,
    /// A task ended.
    TaskEnded(TaskState),
    /// An executor ended.
    ExecutorTerminated,
    /// A container could not be launched.
    LaunchError,
    /// Something could not be recovered.
    RecoveryErrors(u64),
}
