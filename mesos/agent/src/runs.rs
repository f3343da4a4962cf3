//! What is done for one run of an executor: its files, its container, its resources. Jobs of a run go in
//! order, those of different runs at the same time.

use std::time::Duration;

use libprocess::{Context, Future, FutureError};
use mesos_api::v1::{ContainerId, Resource, TaskId};
use mesos_containerizer::{ContainerConfig, ContainerError, Launched};
use mesos_workload::{File, Input, Launch, LaunchError, PrepareError, RunKey, Termination};

use tracing::error;

use crate::disk;
use crate::process::AgentProcess;
use crate::volumes::volumes;

/// The wait before files that could not be written are tried again.
const WRITE_RETRY_WAIT: Duration = Duration::from_secs(5);

/// A job of a run.
#[derive(Debug)]
pub(crate) enum RunJob {
    /// Write its files and launch its container.
    Launch(Box<Launch>),
    /// Write files, give the container resources.
    Prepare { run: RunKey, files: Vec<File>, resources: Option<Vec<Resource>>, tasks: Vec<TaskId> },
    /// Write files that no run waits for, again until it succeeds.
    Files { key: String, files: Vec<File> },
}

impl RunJob {
    /// What it has to wait for.
    fn key(&self) -> &String {
        match self {
            RunJob::Launch(launch) => &launch.run.container.value,
            RunJob::Prepare { run, .. } => &run.container.value,
            RunJob::Files { key, .. } => key,
        }
    }
}

impl AgentProcess {
    pub(crate) fn begin_run_job(&mut self, cx: &mut Context<Self>, job: RunJob) {
        let key = job.key().clone();
        if let Some(job) = self.runs.begin(key, job) {
            self.do_run_job(cx, job);
        }
    }

    fn do_run_job(&mut self, cx: &mut Context<Self>, job: RunJob) {
        let key = job.key().clone();
        match job {
            RunJob::Launch(launch) => self.launch(cx, *launch, key),
            RunJob::Files { files, .. } => self.write_again(cx, key, files),
            RunJob::Prepare { run, files, resources, tasks } => {
                let work = move || disk::write_files(&files);
                cx.run_blocking(work, move |agent, cx, written| match (written, resources) {
                    (Err(reason), _) => {
                        let outcome = Err(PrepareError::Checkpoint(reason));
                        agent.prepared(cx, run, tasks, outcome);
                    }
                    (Ok(()), Some(resources)) => agent.give_resources(cx, run, tasks, resources),
                    // Nobody waits for files alone.
                    (Ok(()), None) => agent.run_job_ended(cx, &key),
                });
            }
        }
    }

    fn give_resources(
        &mut self,
        cx: &mut Context<Self>,
        run: RunKey,
        tasks: Vec<TaskId>,
        resources: Vec<Resource>,
    ) {
        self.attach_volumes(&run);
        // A task may have ended while files were written, and what it had is taken away already.
        let executor = self.workload.executor_in(&run.container.value);
        let now = executor.map_or(resources, |(_, executor)| executor.allocated().to_protos());
        cx.run(self.update_container(&run.container, now), move |agent, cx, updated| {
            let outcome = updated.map_err(|error| PrepareError::Update(error.to_string()));
            agent.prepared(cx, run, tasks, outcome);
        });
    }

    fn prepared(
        &mut self,
        cx: &mut Context<Self>,
        run: RunKey,
        tasks: Vec<TaskId>,
        outcome: Result<(), PrepareError>,
    ) {
        let key = run.container.value.clone();
        self.step(cx, Input::Prepared { run, tasks, outcome });
        self.run_job_ended(cx, &key);
    }

    /// Lets a container use these resources, the volumes among them, and no others.
    pub(crate) fn update_container(&self, container: &ContainerId, resources: Vec<Resource>) -> Future<()> {
        let volumes = volumes(self.workload.layout(), &resources);
        self.containerizer.update(container, resources, volumes)
    }

    fn launch(&mut self, cx: &mut Context<Self>, launch: Launch, key: String) {
        let Launch {
            run,
            files,
            links,
            directory,
            user,
            command,
            container,
            resources,
            environment,
            pid_file,
        } = launch;
        let written = cx.node().run_blocking(move || {
            disk::write_files(&files)?;
            disk::make_links(&links)
        });
        let config = ContainerConfig {
            user,
            volumes: volumes(self.workload.layout(), &resources),
            resources,
            environment,
            pid_checkpoint: pid_file,
            container,
            ..ContainerConfig::new(command, directory)
        };
        let (containerizer, id) = (self.containerizer.clone(), run.container.clone());
        let job = async move {
            match written.await {
                Ok(Ok(())) => {}
                Err(FutureError::Abandoned) => return None,
                Ok(Err(reason)) => return Some(Err(LaunchError::Checkpoint(reason))),
                Err(error) => return Some(Err(LaunchError::Checkpoint(error.to_string()))),
            }
            Some(match containerizer.launch(&id, config).await {
                Ok(Launched::New) => Ok(()),
                Ok(Launched::Already) => Err(LaunchError::Container(
                    "a container with this id has been launched before".to_owned(),
                )),
                Err(FutureError::Abandoned) => return None,
                Err(error) => {
                    let cause = ContainerError::of(&error).map(ContainerError::cause_first);
                    Err(LaunchError::Container(cause.unwrap_or_else(|| error.to_string())))
                }
            })
        };
        cx.run(job, move |agent, cx, outcome| {
            // The containerizer ends when the agent does: the next one finds out how far it came.
            let Some(outcome) = outcome else { return };
            agent.step(cx, Input::Launched { run: run.clone(), outcome });
            agent.watch(cx, run);
            agent.run_job_ended(cx, &key);
        });
    }

    fn write_again(&mut self, cx: &mut Context<Self>, key: String, files: Vec<File>) {
        let work = move || {
            let written = disk::write_files(&files);
            (files, written)
        };
        cx.run_blocking(work, move |agent, cx, (files, written)| match written {
            Ok(()) => agent.run_job_ended(cx, &key),
            Err(reason) => {
                error!(%reason, "failed to checkpoint, trying again");
                cx.delay(WRITE_RETRY_WAIT, move |agent, cx| agent.write_again(cx, key, files));
            }
        });
    }

    fn run_job_ended(&mut self, cx: &mut Context<Self>, key: &String) {
        if let Some(next) = self.runs.ended(key) {
            self.do_run_job(cx, next);
        }
    }

    /// Tells the model when a container is gone.
    pub(crate) fn watch(&mut self, cx: &mut Context<Self>, run: RunKey) {
        let ended = self.containerizer.wait(&run.container);
        cx.run(ended, move |agent, cx, outcome| {
            let termination = match outcome {
                Ok(termination) => Ok(termination.map(told)),
                Err(FutureError::Abandoned) => return,
                Err(error) => Err(error.to_string()),
            };
            agent.step(cx, Input::Terminated { run, termination });
        });
    }
}

/// The model's view of how a container ended.
fn told(termination: mesos_containerizer::Termination) -> Termination {
    Termination {
        status: termination.status,
        state: termination.state,
        reason: termination.reason,
        message: termination.message,
        never_ran: termination.never_ran,
        limited_resources: termination.limited_resources,
    }
}

/// Whether something failed because there is no such container.
pub(crate) fn is_unknown(error: &FutureError) -> bool {
    matches!(ContainerError::of(error), Some(ContainerError::Unknown { .. }))
}
