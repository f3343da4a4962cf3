//! The default executor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use mesos_api::v1::executor::event;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{
    CheckStatusInfo, ContainerId, ContainerStatus, ExecutorId, KillPolicy, TaskGroupInfo, TaskId, TaskInfo,
    TaskState, TaskStatus,
};
use mesos_checks::{Checked, Checks, Health};
use nix::sys::signal::Signal;
use uuid::Uuid;

use super::container;
use crate::check_commands::Nested;
use crate::nested::{Containers, Ended};
use crate::{Driver, Executor, Options, tasks};

/// Runs task groups as nested containers.
pub struct DefaultExecutor {
    executor_id: ExecutorId,
    sandbox: PathBuf,
    ip: String,
    containers: Containers,
    /// The executor's own container, once the agent has told it.
    container_id: Option<ContainerId>,
    wants_killing: bool,
    tasks: BTreeMap<TaskId, Task>,
    groups_launched: u64,
    /// Updates that are not acknowledged.
    unacknowledged: BTreeSet<Vec<u8>>,
    connected: bool,
    shutting_down: bool,
}

struct Task {
    info: TaskInfo,
    container_id: ContainerId,
    group: u64,
    /// Whether its container is there.
    launched: bool,
    kill: Option<Kill>,
    checks: Option<Checks>,
    healthy: Option<bool>,
    check_status: Option<CheckStatusInfo>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Kill {
    grace: Duration,
}

impl DefaultExecutor {
    /// A default executor that works in the sandbox of `options`, with the agent's containers.
    pub fn new(options: &Options) -> Self {
        let host = options.agent_url.split("://").nth(1).unwrap_or_default();
        let host = host.split('/').next().unwrap_or_default();
        let ip = host.rsplit_once(':').map_or(host, |(ip, _)| ip).trim_matches(['[', ']']);
        Self {
            executor_id: options.executor_id.clone(),
            sandbox: options.sandbox.clone(),
            ip: std::env::var("MESOS_CONTAINER_IP").unwrap_or_else(|_| ip.to_owned()),
            containers: Containers::new(options),
            container_id: None,
            wants_killing: false,
            tasks: BTreeMap::new(),
            groups_launched: 0,
            unacknowledged: BTreeSet::new(),
            connected: false,
            shutting_down: false,
        }
    }

    /// Sends an update that says what is known of the task in any state.
    fn update(&mut self, driver: &Driver<Self>, task_id: &TaskId, change: impl FnOnce(&mut TaskStatus)) {
        let Some(task) = self.tasks.get(task_id) else { return };
        let mut status = tasks::status(&self.executor_id, task_id, TaskState::TaskRunning);
        status.healthy = task.healthy;
        status.check_status = task.check_status;
        let container_id = Some(task.container_id.clone());
        status.container_status = Some(ContainerStatus { container_id, ..ContainerStatus::default() });
        change(&mut status);
        self.unacknowledged.insert(driver.update(status));
    }

    fn update_state(&mut self, driver: &Driver<Self>, task_id: &TaskId, state: TaskState) {
        self.update(driver, task_id, |status| status.state = state as i32);
    }

    /// Takes in the tasks of a group; returns their ids.
    fn admit(&mut self, driver: &Driver<Self>, group: TaskGroupInfo, parent: &ContainerId) -> Vec<TaskId> {
        self.groups_launched += 1;
        let mut admitted = Vec::new();
        for info in group.tasks {
            let task_id = info.task_id.clone();
            if self.tasks.contains_key(&task_id) {
                eprintln!("Ignoring task {task_id}, which is there already");
                continue;
            }
            let container_id =
                ContainerId { value: Uuid::new_v4().to_string(), parent: Some(Box::new(parent.clone())) };
            let task = Task {
                info,
                container_id,
                group: self.groups_launched,
                launched: false,
                kill: None,
                checks: None,
                healthy: None,
                check_status: None,
            };
            self.tasks.insert(task_id.clone(), task);
            self.update_state(driver, &task_id, TaskState::TaskStarting);
            admitted.push(task_id);
        }
        admitted
    }

    /// All containers of a group were tried.
    fn launched(&mut self, driver: &Driver<Self>, results: Vec<(TaskId, Result<(), String>)>) {
        let mut failed = Vec::new();
        for (task_id, result) in results {
            match result {
                Ok(()) => self.task_launched(driver, &task_id),
                Err(problem) => failed.push((task_id, problem)),
            }
        }
        for (task_id, problem) in failed {
            eprintln!("Failed to launch the container of task {task_id}: {problem}");
            self.tell_end(driver, &task_id, |status, killed| {
                let state = if killed { TaskState::TaskKilled } else { TaskState::TaskFailed };
                status.state = state as i32;
                status.reason = Some(Reason::ContainerLaunchFailed as i32);
                status.message = Some(problem);
            });
        }
    }

    fn task_launched(&mut self, driver: &Driver<Self>, task_id: &TaskId) {
        let Some(task) = self.tasks.get_mut(task_id) else { return };
        task.launched = true;
        let waited = task.container_id.clone();
        if let Err(error) = container::link(&self.sandbox, &task.info, &waited) {
            eprintln!("Failed to link the sandbox of task {task_id}: {error}");
        }
        let containers = self.containers.clone();
        let id = task_id.clone();
        driver.run(async move { containers.wait(waited).await }, move |executor, driver, ended| {
            executor.ended(driver, &id, ended);
        });
        if let Some(kill) = task.kill {
            // It came while the container was being launched.
            self.send_kill(driver, task_id, kill);
            return;
        }
        let runner = Nested {
            containers: self.containers.clone(),
            parent: task.container_id.clone(),
            task: task.info.command.clone().unwrap_or_default(),
        };
        let checks = Checks::new(task.info.check.as_ref(), task.info.health_check.as_ref(), runner);
        task.check_status = checks.first_check_status();
        let (teller, id) = (driver.clone(), task_id.clone());
        let tell = move |checked| {
            let id = id.clone();
            teller.tell(move |executor, driver| executor.checked(driver, &id, checked));
        };
        driver.run(checks.watch(tell), |_, _, ()| ());
        task.checks = Some(checks);
        self.update_state(driver, task_id, TaskState::TaskRunning);
    }

    fn checked(&mut self, driver: &Driver<Self>, task_id: &TaskId, checked: Checked) {
        let Some(task) = self.tasks.get_mut(task_id).filter(|task| task.kill.is_none()) else { return };
        match checked {
            Checked::Check(check_status) => {
                task.check_status = Some(check_status);
                self.update(driver, task_id, |status| {
                    status.reason = Some(Reason::TaskCheckStatusUpdated as i32);
                });
            }
            Checked::Health(Health { healthy, kill, message }) => {
                task.healthy = Some(healthy);
                self.update(driver, task_id, |status| {
                    status.reason = Some(Reason::TaskHealthCheckStatusUpdated as i32);
                    status.message = message;
                });
                if kill {
                    eprintln!("Killing task {task_id} because it is unhealthy");
                    self.kill_task(driver, task_id, None);
                }
            }
        }
    }

    fn ended(&mut self, driver: &Driver<Self>, task_id: &TaskId, ended: Result<Option<Ended>, String>) {
        self.tell_end(driver, task_id, |status, killed| match ended {
            Ok(ended) => container::tell_end(status, ended.as_ref(), killed),
            Err(problem) => {
                status.state = TaskState::TaskFailed as i32;
                status.message = Some(format!("Failed to wait for the task's container: {problem}"));
            }
        });
    }

    /// A task has come to its end, which `tell` describes, given whether it was killed.
    fn tell_end(
        &mut self,
        driver: &Driver<Self>,
        task_id: &TaskId,
        tell: impl FnOnce(&mut TaskStatus, bool),
    ) {
        let Some(task) = self.tasks.get(task_id) else { return };
        let (group, killed) = (task.group, task.kill.is_some());
        if let Some(checks) = &task.checks {
            checks.stop();
        }
        let mut state = TaskState::TaskFailed;
        self.update(driver, task_id, |status| {
            tell(status, killed);
            state = status.state();
            eprintln!("Task {task_id}: {state:?}, {}", status.message());
        });
        self.tasks.remove(task_id);
        if state != TaskState::TaskFinished {
            let others: Vec<TaskId> = self
                .tasks
                .iter()
                .filter(|(_, other)| other.group == group && other.kill.is_none())
                .map(|(id, _)| id.clone())
                .collect();
            for other in others {
                eprintln!("Killing task {other}, which is in one group with {task_id}");
                self.kill_task(driver, &other, None);
            }
        }
        self.stop_if_done(driver);
    }

    /// SIGTERM now, SIGKILL after the grace period. A kill under way is not changed by another one.
    fn kill_task(&mut self, driver: &Driver<Self>, task_id: &TaskId, policy: Option<&KillPolicy>) {
        let Some(task) = self.tasks.get_mut(task_id).filter(|task| task.kill.is_none()) else { return };
        let kill = Kill { grace: tasks::grace_period(policy, task.info.kill_policy.as_ref()) };
        task.kill = Some(kill);
        let launched = task.launched;
        if let Some(checks) = &task.checks {
            checks.stop();
        }
        if self.wants_killing {
            self.update_state(driver, task_id, TaskState::TaskKilling);
        }
        if launched {
            self.send_kill(driver, task_id, kill);
        }
    }

    fn send_kill(&mut self, driver: &Driver<Self>, task_id: &TaskId, kill: Kill) {
        self.signal(driver, task_id, Signal::SIGTERM);
        let task_id = task_id.clone();
        driver.after(kill.grace, move |executor, driver| executor.signal(driver, &task_id, Signal::SIGKILL));
    }

    fn signal(&mut self, driver: &Driver<Self>, task_id: &TaskId, signal: Signal) {
        let Some(task) = self.tasks.get(task_id) else { return };
        let (containers, container_id) = (self.containers.clone(), task.container_id.clone());
        let task_id = task_id.clone();
        let kill = async move { containers.kill(container_id, signal as i32).await };
        driver.run(kill, move |_, driver, result| {
            let Err(error) = result else { return };
            eprintln!("Failed to send {signal} to task {task_id}: {error}");
            if error.is_passing() {
                let again = Duration::from_secs(1);
                driver.after(again, move |executor, driver| executor.signal(driver, &task_id, signal));
            }
        });
    }

    fn stop_if_done(&self, driver: &Driver<Self>) {
        if !self.tasks.is_empty() {
            return;
        }
        if self.unacknowledged.is_empty() {
            driver.stop();
            return;
        }
        let wait_max = match self.shutting_down {
            true => tasks::LAST_ACKNOWLEDGEMENT_WAIT_MAX,
            false => tasks::ACKNOWLEDGEMENT_WAIT_MAX,
        };
        driver.after(wait_max, |executor, driver| {
            // Another group may have come meanwhile.
            if !executor.tasks.is_empty() {
                return;
            }
            // Without an agent the end has not been told. When that takes too long, the driver shuts down.
            if executor.connected || executor.shutting_down {
                driver.stop();
            } else {
                executor.stop_if_done(driver);
            }
        });
    }
}

impl Executor for DefaultExecutor {
    fn subscribed(&mut self, _driver: &Driver<Self>, subscribed: &event::Subscribed) {
        self.wants_killing = tasks::wants_killing(&subscribed.framework_info);
        self.container_id.clone_from(&subscribed.container_id);
        self.connected = true;
    }

    fn disconnected(&mut self, _driver: &Driver<Self>) {
        self.connected = false;
    }

    fn launch(&mut self, driver: &Driver<Self>, _task: TaskInfo) {
        eprintln!("The default executor runs task groups only");
        self.shutdown(driver);
    }

    fn launch_group(&mut self, driver: &Driver<Self>, group: TaskGroupInfo) {
        let Some(parent) = self.container_id.clone().filter(|_| !self.shutting_down) else {
            eprintln!("Ignoring a task group: there is no container to run it in");
            return;
        };
        let admitted = self.admit(driver, group, &parent);
        let launches: Vec<_> = admitted
            .into_iter()
            .filter_map(|task_id| {
                let task = self.tasks.get(&task_id)?;
                let (containers, container_id) = (self.containers.clone(), task.container_id.clone());
                let command = container::command(&task.info, &self.ip);
                let container = container::container(&task.info);
                Some(async move { (task_id, containers.launch(container_id, command, container).await) })
            })
            .collect();
        driver.run(join_all(launches), |executor, driver, results| executor.launched(driver, results));
    }

    fn kill(&mut self, driver: &Driver<Self>, task_id: TaskId, kill_policy: Option<KillPolicy>) {
        if !self.tasks.contains_key(&task_id) {
            eprintln!("Ignoring the kill of unknown task {task_id}");
        }
        self.kill_task(driver, &task_id, kill_policy.as_ref());
    }

    fn acknowledged(&mut self, driver: &Driver<Self>, _task_id: &TaskId, uuid: &[u8]) {
        self.unacknowledged.remove(uuid);
        if self.groups_launched > 0 && self.unacknowledged.is_empty() {
            self.stop_if_done(driver);
        }
    }

    fn error(&mut self, _driver: &Driver<Self>, message: &str) {
        eprintln!("{message}");
    }

    fn shutdown(&mut self, driver: &Driver<Self>) {
        self.shutting_down = true;
        let task_ids: Vec<TaskId> = self.tasks.keys().cloned().collect();
        for task_id in task_ids {
            self.kill_task(driver, &task_id, None);
        }
        self.stop_if_done(driver);
    }
}

#[cfg(test)]
mod tests;
