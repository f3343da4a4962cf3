//! How tasks end whose executor is gone.

use mesos_api::v1::{TaskResourceLimitation, TaskState, task_status::Reason};

use crate::Termination;

/// What is told of tasks whose executor was never started.
pub(crate) const NEVER_RAN: &str =
    "The agent ended while the task was being launched; nothing of the task has run";

/// How tasks end whose executor is gone.
pub(crate) struct TaskEnd {
    pub(crate) state: TaskState,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    pub(crate) limitation: Option<TaskResourceLimitation>,
}

impl TaskEnd {
    /// What the end of the container and the agent's own reason say; nothing if the agent ended while
    /// it launched the executor.
    pub(crate) fn new(
        termination: &Result<Option<Termination>, String>,
        pending: Option<&Termination>,
    ) -> Option<Self> {
        let found = termination.as_ref().ok().and_then(Option::as_ref);
        let never_ran = match termination {
            Ok(Some(found)) => found.never_ran,
            // Without a container there is only what the agent found on its own disk.
            Ok(None) => pending.is_some_and(|pending| pending.never_ran),
            Err(_) => false,
        };
        if never_ran {
            return None;
        }
        let first =
            |part: fn(&Termination) -> Option<TaskState>| found.and_then(part).or(pending.and_then(part));
        let state = first(|termination| termination.state).unwrap_or(TaskState::TaskFailed);
        let reason = found.and_then(|found| found.reason).or(pending.and_then(|pending| pending.reason));
        let mut messages: Vec<String> =
            pending.and_then(|pending| pending.message.clone()).into_iter().collect();
        match termination {
            // Who ended it said why.
            Ok(None) | Err(_) if !messages.is_empty() => {}
            Ok(None) => messages.push("Abnormal executor termination: unknown container".to_owned()),
            Err(error) => messages.push(format!("Abnormal executor termination: {error}")),
            Ok(Some(found)) => messages.extend(found.message.clone()),
        }
        let limited = found.map(|found| found.limited_resources.as_slice()).unwrap_or_default();
        let limitation =
            (!limited.is_empty()).then(|| TaskResourceLimitation { resources: limited.to_vec() });
        Some(TaskEnd {
            state,
            reason: reason.unwrap_or(Reason::ExecutorTerminated),
            message: if messages.is_empty() { "Executor terminated".to_owned() } else { messages.join("; ") },
            limitation,
        })
    }

    /// The end of tasks that were on their way when the agent ended: as Mesos tells it of those that
    /// an executor did not get because the agent restarted.
    pub(crate) fn never_ran(lost: TaskState) -> Self {
        let (reason, message) = (Reason::AgentRestarted, NEVER_RAN.to_owned());
        TaskEnd { state: lost, reason, message, limitation: None }
    }
}
