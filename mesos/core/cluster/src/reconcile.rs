//! RECONCILE: what the master knows of tasks.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use mesos_api::internal::StatusUpdate;
use mesos_api::v1::scheduler::call::reconcile;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{AgentId, FrameworkId, TaskId, TaskInfo, TaskState};
use stout::Time;

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::event::SchedulerEvent;
use crate::framework::Framework;
use crate::input::{LeftToReconcile, Reconciliation, Timer};
use crate::snapshot::Snapshot;
use crate::status::{Made, unreachable_since, with_details};
use crate::step::Step;
use crate::task::Task;

const LATEST: &str = "Reconciliation: Latest task state";

/// What is known of a task that a scheduler asks about. The first that fits.
#[derive(Debug)]
enum Known<'a> {
    /// It waits for its authorization.
    Pending(&'a TaskInfo),
    /// It is on an agent.
    Present(&'a Task),
    /// Its agent is there and does not have it.
    Gone(&'a AgentId),
    /// Agents have yet to come back: no answer now.
    Undecided,
    /// Its agent is unreachable.
    Unreachable(&'a AgentId, Time),
    /// Its agent was marked gone.
    GoneByOperator(&'a AgentId),
    /// Neither it nor its agent is known.
    Unknown(Option<&'a AgentId>),
}

fn known<'a>(
    state: &'a Snapshot,
    framework: &'a Framework,
    task: &TaskId,
    agent: Option<&'a AgentId>,
) -> Known<'a> {
    if let Some(pending) = framework.pending_tasks.get(task) {
        return Known::Pending(pending);
    }
    if let Some(task) = framework.tasks.get(task) {
        return Known::Present(task);
    }
    let Some(id) = agent else {
        return if state.recovered_agents.is_empty() { Known::Unknown(None) } else { Known::Undecided };
    };
    if state.agents.contains_key(id) {
        Known::Gone(id)
    } else if state.recovered_agents.contains_key(id) {
        Known::Undecided
    } else if let Some(since) = state.unreachable_agents.get(id) {
        Known::Unreachable(id, *since)
    } else if state.gone_agents.contains_key(id) {
        Known::GoneByOperator(id)
    } else {
        Known::Unknown(Some(id))
    }
}

/// So many tasks are answered at a time.
const TASKS_AT_ONCE: usize = 1000;

/// The wait before the next ones: others get their turn, and the scheduler reads.
const PAUSE: Duration = Duration::from_millis(10);

impl Cluster {
    /// Explicit reconciliation of the named tasks, or implicit of all when none is named.
    pub(crate) fn reconcile(&mut self, id: &FrameworkId, asked: Vec<reconcile::Task>, cx: &mut Step<'_>) {
        self.counters.messages_reconcile_tasks += 1;
        let Some(framework) = self.state.frameworks.get(id).map(Arc::clone) else { return };
        let Some(connection) = framework.connection() else { return };
        let left = if asked.is_empty() {
            for pending in framework.pending_tasks.values() {
                tell(connection, pending_update(&framework, pending, cx), cx);
            }
            LeftToReconcile::After(None)
        } else {
            LeftToReconcile::Named(asked.into())
        };
        self.reconcile_on(Reconciliation { framework: id.clone(), connection, left }, cx);
    }

    /// Answers the next tasks, and comes back for the rest.
    pub(crate) fn reconcile_on(&mut self, reconciliation: Reconciliation, cx: &mut Step<'_>) {
        let Reconciliation { framework: id, connection, left } = reconciliation;
        let Some(framework) = self.state.frameworks.get(&id).map(Arc::clone) else { return };
        if framework.connection() != Some(connection) {
            return;
        }
        let left = match left {
            LeftToReconcile::Named(mut asked) => {
                for task in asked.drain(..asked.len().min(TASKS_AT_ONCE)) {
                    let known = known(&self.state, &framework, &task.task_id, task.agent_id.as_ref());
                    if let Some(update) = answer(&framework, &task.task_id, known, cx) {
                        tell(connection, update, cx);
                    }
                }
                (!asked.is_empty()).then_some(LeftToReconcile::Named(asked))
            }
            LeftToReconcile::After(last) => {
                let from = last.map_or(Bound::Unbounded, Bound::Excluded);
                let mut tasks = framework.tasks.range((from, Bound::Unbounded));
                let mut last = None;
                for (task_id, task) in tasks.by_ref().take(TASKS_AT_ONCE) {
                    let state = task.reported_state();
                    tell(connection, with_details(task, state, Reason::Reconciliation, LATEST, cx), cx);
                    last = Some(task_id.clone());
                }
                tasks.next().map(|_| LeftToReconcile::After(last))
            }
        };
        if let Some(left) = left {
            let rest = Reconciliation { framework: id, connection, left };
            cx.after(PAUSE, Timer::Reconcile(rest));
        }
    }
}

fn tell(to: ConnectionId, update: StatusUpdate, cx: &mut Step<'_>) {
    cx.tell(Some(to), SchedulerEvent::Update { update: Box::new(update), agent_pid: None });
}

fn pending_update(framework: &Framework, task: &TaskInfo, cx: &Step<'_>) -> StatusUpdate {
    Made {
        framework: &framework.id,
        agent: Some(&task.agent_id),
        task: &task.task_id,
        executor: None,
        state: TaskState::TaskStaging,
        reason: Reason::Reconciliation,
        message: LATEST,
    }
    .update(cx)
}

fn answer(framework: &Framework, task: &TaskId, known: Known<'_>, cx: &Step<'_>) -> Option<StatusUpdate> {
    let (agent, state, message, since) = match known {
        Known::Pending(pending) => return Some(pending_update(framework, pending, cx)),
        Known::Present(task) => {
            return Some(with_details(task, task.reported_state(), Reason::Reconciliation, LATEST, cx));
        }
        Known::Undecided => return None,
        Known::Gone(agent) => (Some(agent), TaskState::TaskGone, "Task is unknown to the agent", None),
        Known::Unreachable(agent, since) => {
            (Some(agent), TaskState::TaskUnreachable, "Task is unreachable", Some(since))
        }
        Known::GoneByOperator(agent) => (Some(agent), TaskState::TaskGoneByOperator, "Task is gone", None),
        Known::Unknown(agent) => (agent, TaskState::TaskUnknown, "Task is unknown", None),
    };
    // What is not partition-aware knows one word for all of these.
    let state = if framework.capabilities.partition_aware { state } else { TaskState::TaskLost };
    let mut update = Made {
        framework: &framework.id,
        agent,
        task,
        executor: None,
        state,
        reason: Reason::Reconciliation,
        message: &format!("Reconciliation: {message}"),
    }
    .update(cx);
    if let Some(since) = since {
        unreachable_since(&mut update, since);
    }
    Some(update)
}
