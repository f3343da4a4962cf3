//! How containers come to their end.

use std::path::PathBuf;
use std::time::Duration;

use libprocess::{Context, Future};
use mesos_api::v1;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stout::proc;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::{Container, ContainerizerProcess, Ended, HelperState, Stage, State};
use crate::id::Id;
use crate::runtime::{ContainerDir, Progress, TerminationRecord};
use crate::watch::{self, Identity};
use crate::{ContainerError, Termination};

/// How long the helper may take to notice that all below it is dead, before that is looked at again.
const KILL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a helper may take that was itself killed.
const LAST_WAIT: Duration = Duration::from_secs(5);

impl ContainerizerProcess {
    pub(crate) fn destroy(
        &mut self,
        cx: &mut Context<Self>,
        id: &v1::ContainerId,
        cause: Option<Termination>,
    ) -> Future<Option<Termination>> {
        let termination = self.wait(id);
        if let Ok(id) = Id::new(id)
            && let Some(container) = self.containers.get_mut(&id)
        {
            if container.cause.is_none() && !container.is_destroying() {
                container.cause = cause;
            }
            self.begin_destroy(cx, &id);
        }
        termination
    }

    /// Sets out to end a container, unless that is under way.
    pub(super) fn begin_destroy(&mut self, cx: &mut Context<Self>, id: &Id) {
        let Some(container) = self.containers.get_mut(id) else { return };
        let destroying = |launch| State::Destroying { stage: Stage::Waiting, launch };
        match std::mem::replace(&mut container.state, destroying(None)) {
            State::Launching(promise) => {
                let error = ContainerError::Destroyed { id: id.to_string() };
                container.state = destroying(Some((promise, error)));
            }
            State::Running => info!(container = %id, "destroying"),
            state @ State::Destroying { .. } => container.state = state,
        }
        self.advance(cx, id);
    }

    /// Takes the next step towards the end of a container: first those nested in it end, then its
    /// processes, then its files.
    pub(super) fn advance(&mut self, cx: &mut Context<Self>, id: &Id) {
        let children: Vec<Id> =
            self.containers.keys().filter(|other| other.parent().as_ref() == Some(id)).cloned().collect();
        let Some(container) = self.containers.get_mut(id) else { return };
        let State::Destroying { stage, launch } = &mut container.state else { return };
        if !children.is_empty() {
            for child in children {
                if self.containers.get(&child).is_some_and(|child| !child.is_destroying()) {
                    self.begin_destroy(cx, &child);
                }
            }
            return;
        }
        match (container.helper, *stage) {
            (HelperState::Alive(helper), Stage::Waiting) => {
                *stage = Stage::Killing;
                let directory = self.runtime.container(id);
                let (id, wait_max) = (id.clone(), self.options.destroy_timeout);
                cx.run(end(directory, helper, wait_max), move |p, cx, ended| p.killed(cx, &id, ended));
            }
            (HelperState::Gone, Stage::Waiting | Stage::Killing) => {
                *stage = Stage::Finishing;
                let finish = Finish {
                    directory: self.runtime.container(id),
                    cause: container.cause.take(),
                    keep: !id.is_root() && launch.is_none(),
                    problem: launch.as_ref().map(|(_, error)| error.to_string()),
                };
                let id = id.clone();
                cx.run_blocking(move || finish.run(), move |p, cx, done| p.finished(cx, &id, done));
            }
            (HelperState::Starting, _)
            | (HelperState::Alive(_), _)
            | (HelperState::Gone, Stage::Finishing) => {}
        }
    }

    /// The helper of a container has ended.
    pub(super) fn exited(&mut self, cx: &mut Context<Self>, id: &Id) {
        let Some(container) = self.containers.get_mut(id) else { return };
        container.helper = HelperState::Gone;
        // What it had to say about the launch is on its way.
        if !matches!(container.state, State::Launching(_)) {
            self.begin_destroy(cx, id);
        }
    }

    fn killed(&mut self, cx: &mut Context<Self>, id: &Id, ended: bool) {
        let Some(container) = self.containers.get_mut(id) else { return };
        let Container { helper: HelperState::Alive(_), state: State::Destroying { stage, .. }, .. } =
            container
        else {
            return;
        };
        if ended {
            // A child of ours is reaped in its own good time; somebody else's is gone.
            return;
        }
        warn!(container = %id, "its processes cannot be killed");
        *stage = Stage::Waiting;
        let problem = "its processes do not end".to_owned();
        for waiter in std::mem::take(&mut container.waiters) {
            waiter.fail(ContainerError::Undead { id: id.to_string(), problem: problem.clone() });
        }
        self.count_destroy_error();
        let again = id.clone();
        cx.delay(self.options.destroy_timeout, move |p, cx| p.advance(cx, &again));
    }

    fn finished(&mut self, cx: &mut Context<Self>, id: &Id, finished: Finished) {
        let Some(container) = self.containers.remove(id) else { return };
        let Finished { termination, problem } = finished;
        if let Some(problem) = problem {
            warn!(container = %id, problem, "the end of a container left something behind");
            self.count_destroy_error();
        }
        info!(container = %id, status = termination.status, message = termination.message, "ended");
        let failed = match container.state {
            State::Destroying { launch: Some((promise, error)), .. } => {
                promise.fail(error);
                true
            }
            _ => false,
        };
        if id.is_root() {
            self.ended.retain(|other, _| !other.is_within(id));
            if container.awaited && !failed {
                self.ended
                    .insert(id.clone(), Ended { termination: termination.clone(), parent: None, once: true });
            }
        } else if !failed {
            let parent = container.log_directory.parent().and_then(|containers| containers.parent());
            let parent = parent.map(PathBuf::from);
            self.ended.insert(id.clone(), Ended { termination: termination.clone(), parent, once: false });
        }
        for waiter in container.waiters {
            waiter.set(Some(termination.clone()));
        }
        container.update.give_up(id);
        if let Some(parent) = id.parent() {
            self.advance(cx, &parent);
        }
    }

    fn count_destroy_error(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.destroy_errors.inc();
        }
    }
}

/// Kills all below a helper until the helper itself ends; after `wait_max` the helper is killed as
/// well. False if even that did not end it.
async fn end(directory: ContainerDir, helper: Identity, wait_max: Duration) -> bool {
    let deadline = Instant::now() + wait_max;
    while Instant::now() < deadline {
        signal_below(&directory, helper).await;
        if timeout(KILL_INTERVAL, watch::ended(helper)).await.is_ok() {
            return true;
        }
    }
    if helper.lives() {
        // That it ended by itself meanwhile is fine.
        let _ = kill(Pid::from_raw(helper.pid as i32), Signal::SIGKILL);
    }
    signal_below(&directory, helper).await;
    timeout(LAST_WAIT, watch::ended(helper)).await.is_ok()
}

async fn signal_below(directory: &ContainerDir, helper: Identity) {
    let directory = directory.clone();
    let signalled = tokio::task::spawn_blocking(move || {
        if !helper.lives() {
            return Ok(proc::Signalled::default());
        }
        let command = directory.read_number::<u32>(ContainerDir::COMMAND_PID).ok().flatten();
        proc::signal_family(helper.pid, command.as_slice(), Signal::SIGKILL)
    });
    if let Ok(Err(error)) = signalled.await {
        warn!(%error, "processes of a container cannot be seen");
    }
}

/// What is left to do once the processes of a container are gone.
struct Finish {
    directory: ContainerDir,
    cause: Option<Termination>,
    /// Whether the termination must outlive the container.
    keep: bool,
    /// Why it was not launched.
    problem: Option<String>,
}

struct Finished {
    termination: Termination,
    problem: Option<String>,
}

impl Finish {
    fn run(self) -> Finished {
        let mut problems = Vec::new();
        let termination = self.termination(&mut problems);
        let done = if self.keep {
            self.directory.write_json(ContainerDir::TERMINATION, &TerminationRecord::from(&termination))
        } else {
            self.directory.remove()
        };
        problems.extend(done.err().map(|error| error.to_string()));
        Finished { termination, problem: (!problems.is_empty()).then(|| problems.join("; ")) }
    }

    fn termination(&self, problems: &mut Vec<String>) -> Termination {
        // What cannot be read may have run.
        let progress = self.directory.progress().unwrap_or_else(|error| {
            problems.push(error.to_string());
            Progress::Begun
        });
        let status = progress.status();
        let message = self.problem.clone().or_else(|| {
            self.directory.read(ContainerDir::MESSAGE).unwrap_or_else(|error| {
                problems.push(error.to_string());
                None
            })
        });
        if status.is_none() {
            problems.extend(self.end_strays());
        }
        match (&self.cause, message) {
            (Some(cause), _) => Termination { status, ..cause.clone() },
            (None, Some(message)) => Termination {
                status,
                state: Some(v1::TaskState::TaskFailed),
                reason: Some(v1::task_status::Reason::ContainerLaunchFailed),
                message: Some(message),
                ..Termination::default()
            },
            (None, None) => {
                let message = match progress {
                    Progress::NotBegun => Some("the agent ended before it let the command start"),
                    Progress::Begun => Some("nobody saw the container's command end"),
                    Progress::Ended(_) => None,
                };
                let never_ran = progress == Progress::NotBegun;
                Termination {
                    status,
                    message: message.map(str::to_owned),
                    never_ran,
                    ..Termination::default()
                }
            }
        }
    }

    /// A helper that was killed could not end what it had started; the sessions are still known.
    fn end_strays(&self) -> Option<String> {
        let number = |name| self.directory.read_number::<u32>(name).ok().flatten();
        let sessions: Vec<u32> =
            [number(ContainerDir::PID), number(ContainerDir::COMMAND_PID)].into_iter().flatten().collect();
        if sessions.is_empty() {
            return None;
        }
        // No process has this id: only the sessions count.
        let signalled = proc::signal_family(u32::MAX, &sessions, Signal::SIGKILL);
        signalled.err().map(|error| error.to_string())
    }
}
