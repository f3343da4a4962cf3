//! The news of tasks, from agents and from ourselves.

use std::sync::Arc;
use std::time::Duration;

use mesos_api::internal::{StatusUpdate, StatusUpdateMessage};
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{FrameworkId, TaskId, TaskState};
use stout::Time;

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::event::SchedulerEvent;
use crate::observation::Observation;
use crate::step::Step;
use crate::task::{Delivery, is_removable, is_terminal};
use crate::wire::is_uuid;

/// An update that comes again sooner than this is not one that its agent retries: agents wait ten seconds.
const RESEND_WINDOW: Duration = Duration::from_secs(8);

impl Cluster {
    pub(crate) fn status_update(
        &mut self,
        from: ConnectionId,
        message: StatusUpdateMessage,
        cx: &mut Step<'_>,
    ) {
        self.counters.messages_status_update += 1;
        match self.take_in(from, message, cx) {
            Ok(()) => self.counters.valid_status_updates += 1,
            Err(error) => {
                self.counters.invalid_status_updates += 1;
                cx.warn(error);
            }
        }
    }

    fn take_in(
        &mut self,
        from: ConnectionId,
        message: StatusUpdateMessage,
        cx: &mut Step<'_>,
    ) -> Result<(), String> {
        let StatusUpdateMessage { mut update, pid } = message;
        let what = || format!("status update of task '{}'", update.status.task_id);
        let Some(agent) = self.sender(from, update.slave_id.as_ref()) else {
            return Err(format!("ignoring {} from {from}: it is not its agent", what()));
        };
        let Some(uuid) = update.uuid.clone().filter(|uuid| is_uuid(uuid)) else {
            return Err(format!("ignoring {} from agent {agent}: it has no valid uuid", what()));
        };
        let latest = update.latest_state.is_some().then(|| update.latest_state());
        for state in [Some(update.status.state()), latest].into_iter().flatten() {
            // These are the master's words.
            if matches!(state, TaskState::TaskUnknown | TaskState::TaskUnreachable) {
                return Err(format!("ignoring {} from agent {agent}: {}", what(), state.as_str_name()));
            }
        }
        if self.acknowledge_again(&agent, &update, &uuid, cx) {
            return Ok(());
        }
        let again = self.sent_just_now(&update, &uuid, cx);
        update.status.uuid = Some(uuid);
        let framework = update.framework_id.clone();
        let task = update.status.task_id.clone();
        let own = self.task(&framework, &task).is_some_and(|task| task.info.agent_id == agent);
        let agent_pid = pid.or_else(|| self.agent(&agent).map(|agent| agent.peer.pid.clone()));
        let reached = self.connected_framework(&framework);
        if own && reached.is_some() && !again {
            self.note_reported(&framework, &task, &update, cx.now);
        }
        if !(own && again) {
            let event = SchedulerEvent::Update { update: Box::new(update.clone()), agent_pid };
            cx.tell(reached, event);
        }
        if own {
            self.update_task(&framework, &task, &update, cx);
        }
        match (reached, own) {
            (Some(_), true) => Ok(()),
            (None, _) => {
                Err(format!("status update of task '{task}' for framework {framework}, which is away"))
            }
            (Some(_), false) => Err(format!("status update of unknown task '{task}' from agent {agent}")),
        }
    }

    /// Whether the scheduler was sent this update over its present connection, so shortly before that
    /// this is no retry: an agent sends what is in flight each time that it hears of its framework.
    fn sent_just_now(&self, update: &StatusUpdate, uuid: &[u8], cx: &Step<'_>) -> bool {
        let Some(framework) = self.framework(&update.framework_id) else { return false };
        let Some(task) = framework.task(&update.status.task_id) else { return false };
        let Delivery::Sent(at) = task.delivery else { return false };
        task.last_sent(uuid) && at > framework.reregistered_time && cx.now - at < RESEND_WINDOW
    }

    /// What the scheduler is about to see.
    fn note_reported(&mut self, framework: &FrameworkId, task: &TaskId, update: &StatusUpdate, now: Time) {
        if let Some(task) = self.task_mut(framework, task)
            && update.uuid.is_some()
        {
            task.info.status_update_state = Some(update.status.state);
            task.info.status_update_uuid = update.status.uuid.clone();
            task.delivery = Delivery::Sent(now);
        }
    }

    /// Sends an update that the master made to the framework's scheduler, if it is connected.
    pub(crate) fn forward(
        &self,
        framework: &FrameworkId,
        update: StatusUpdate,
        agent_pid: Option<String>,
        cx: &mut Step<'_>,
    ) {
        let event = SchedulerEvent::Update { update: Box::new(update), agent_pid };
        cx.tell(self.connected_framework(framework), event);
    }

    /// Applies an update to the task: the latest state decides about resources, the status is noted.
    pub(crate) fn update_task(
        &mut self,
        framework: &FrameworkId,
        id: &TaskId,
        update: &StatusUpdate,
        cx: &mut Step<'_>,
    ) {
        let Some(task) = self.task(framework, id) else { return };
        let status = &update.status;
        let before = task.state();
        let latest = if update.latest_state.is_some() { update.latest_state() } else { status.state() };
        let after = if is_terminal(before) { before } else { latest };
        self.set_task_state(framework, id, after, cx);
        if let Some(task) = self.task_mut(framework, id) {
            task.record(status.clone());
        }
        let about_checks = status.reason.is_some()
            && matches!(
                status.reason(),
                Reason::TaskCheckStatusUpdated | Reason::TaskHealthCheckStatusUpdated
            );
        if before != after || about_checks {
            self.observe_task(framework, id, update, after, cx);
        }
        if !is_removable(before) && is_removable(after) {
            self.counters.ended_in(status.state());
            if status.reason.is_some() {
                self.counters.ended(status.state(), status.source(), status.reason());
            }
        }
    }

    fn observe_task(
        &self,
        framework: &FrameworkId,
        id: &TaskId,
        update: &StatusUpdate,
        state: TaskState,
        cx: &mut Step<'_>,
    ) {
        let Some(framework) = self.framework(framework) else { return };
        if let Some(task) = framework.tasks.get(id) {
            cx.observe(Observation::TaskUpdated {
                task: Arc::clone(task),
                framework: Arc::clone(&framework.info),
                status: Box::new(update.status.clone()),
                state,
            });
        }
    }
}
