//! The actor that knows which containers there are.

mod destroy;
mod metrics;
mod recover;
mod update;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use libprocess::{Context, Future, Process, Promise};
use mesos_api::v1;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stout::proc;
use tracing::{info, warn};

use crate::containerizer::ContainerSummary;
use crate::id::Id;
use crate::launcher::{self, Plan, Spawned};
use crate::runtime::{ContainerDir, Limits, Record, RuntimeDir};
use crate::volumes::VolumeChange;
use crate::watch::Identity;
use crate::{
    ContainerClass, ContainerConfig, ContainerError, Launched, Options, Termination, sandbox, usage,
};
use metrics::Metrics;
use update::Update;

/// Launches containers, follows them, and ends them.
pub(crate) struct ContainerizerProcess {
    options: Arc<Options>,
    runtime: RuntimeDir,
    /// Every container that lives or is coming to its end.
    containers: BTreeMap<Id, Container>,
    /// Containers that have ended and can still be asked about.
    ended: BTreeMap<Id, Ended>,
    metrics: Option<Metrics>,
}

struct Container {
    record: Record,
    log_directory: PathBuf,
    helper: HelperState,
    state: State,
    update: Update,
    waiters: Vec<Promise<Option<Termination>>>,
    /// Why somebody else ended it.
    cause: Option<Termination>,
    /// Whether somebody will ask how it ended, be it after its end.
    awaited: bool,
    /// Whether there is something to fetch before its command runs.
    fetches: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HelperState {
    Starting,
    Alive(Identity),
    Gone,
}

enum State {
    /// Its command does not run yet.
    Launching(Promise<Launched>),
    Running,
    Destroying {
        stage: Stage,
        /// Who waits for the launch, and what to tell them in the end.
        launch: Option<(Promise<Launched>, ContainerError)>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// For nested containers to end, or for the helper to have started.
    Waiting,
    /// Its processes are being killed.
    Killing,
    /// Its files are being read and removed.
    Finishing,
}

struct Ended {
    termination: Termination,
    /// The sandbox of its parent, in which its own lies.
    parent: Option<PathBuf>,
    /// Told to the first who asks, then forgotten.
    once: bool,
}

impl Container {
    fn is_destroying(&self) -> bool {
        matches!(self.state, State::Destroying { .. })
    }

    fn process(&self) -> Option<Identity> {
        match self.helper {
            HelperState::Alive(process) => Some(process),
            HelperState::Starting | HelperState::Gone => None,
        }
    }
}

impl Process for ContainerizerProcess {
    const ID_PREFIX: &'static str = "containerizer";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        self.metrics = Metrics::register(cx.node().metrics());
    }
}

impl ContainerizerProcess {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            runtime: RuntimeDir::new(&options.runtime_dir),
            options: Arc::new(options),
            containers: BTreeMap::new(),
            ended: BTreeMap::new(),
            metrics: None,
        }
    }

    pub(crate) fn launch(
        &mut self,
        cx: &mut Context<Self>,
        id: v1::ContainerId,
        config: ContainerConfig,
    ) -> Future<Launched> {
        match self.plan(&id, config) {
            Ok(Some(plan)) => self.begin_launch(cx, plan),
            Ok(None) => Future::ready(Launched::Already),
            Err(error) => Future::failed(error),
        }
    }

    /// What to do for a launch; `None` if the container is there.
    fn plan(
        &self,
        id: &v1::ContainerId,
        mut config: ContainerConfig,
    ) -> Result<Option<Plan>, ContainerError> {
        let id = Id::new(id)?;
        if self.containers.contains_key(&id) {
            return Ok(None);
        }
        if self.ended.get(&id).is_some_and(|ended| !ended.once) {
            let what = "a container with this id has ended and was not removed".to_owned();
            return Err(ContainerError::Unsupported { id: id.to_string(), what });
        }
        launcher::check(&id, &config)?;
        let parent = match id.parent() {
            None => None,
            Some(parent) => match self.containers.get(&parent) {
                None => return Err(ContainerError::UnknownParent { id: id.to_string() }),
                Some(parent) if parent.is_destroying() => {
                    return Err(ContainerError::ParentEnding { id: id.to_string() });
                }
                Some(parent) => Some(parent),
            },
        };
        let name = id.names().last().map(String::as_str).unwrap_or_default();
        let (sandbox, log_directory) = match parent {
            None => {
                let path =
                    std::path::absolute(&config.directory).unwrap_or_else(|_| config.directory.clone());
                (path.clone(), path)
            }
            Some(parent) => {
                config.user = config.user.or_else(|| parent.record.user.clone());
                let own = parent.log_directory.join("containers").join(name);
                let debug = config.class == ContainerClass::Debug;
                (if debug { parent.record.directory.clone() } else { own.clone() }, own)
            }
        };
        let record = Record {
            directory: sandbox.clone(),
            user: config.user.clone(),
            debug: config.class == ContainerClass::Debug,
            standalone: config.standalone,
            limits: Limits::of(&config.resources),
            volumes: config.volumes.clone(),
        };
        let volumes = VolumeChange::new(&BTreeSet::new(), &config.volumes, &self.used_besides(&id));
        let directory = self.runtime.container(&id);
        let parent = parent.map(|parent| parent.log_directory.clone());
        Ok(Some(Plan { id, config, volumes, sandbox, parent, log_directory, record, directory }))
    }

    fn begin_launch(&mut self, cx: &mut Context<Self>, plan: Plan) -> Future<Launched> {
        let promise = Promise::new();
        let launched = promise.future();
        let container = Container {
            record: plan.record.clone(),
            log_directory: plan.log_directory.clone(),
            helper: HelperState::Starting,
            state: State::Launching(promise),
            update: Update::done(&plan.record.volumes),
            waiters: Vec::new(),
            cause: None,
            // Who launches it waits for it, and may find it gone already.
            awaited: plan.id.is_root() && !plan.config.standalone,
            fetches: !plan.config.command.uris.is_empty(),
        };
        info!(container = %plan.id, sandbox = %plan.sandbox.display(), "launching");
        let id = plan.id.clone();
        self.ended.remove(&id);
        self.containers.insert(id.clone(), container);
        let options = Arc::clone(&self.options);
        cx.run_blocking(
            move || launcher::spawn(&plan, &options),
            move |p, cx, result| p.spawned(cx, id, result),
        );
        launched
    }

    fn spawned(&mut self, cx: &mut Context<Self>, id: Id, result: Result<Spawned, ContainerError>) {
        let Some(container) = self.containers.get_mut(&id) else { return };
        match result {
            Ok(Spawned { mut child, process, dialogue }) => {
                container.helper = HelperState::Alive(process);
                let exited = id.clone();
                // How the command ended is in a file; how the helper did matters to no one.
                cx.run(async move { child.wait().await }, move |p, cx, _| p.exited(cx, &exited));
                if container.is_destroying() {
                    // Without its byte the helper gives up.
                    drop(dialogue);
                    self.advance(cx, &id);
                } else {
                    let answered = id.clone();
                    cx.run(dialogue.go(), move |p, cx, answer| p.answered(cx, &answered, answer));
                }
                self.advance_update(cx, &id);
            }
            Err(error) => {
                container.helper = HelperState::Gone;
                self.fail_launch(cx, &id, error);
            }
        }
    }

    fn answered(&mut self, cx: &mut Context<Self>, id: &Id, answer: Result<(), String>) {
        let Some(container) = self.containers.get_mut(id) else { return };
        if let (true, Some(metrics)) = (container.fetches, &self.metrics) {
            metrics.fetched(answer.is_ok());
        }
        match (answer, &container.state) {
            (Ok(()), State::Launching(_)) => {
                if let State::Launching(promise) = std::mem::replace(&mut container.state, State::Running) {
                    promise.set(Launched::New);
                }
                if container.helper == HelperState::Gone {
                    self.begin_destroy(cx, id);
                }
            }
            (Err(problem), State::Launching(_)) => {
                self.fail_launch(cx, id, ContainerError::Launch { id: id.to_string(), problem });
            }
            (_, State::Running | State::Destroying { .. }) => {}
        }
    }

    fn fail_launch(&mut self, cx: &mut Context<Self>, id: &Id, error: ContainerError) {
        warn!(container = %id, %error, "launch failed");
        let Some(container) = self.containers.get_mut(id) else { return };
        let destroying = State::Destroying { stage: Stage::Waiting, launch: None };
        match std::mem::replace(&mut container.state, destroying) {
            State::Launching(promise) => {
                container.state = State::Destroying { stage: Stage::Waiting, launch: Some((promise, error)) };
            }
            // Somebody destroys it already, and who launched it is told that.
            state => container.state = state,
        }
        self.advance(cx, id);
    }

    pub(crate) fn wait(&mut self, id: &v1::ContainerId) -> Future<Option<Termination>> {
        let Ok(id) = Id::new(id) else { return Future::ready(None) };
        if let Some(container) = self.containers.get_mut(&id) {
            let promise = Promise::new();
            let future = promise.future();
            container.waiters.push(promise);
            container.awaited = false;
            return future;
        }
        match self.ended.get(&id) {
            Some(ended) if ended.once => Future::ready(self.ended.remove(&id).map(|ended| ended.termination)),
            Some(ended) => Future::ready(Some(ended.termination.clone())),
            None => Future::ready(None),
        }
    }

    pub(crate) fn kill(
        &mut self,
        cx: &mut Context<Self>,
        id: &v1::ContainerId,
        signal: Signal,
    ) -> Future<bool> {
        let found = Id::new(id).ok().and_then(|id| {
            let helper = self.containers.get(&id)?.process()?;
            Some((self.runtime.container(&id), helper))
        });
        let Some((directory, helper)) = found else { return Future::ready(false) };
        cx.node().run_blocking(move || kill_command(&directory, helper, signal))
    }

    pub(crate) fn remove(&mut self, cx: &mut Context<Self>, id: &v1::ContainerId) -> Future<()> {
        let id = match Id::new(id) {
            Ok(id) => id,
            Err(error) => return Future::failed(error),
        };
        if self.containers.contains_key(&id) {
            return Future::failed(ContainerError::Running { id: id.to_string() });
        }
        let Some(ended) = self.ended.remove(&id) else { return Future::ready(()) };
        self.ended.retain(|other, _| !other.is_within(&id));
        let directory = self.runtime.container(&id);
        let promise = Promise::new();
        let removed = promise.future();
        let work = move || {
            if let (Some(parent), Some(name)) = (&ended.parent, id.names().last()) {
                let path = parent.join("containers").join(name);
                sandbox::remove_nested(parent, name).map_err(|cause| ContainerError::File {
                    doing: "remove",
                    path,
                    cause,
                })?;
            }
            let path = directory.path().to_owned();
            directory.remove().map_err(|cause| ContainerError::File { doing: "remove", path, cause })
        };
        cx.run_blocking(work, |_, _, result| match result {
            Ok(()) => promise.set(()),
            Err(error) => promise.fail(error),
        });
        removed
    }

    pub(crate) fn status(&mut self, id: &v1::ContainerId) -> Future<v1::ContainerStatus> {
        let found = Id::new(id).ok().and_then(|id| self.containers.get(&id));
        match found {
            Some(container) => Future::ready(v1::ContainerStatus {
                container_id: Some(id.clone()),
                executor_pid: container.process().map(|process| process.pid),
                ..Default::default()
            }),
            None => Future::failed(ContainerError::Unknown { id: id.to_string() }),
        }
    }

    pub(crate) fn usage(
        &mut self,
        cx: &mut Context<Self>,
        id: &v1::ContainerId,
    ) -> Future<v1::ResourceStatistics> {
        let found = Id::new(id).ok().and_then(|id| Some((self.containers.get(&id)?.record.limits, id)));
        let Some((limits, id)) = found else {
            return Future::failed(ContainerError::Unknown { id: id.to_string() });
        };
        let mine = self.containers.iter().filter(|(other, _)| **other == id || other.is_within(&id));
        let helpers: Vec<u32> = mine.filter_map(|(_, container)| Some(container.process()?.pid)).collect();
        let timestamp = cx.now().as_secs_f64();
        let promise = Promise::new();
        let measured = promise.future();
        let work = move || usage::measure(&helpers, limits, timestamp);
        cx.run_blocking(work, |_, _, result| match result {
            Ok(statistics) => promise.set(statistics),
            Err(cause) => {
                promise.fail(ContainerError::File { doing: "read", path: "/proc".into(), cause });
            }
        });
        measured
    }

    pub(crate) fn containers(&self) -> Vec<ContainerSummary> {
        let summary = |(id, container): (&Id, &Container)| ContainerSummary {
            container_id: id.to_wire(),
            directory: container.record.directory.clone(),
            user: container.record.user.clone(),
            class: container.record.class(),
            standalone: container.record.standalone,
        };
        self.containers.iter().map(summary).collect()
    }
}

/// Sends a signal to the command of a helper; false if there is none.
fn kill_command(directory: &ContainerDir, helper: Identity, signal: Signal) -> bool {
    let Ok(Some(command)) = directory.read_number::<u32>(ContainerDir::COMMAND_PID) else { return false };
    // Another process may have the pid by now; the helper's child cannot be another.
    match proc::stat(command) {
        Ok(Some(stat)) if stat.ppid == helper.pid && !stat.has_ended() => {
            kill(Pid::from_raw(command as i32), signal).is_ok()
        }
        Ok(_) | Err(_) => false,
    }
}
