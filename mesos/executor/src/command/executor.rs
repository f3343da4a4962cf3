//! The command executor.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use mesos_api::v1::executor::event;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{ExecutorId, KillPolicy, TaskGroupInfo, TaskId, TaskInfo, TaskState, TaskStatus};
use mesos_checks::{Checked, Checks, Health};
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::Child;
use crate::check_commands::Processes;
use crate::{Driver, Executor, Options, tasks};

/// What is left of the shutdown grace period for killing the task, so that its end can be told.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(2);

/// Runs one task that is a command.
pub struct CommandExecutor {
    executor_id: ExecutorId,
    sandbox: PathBuf,
    shutdown_grace_period: Duration,
    wants_killing: bool,
    phase: Phase,
    connected: bool,
    shutting_down: bool,
    acknowledgement_wait_max: Duration,
}

enum Phase {
    Idle,
    Running(Box<Running>),
    /// The task has ended, which the update with this uuid says.
    Ended(Vec<u8>),
}

struct Running {
    task: TaskInfo,
    child: Child,
    checks: Checks,
    kill: Option<Kill>,
    /// What the last health check said, if there was one.
    healthy: Option<bool>,
    check_status: Option<mesos_api::v1::CheckStatusInfo>,
}

/// A kill under way.
struct Kill {
    /// When SIGKILL follows.
    force_at: Instant,
}

impl CommandExecutor {
    /// A command executor that works in the sandbox of `options`.
    pub fn new(options: &Options) -> Self {
        Self {
            executor_id: options.executor_id.clone(),
            sandbox: options.sandbox.clone(),
            shutdown_grace_period: options.shutdown_grace_period,
            wants_killing: false,
            phase: Phase::Idle,
            connected: false,
            shutting_down: false,
            acknowledgement_wait_max: tasks::ACKNOWLEDGEMENT_WAIT_MAX,
        }
    }

    fn status(&self, task_id: &TaskId, state: TaskState) -> TaskStatus {
        tasks::status(&self.executor_id, task_id, state)
    }

    fn start(&mut self, driver: &Driver<Self>, task: TaskInfo) -> Result<(), String> {
        let command = task.command.clone().unwrap_or_default();
        let environment = tasks::environment(&command);
        let runner = Processes { environment: environment.clone(), directory: self.sandbox.clone() };
        let checks = Checks::new(task.check.as_ref(), task.health_check.as_ref(), runner);
        let (child, ended) = Child::start(&command, &environment, &self.sandbox, Stdio::inherit())?;
        eprintln!("Started task {} as process {}", task.task_id, child.pid());
        let check_status = checks.first_check_status();
        let mut status = self.status(&task.task_id, TaskState::TaskRunning);
        status.check_status = check_status;
        driver.update(status);
        driver.run(ended, |executor, driver, wait_status| executor.ended(driver, wait_status));
        let teller = driver.clone();
        let tell = move |checked| teller.tell(|executor, driver| executor.checked(driver, checked));
        driver.run(checks.watch(tell), |_, _, ()| ());
        let running = Running { task, child, checks, kill: None, healthy: None, check_status };
        self.phase = Phase::Running(Box::new(running));
        Ok(())
    }

    /// An update of the task that says again what its checks said last.
    fn running_status(&self, running: &Running, state: TaskState) -> TaskStatus {
        TaskStatus {
            healthy: running.healthy,
            check_status: running.check_status,
            ..self.status(&running.task.task_id, state)
        }
    }

    fn checked(&mut self, driver: &Driver<Self>, checked: Checked) {
        let Phase::Running(running) = &mut self.phase else { return };
        if running.kill.is_some() {
            return;
        }
        let (reason, message, kill) = match checked {
            Checked::Check(check_status) => {
                running.check_status = Some(check_status);
                (Reason::TaskCheckStatusUpdated, None, false)
            }
            Checked::Health(Health { healthy, kill, message }) => {
                running.healthy = Some(healthy);
                (Reason::TaskHealthCheckStatusUpdated, message, kill)
            }
        };
        let Phase::Running(running) = &self.phase else { return };
        let mut status = self.running_status(running, TaskState::TaskRunning);
        status.reason = Some(reason as i32);
        status.message = message;
        driver.update(status);
        if kill {
            eprintln!("Killing the task because it is unhealthy");
            let grace = tasks::grace_period(None, running.task.kill_policy.as_ref());
            self.kill_task(driver, grace);
        }
    }

    /// SIGTERM now, SIGKILL after the grace period. Once under way, a kill can only become faster.
    fn kill_task(&mut self, driver: &Driver<Self>, grace: Duration) {
        let Phase::Running(running) = &mut self.phase else { return };
        let force_at = Instant::now() + grace;
        let child = running.child;
        if let Some(kill) = &mut running.kill {
            if force_at >= kill.force_at {
                return;
            }
            kill.force_at = force_at;
        } else {
            running.kill = Some(Kill { force_at });
            running.checks.stop();
            let Phase::Running(running) = &self.phase else { return };
            if self.wants_killing {
                driver.update(self.running_status(running, TaskState::TaskKilling));
            }
            signal(driver, child, Signal::SIGTERM);
        }
        driver.after(grace, move |executor, driver| {
            if let Phase::Running(running) = &executor.phase
                && running.kill.as_ref().is_some_and(|kill| kill.force_at == force_at)
            {
                eprintln!("The task did not end within {grace:?}: killing it");
                signal(driver, child, Signal::SIGKILL);
            }
        });
    }

    fn ended(&mut self, driver: &Driver<Self>, wait_status: i32) {
        let Phase::Running(running) = &self.phase else { return };
        running.checks.stop();
        let state = match (&running.kill, wait_status) {
            (Some(_), _) => TaskState::TaskKilled,
            (None, 0) => TaskState::TaskFinished,
            (None, _) => TaskState::TaskFailed,
        };
        let message = format!("Command {}", tasks::describe(wait_status));
        eprintln!("{message}");
        let status = TaskStatus { message: Some(message), ..self.running_status(running, state) };
        self.tell_end(driver, status);
    }

    /// Tells the end of the task, and waits for a while until that is acknowledged.
    fn tell_end(&mut self, driver: &Driver<Self>, status: TaskStatus) {
        self.phase = Phase::Ended(driver.update(status));
        self.stop_soon(driver);
    }

    fn stop_soon(&self, driver: &Driver<Self>) {
        let wait_max = match self.shutting_down {
            true => tasks::LAST_ACKNOWLEDGEMENT_WAIT_MAX,
            false => self.acknowledgement_wait_max,
        };
        driver.after(wait_max, |executor, driver| {
            // Without an agent the end has not been told. When that takes too long, the driver shuts down.
            if executor.connected || executor.shutting_down {
                driver.stop();
            } else {
                executor.stop_soon(driver);
            }
        });
    }
}

impl Executor for CommandExecutor {
    fn subscribed(&mut self, _driver: &Driver<Self>, subscribed: &event::Subscribed) {
        self.wants_killing = tasks::wants_killing(&subscribed.framework_info);
        self.connected = true;
    }

    fn disconnected(&mut self, _driver: &Driver<Self>) {
        self.connected = false;
    }

    fn launch(&mut self, driver: &Driver<Self>, task: TaskInfo) {
        if !matches!(self.phase, Phase::Idle) || self.shutting_down {
            let message = Some("The command executor runs one task only".to_owned());
            driver.update(TaskStatus { message, ..self.status(&task.task_id, TaskState::TaskFailed) });
            return;
        }
        driver.update(self.status(&task.task_id, TaskState::TaskStarting));
        let task_id = task.task_id.clone();
        if let Err(problem) = self.start(driver, task) {
            eprintln!("{problem}");
            let status = self.status(&task_id, TaskState::TaskFailed);
            self.tell_end(driver, TaskStatus { message: Some(problem), ..status });
        }
    }

    fn launch_group(&mut self, driver: &Driver<Self>, _group: TaskGroupInfo) {
        eprintln!("The command executor runs no task groups");
        self.shutdown(driver);
    }

    fn kill(&mut self, driver: &Driver<Self>, task_id: TaskId, kill_policy: Option<KillPolicy>) {
        let Phase::Running(running) = &self.phase else { return };
        if running.task.task_id != task_id {
            eprintln!("Ignoring the kill of unknown task {task_id}");
            return;
        }
        let grace = tasks::grace_period(kill_policy.as_ref(), running.task.kill_policy.as_ref());
        self.kill_task(driver, grace);
    }

    fn acknowledged(&mut self, driver: &Driver<Self>, _task_id: &TaskId, uuid: &[u8]) {
        if matches!(&self.phase, Phase::Ended(last) if last == uuid) {
            driver.stop();
        }
    }

    fn error(&mut self, _driver: &Driver<Self>, message: &str) {
        eprintln!("{message}");
    }

    fn shutdown(&mut self, driver: &Driver<Self>) {
        self.shutting_down = true;
        match &self.phase {
            Phase::Idle => driver.stop(),
            Phase::Running(_) => {
                self.kill_task(driver, self.shutdown_grace_period.saturating_sub(SHUTDOWN_MARGIN));
            }
            Phase::Ended(_) => self.stop_soon(driver),
        }
    }
}

fn signal<E: Executor>(driver: &Driver<E>, child: Child, signal: Signal) {
    driver.run(tokio::task::spawn_blocking(move || child.signal(signal)), move |_, _, result| {
        if let Ok(Err(error)) = result {
            eprintln!("Failed to send {signal} to the task: {error}");
        }
    });
}

#[cfg(test)]
mod tests;
