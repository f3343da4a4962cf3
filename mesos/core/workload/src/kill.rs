//! Ending tasks and frameworks.

use mesos_api::v1::{
    ExecutorId, FrameworkId, FrameworkInfo, KillPolicy, TaskId, TaskState, executor, task_status::Reason,
};
use stout::Time;

use crate::events::Effect;
use crate::executors::send;
use crate::model::ExecutorState;
use crate::updates::Fate;
use crate::{Phase, Workload, records};

const KILLED: &str = "Killed before delivery to the executor";
const GROUP_KILLED: &str = "A task within the task group was killed before delivery to the executor";

impl Workload {
    pub(crate) fn kill_task(
        &mut self,
        framework: &FrameworkId,
        task: &TaskId,
        kill_policy: Option<KillPolicy>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        if matches!(self.phase, Phase::Recovering | Phase::Terminating) {
            return;
        }
        // A framework that is terminating acknowledges nothing.
        let Some(found) = self.framework(framework).filter(|framework| !framework.terminating) else {
            return;
        };
        if found.is_pending(&task.value) {
            self.kill_pending(framework, task, now, out);
            return;
        }
        let Some(executor) = found.executor_of(&task.value) else {
            let state = self.lost_state(framework);
            let fate = Fate { state, reason: Reason::ExecutorTerminated, message: "Cannot find executor" };
            let update = self.agent_update(framework, None, task, fate, now);
            self.status_update(update, out);
            return;
        };
        let (id, state, link) = (executor.info.executor_id.clone(), executor.state, executor.link.clone());
        match state {
            ExecutorState::Terminating | ExecutorState::Terminated => {}
            ExecutorState::Registering | ExecutorState::Running if executor.is_queued(&task.value) => {
                let group = executor.queued_group(&task.value).map(<[String]>::to_vec);
                self.kill_queued(framework, &id, task, group, now, out);
                self.end_if_never_used(framework, &id.value, out);
            }
            // After a restart, until it has called again.
            ExecutorState::Registering => {}
            ExecutorState::Running => {
                let event = executor::Event {
                    r#type: Some(executor::event::Type::Kill as i32),
                    kill: Some(executor::event::Kill { task_id: task.clone(), kill_policy }),
                    ..Default::default()
                };
                out.push(send(framework, &id, &link, event));
            }
        }
    }

    fn kill_pending(&mut self, framework: &FrameworkId, task: &TaskId, now: Time, out: &mut Vec<Effect>) {
        let Some(found) = self.framework_mut(framework) else { return };
        let holds = |launch: &crate::model::PendingLaunch| {
            launch.tasks.iter().any(|pending| pending.task_id == *task)
        };
        let Some(at) = found.launches.iter().position(holds) else { return };
        let launch = found.launches.remove(at);
        let message = if launch.group { GROUP_KILLED } else { KILLED };
        for pending in &launch.tasks {
            let executor = Some(&launch.executor.executor_id);
            self.killed(framework, executor, &pending.task_id, message, now, out);
        }
        if launch.launch_executor == Some(true) {
            let executor = launch.executor.executor_id;
            out.push(Effect::Exited { framework: framework.clone(), executor, status: -1 });
        }
        // Launches behind it may be ready.
        self.resume_launches(now, out);
        self.remove_framework_if_idle(framework, out);
    }

    fn kill_queued(
        &mut self,
        framework: &FrameworkId,
        executor: &ExecutorId,
        task: &TaskId,
        group: Option<Vec<String>>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        match group {
            Some(members) => {
                for value in members {
                    self.killed(framework, Some(executor), &TaskId { value }, GROUP_KILLED, now, out);
                }
            }
            None => self.killed(framework, Some(executor), task, KILLED, now, out),
        }
    }

    fn killed(
        &mut self,
        framework: &FrameworkId,
        executor: Option<&ExecutorId>,
        task: &TaskId,
        message: &str,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let fate = Fate { state: TaskState::TaskKilled, reason: Reason::TaskKilledDuringLaunch, message };
        let update = self.agent_update(framework, executor, task, fate, now);
        self.status_update(update, out);
    }

    pub(crate) fn shutdown_framework(&mut self, framework: &FrameworkId, out: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Recovering | Phase::Disconnected) {
            self.end_framework(framework, out);
        }
    }

    /// Ends all that runs for a framework; nobody is told, as nobody would acknowledge.
    pub(crate) fn end_framework(&mut self, framework: &FrameworkId, out: &mut Vec<Effect>) {
        let Some(found) = self.framework_mut(framework) else { return };
        found.terminating = true;
        found.launches.clear();
        let states: Vec<(String, ExecutorState)> =
            found.executors.iter().map(|(id, executor)| (id.clone(), executor.state)).collect();
        for (id, state) in states {
            match state {
                ExecutorState::Registering | ExecutorState::Running => self.end_executor(framework, &id, out),
                ExecutorState::Terminated => self.remove_executor(framework, &id, out),
                ExecutorState::Terminating => {}
            }
        }
        self.remove_framework_if_idle(framework, out);
    }

    pub(crate) fn update_framework(
        &mut self,
        id: &FrameworkId,
        info: Option<FrameworkInfo>,
        pid: Option<String>,
        out: &mut Vec<Effect>,
    ) {
        if self.phase != Phase::Running {
            return;
        }
        let agent = self.agent_id().value;
        let Some(framework) = self.framework_mut(id).filter(|framework| !framework.terminating) else {
            return;
        };
        if let Some(info) = info {
            // It keeps its id and whether it survives restarts, whatever the message says.
            let checkpoint = framework.info.checkpoint;
            framework.info = FrameworkInfo { id: Some(id.clone()), checkpoint, ..info };
        }
        framework.pid = pid;
        if framework.checkpoint() {
            let framework = framework.clone();
            out.push(Effect::CheckpointFramework(records::framework(&self.layout, &agent, &framework)));
        }
        out.push(Effect::ResumeUpdates(id.clone()));
    }
}
