use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mesos_api::v1::{AgentId, AgentInfo, ExecutorId, FrameworkId, TaskId, framework_info::capability::Type};
use mesos_resources::Resources;
use stout::Time;

use crate::events::{Effect, Garbage, Input, RunKey};
use crate::ids::Ids;
use crate::model::{Executor, Framework};
use crate::paths::{Layout, RunId, container_text};
use crate::{Options, sync::Sync};

/// How an agent stands to its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Executors of before a restart have time to come back.
    Recovering,
    /// There is no master, or it does not know this agent yet.
    Disconnected,
    /// The master gives it work.
    Running,
    /// Everything is being shut down.
    Terminating,
}

/// The model of an agent: its frameworks, executors and tasks, and what becomes of them.
///
/// Cloning it is cheap and gives a picture that later inputs do not change: frameworks and executors are
/// shared until one of the two copies changes them.
#[derive(Debug, Clone)]
pub struct Workload {
    pub(crate) options: Options,
    pub(crate) layout: Layout,
    pub(crate) info: AgentInfo,
    pub(crate) phase: Phase,
    pub(crate) frameworks: BTreeMap<String, Arc<Framework>>,
    pub(crate) completed: VecDeque<Arc<Framework>>,
    pub(crate) checkpointed: Resources,
    pub(crate) total: Resources,
    pub(crate) syncing: Option<Sync>,
    pub(crate) resource_version: Vec<u8>,
    pub(crate) ids: Ids,
    pub(crate) launches: u64,
}

impl Workload {
    /// An agent without any work. `info.resources` are those of the command line, `seed` is what all
    /// identities are made from.
    pub fn new(options: Options, info: AgentInfo, seed: [u8; 32]) -> Self {
        let mut ids = Ids::new(seed);
        let total = crate::resources::collect(&info.resources);
        Workload {
            layout: Layout::new(&options.work_dir),
            options,
            info,
            phase: Phase::Recovering,
            frameworks: BTreeMap::new(),
            completed: VecDeque::new(),
            checkpointed: Resources::new(),
            total,
            syncing: None,
            resource_version: ids.uuid().to_vec(),
            ids,
            launches: 0,
        }
    }

    /// How it was set up.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Where its files are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The agent's description, with its id once it has one.
    pub fn info(&self) -> &AgentInfo {
        &self.info
    }

    /// How it stands to its master.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The frameworks that have something here, by id.
    pub fn frameworks(&self) -> &BTreeMap<String, Arc<Framework>> {
        &self.frameworks
    }

    /// The frameworks that had, oldest first.
    pub fn completed_frameworks(&self) -> &VecDeque<Arc<Framework>> {
        &self.completed
    }

    /// The reservations and volumes in force.
    pub fn checkpointed_resources(&self) -> &Resources {
        &self.checkpointed
    }

    /// All resources, with reservations and volumes.
    pub fn total(&self) -> &Resources {
        &self.total
    }

    /// What is used, tasks on their way included.
    pub fn used(&self) -> Resources {
        self.frameworks.values().map(|framework| framework.allocated()).sum()
    }

    /// A framework that has something here.
    pub fn framework(&self, id: &FrameworkId) -> Option<&Framework> {
        self.frameworks.get(&id.value).map(Arc::as_ref)
    }

    /// An executor that is not gone.
    pub fn executor(&self, framework: &FrameworkId, executor: &ExecutorId) -> Option<&Executor> {
        self.framework(framework)?.executors.get(&executor.value).map(Arc::as_ref)
    }

    /// The executor whose root container this is.
    pub fn executor_in(&self, container: &str) -> Option<(&Framework, &Executor)> {
        self.frameworks.values().find_map(|framework| {
            let executor =
                framework.executors.values().find(|executor| executor.container_id.value == container)?;
            Some((framework.as_ref(), executor.as_ref()))
        })
    }

    /// All tasks that have not ended.
    pub fn live_tasks(&self) -> impl Iterator<Item = (&Framework, &Executor, &mesos_api::v1::Task)> {
        self.frameworks.values().flat_map(|framework| {
            framework.executors.values().flat_map(move |executor| {
                executor.launched.values().map(move |task| (framework.as_ref(), executor.as_ref(), task))
            })
        })
    }

    /// Feeds one event to the model; what the caller must now do is appended to `out`.
    pub fn apply(&mut self, input: Input, now: Time, out: &mut Vec<Effect>) {
        match input {
            Input::Registered(id) => self.registered(id, out),
            Input::Reconcile(messages) => self.reconcile(messages, now, out),
            Input::Disconnected => {
                if self.phase == Phase::Running {
                    self.phase = Phase::Disconnected;
                }
            }
            Input::ReregistrationTimeout => self.reregistration_timeout(out),
            Input::Shutdown => self.shutdown(out),
            Input::RunTask { framework, pid, task, launch_executor } => {
                self.run_task(*framework, pid, *task, launch_executor, now, out);
            }
            Input::RunTaskGroup { framework, executor, tasks, launch_executor } => {
                self.run_group(*framework, *executor, tasks, launch_executor, now, out);
            }
            Input::Authorized { framework, launch, outcome } => {
                self.authorized(&framework, launch, outcome, now, out);
            }
            Input::KillTask { framework, task, kill_policy } => {
                self.kill_task(&framework, &task, kill_policy, now, out);
            }
            Input::ShutdownExecutor { framework, executor } => {
                self.shutdown_executor(&framework, &executor, out);
            }
            Input::ShutdownFramework(framework) => self.shutdown_framework(&framework, out),
            Input::UpdateFramework { framework, info, pid } => {
                self.update_framework(&framework, info.map(|info| *info), pid, out);
            }
            Input::CheckpointResources(resources) => self.checkpoint_resources(resources, out),
            Input::ResourcesSynced { resources, outcome } => {
                self.resources_synced(resources, outcome, now, out);
            }
            Input::RetrySync => self.retry_sync(out),
            Input::FrameworkMessage { framework, executor, data } => {
                self.framework_message(&framework, &executor, data, out);
            }
            Input::Launched { run, outcome } => self.launched(&run, outcome, out),
            Input::Terminated { run, termination } => self.terminated(&run, termination, now, out),
            Input::Prepared { run, tasks, outcome } => self.prepared(&run, &tasks, outcome, now, out),
            Input::Subscribe { framework, executor, link, kind } => {
                self.subscribe(&framework, &executor, link, kind, now, out);
            }
            Input::Unsubscribed { framework, executor, link } => {
                self.unsubscribed(&framework, &executor, &link);
            }
            Input::Update { update, executor } => self.executor_update(*update, &executor, out),
            Input::Annotated { update, executor } => self.annotated(*update, &executor, out),
            Input::Accepted { framework, task, uuid } => self.accepted(&framework, &task, uuid, out),
            Input::Forwarded { update } => self.forwarded(&update),
            Input::Acknowledged { framework, task, finished } => {
                self.acknowledged(&framework, &task, finished, out);
            }
            Input::ExecutorMessage { framework, executor, data } => {
                self.executor_message(&framework, &executor, data, out);
            }
            Input::RegistrationTimeout(run) => self.registration_timeout(&run, out),
            Input::ShutdownTimeout(run) => self.shutdown_timeout(&run, out),
        }
    }

    pub(crate) fn agent_id(&self) -> AgentId {
        self.info.id.clone().unwrap_or_default()
    }

    pub(crate) fn framework_mut(&mut self, id: &FrameworkId) -> Option<&mut Framework> {
        self.frameworks.get_mut(&id.value).map(Arc::make_mut)
    }

    pub(crate) fn executor_mut(&mut self, framework: &FrameworkId, executor: &str) -> Option<&mut Executor> {
        self.framework_mut(framework)?.executors.get_mut(executor).map(Arc::make_mut)
    }

    /// The executor, if it is still this run of it.
    pub(crate) fn run_mut(&mut self, run: &RunKey) -> Option<&mut Executor> {
        self.executor_mut(&run.framework, &run.executor.value)
            .filter(|executor| executor.container_id == run.container)
    }

    /// The executor that holds a task.
    pub(crate) fn holder_mut(&mut self, framework: &FrameworkId, task: &TaskId) -> Option<&mut Executor> {
        let framework = self.framework_mut(framework)?;
        let id = framework.executor_of(&task.value)?.id().to_owned();
        framework.executors.get_mut(&id).map(Arc::make_mut)
    }

    pub(crate) fn is_partition_aware(&self, framework: &FrameworkId) -> bool {
        self.framework(framework).is_some_and(|framework| framework.has(Type::PartitionAware))
    }

    /// Paths below an executor that nobody uses any more.
    pub(crate) fn executor_garbage(&self, executor: &Executor, whole: bool, fresh: bool) -> Vec<Garbage> {
        let agent = self.agent_id().value;
        let framework = &executor.framework_id.value;
        let container = container_text(&executor.container_id);
        let run = RunId { agent: &agent, framework, executor: executor.id(), container: &container };
        let mut paths = vec![self.layout.run(run)];
        if whole {
            paths.push(self.layout.executor(&agent, framework, executor.id()));
        }
        if executor.checkpoint {
            paths.push(self.layout.run_meta(run));
            if whole {
                paths.push(self.layout.executor_meta(&agent, framework, executor.id()));
            }
        }
        paths.into_iter().map(|path| Garbage { path, fresh }).collect()
    }

    /// Moves an executor that has ended to the completed ones.
    pub(crate) fn remove_executor(&mut self, framework: &FrameworkId, executor: &str, out: &mut Vec<Effect>) {
        let completed_max = self.options.completed_executors_max;
        let Some(found) = self.framework_mut(framework) else { return };
        let Some(executor) = found.executors.remove(executor) else { return };
        // Somebody is about to launch the executor again: its directory is in use.
        let whole = !found.launches.iter().any(|launch| launch.executor.executor_id.value == executor.id());
        found.completed.push_back(Arc::clone(&executor));
        while found.completed.len() > completed_max {
            found.completed.pop_front();
        }
        if executor.checkpoint {
            let agent = self.agent_id().value;
            let container = container_text(&executor.container_id);
            let run = RunId {
                agent: &agent,
                framework: &framework.value,
                executor: executor.id(),
                container: &container,
            };
            out.push(Effect::Seal(self.layout.sentinel(run)));
        }
        out.push(Effect::Close(executor.link.clone()));
        out.push(Effect::Collect(self.executor_garbage(&executor, whole, true)));
    }

    /// Drops a framework once nothing runs or waits for it.
    pub(crate) fn remove_framework_if_idle(&mut self, id: &FrameworkId, out: &mut Vec<Effect>) {
        if !self.frameworks.get(&id.value).is_some_and(|framework| framework.is_idle()) {
            return;
        }
        let Some(framework) = self.frameworks.remove(&id.value) else { return };
        let agent = self.agent_id().value;
        let mut paths = vec![self.layout.framework(&agent, &id.value)];
        if framework.checkpoint() {
            paths.push(self.layout.framework_meta(&agent, &id.value));
        }
        self.completed.push_back(framework);
        while self.completed.len() > self.options.completed_frameworks_max {
            self.completed.pop_front();
        }
        out.push(Effect::CloseStreams(id.clone()));
        out.push(Effect::Collect(paths.into_iter().map(|path| Garbage { path, fresh: true }).collect()));
        self.finish_if_done(out);
    }

    pub(crate) fn finish_if_done(&self, out: &mut Vec<Effect>) {
        if self.phase == Phase::Terminating && self.frameworks.is_empty() {
            out.push(Effect::Finished);
        }
    }

    fn registered(&mut self, id: AgentId, out: &mut Vec<Effect>) {
        if let Some(known) = self.info.id.as_ref().filter(|known| **known != id) {
            out.push(Effect::Fatal(format!(
                "registered but got wrong id {}, expected {}",
                id.value, known.value
            )));
            return;
        }
        if self.phase == Phase::Disconnected {
            self.info.id = Some(id);
            self.phase = Phase::Running;
        }
    }

    fn shutdown(&mut self, out: &mut Vec<Effect>) {
        self.phase = Phase::Terminating;
        let ids: Vec<FrameworkId> = self.frameworks.values().map(|framework| framework.id()).collect();
        for id in &ids {
            self.end_framework(id, out);
        }
        self.finish_if_done(out);
    }
}

pub(crate) fn key_of(executor: &Executor) -> RunKey {
    RunKey {
        framework: executor.framework_id.clone(),
        executor: executor.info.executor_id.clone(),
        container: executor.container_id.clone(),
    }
}
