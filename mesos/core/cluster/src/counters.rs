//! What happened so far, counted.

use std::collections::BTreeMap;

use mesos_api::v1::TaskState;
use mesos_api::v1::task_status::{Reason, Source};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $path:literal,)*) => {
        /// Counters of the model; each has its path in the metrics.
        #[derive(Clone, PartialEq, Eq, Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
            /// Tasks that ended, by state, source and reason.
            pub task_ends: BTreeMap<TaskEnd, u64>,
        }

        impl Counters {
            /// The fixed counters with their metric paths.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($path, self.$name),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Messages that came before the registry was read, or from nobody known.
    dropped_messages = "master/dropped_messages",
    /// Subscriptions without a framework id.
    messages_register_framework = "master/messages_register_framework",
    /// Subscriptions with a framework id.
    messages_reregister_framework = "master/messages_reregister_framework",
    /// TEARDOWN.
    messages_unregister_framework = "master/messages_unregister_framework",
    /// Deactivations.
    messages_deactivate_framework = "master/messages_deactivate_framework",
    /// KILL.
    messages_kill_task = "master/messages_kill_task",
    /// ACKNOWLEDGE.
    messages_status_update_acknowledgement = "master/messages_status_update_acknowledgement",
    /// REQUEST.
    messages_resource_request = "master/messages_resource_request",
    /// LAUNCH operations with tasks.
    messages_launch_tasks = "master/messages_launch_tasks",
    /// DECLINE, and LAUNCH operations without tasks.
    messages_decline_offers = "master/messages_decline_offers",
    /// REVIVE.
    messages_revive_offers = "master/messages_revive_offers",
    /// SUPPRESS.
    messages_suppress_offers = "master/messages_suppress_offers",
    /// RECONCILE.
    messages_reconcile_tasks = "master/messages_reconcile_tasks",
    /// MESSAGE.
    messages_framework_to_executor = "master/messages_framework_to_executor",
    /// Messages of executors.
    messages_executor_to_framework = "master/messages_executor_to_framework",
    /// Registrations of agents.
    messages_register_slave = "master/messages_register_slave",
    /// Re-registrations of agents.
    messages_reregister_slave = "master/messages_reregister_slave",
    /// Agents that say good-bye.
    messages_unregister_slave = "master/messages_unregister_slave",
    /// Status updates of agents.
    messages_status_update = "master/messages_status_update",
    /// Executors that ended.
    messages_exited_executor = "master/messages_exited_executor",
    /// Updates of an agent's resources.
    messages_update_slave = "master/messages_update_slave",
    /// Messages to executors that were sent on.
    valid_framework_to_executor_messages = "master/valid_framework_to_executor_messages",
    /// Messages to executors that were not.
    invalid_framework_to_executor_messages = "master/invalid_framework_to_executor_messages",
    /// Messages of executors that were sent on.
    valid_executor_to_framework_messages = "master/valid_executor_to_framework_messages",
    /// Messages of executors that were not.
    invalid_executor_to_framework_messages = "master/invalid_executor_to_framework_messages",
    /// Updates that were sent on.
    valid_status_updates = "master/valid_status_updates",
    /// Updates that were not.
    invalid_status_updates = "master/invalid_status_updates",
    /// Acknowledgements that were sent on.
    valid_status_update_acknowledgements = "master/valid_status_update_acknowledgements",
    /// Acknowledgements that were not.
    invalid_status_update_acknowledgements = "master/invalid_status_update_acknowledgements",
    /// Tasks that ended TASK_FINISHED.
    tasks_finished = "master/tasks_finished",
    /// Tasks that ended TASK_FAILED.
    tasks_failed = "master/tasks_failed",
    /// Tasks that ended TASK_KILLED.
    tasks_killed = "master/tasks_killed",
    /// Tasks that ended TASK_LOST.
    tasks_lost = "master/tasks_lost",
    /// Tasks that ended TASK_ERROR.
    tasks_error = "master/tasks_error",
    /// Tasks that ended TASK_DROPPED.
    tasks_dropped = "master/tasks_dropped",
    /// Tasks that ended TASK_GONE.
    tasks_gone = "master/tasks_gone",
    /// Tasks that ended TASK_GONE_BY_OPERATOR.
    tasks_gone_by_operator = "master/tasks_gone_by_operator",
    /// Agents that did not come back after a failover.
    recovery_slave_removals = "master/recovery_slave_removals",
    /// Agents that registered.
    slave_registrations = "master/slave_registrations",
    /// Agents that came back.
    slave_reregistrations = "master/slave_reregistrations",
    /// Agents that were removed.
    slave_removals = "master/slave_removals",
    /// ... because they were unreachable.
    slave_removals_reason_unhealthy = "master/slave_removals/reason_unhealthy",
    /// ... because they unregistered.
    slave_removals_reason_unregistered = "master/slave_removals/reason_unregistered",
    /// ... because another registered at the same address.
    slave_removals_reason_registered = "master/slave_removals/reason_registered",
    /// Always zero.
    slave_shutdowns_scheduled = "master/slave_shutdowns_scheduled",
    /// Always zero.
    slave_shutdowns_completed = "master/slave_shutdowns_completed",
    /// Always zero.
    slave_shutdowns_canceled = "master/slave_shutdowns_canceled",
    /// Agents that were to become unreachable.
    slave_unreachable_scheduled = "master/slave_unreachable_scheduled",
    /// Agents that became unreachable.
    slave_unreachable_completed = "master/slave_unreachable_completed",
    /// Agents that came back in time.
    slave_unreachable_canceled = "master/slave_unreachable_canceled",
}

/// How a task ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TaskEnd {
    state: i32,
    source: i32,
    reason: i32,
}

impl TaskEnd {
    /// The metric's path, such as `master/task_lost/source_master/reason_slave_removed`.
    #[must_use]
    pub fn path(&self) -> String {
        let state = TaskState::try_from(self.state).map_or("unknown", |state| state.as_str_name());
        // The metrics say slave where the v1 names say agent.
        let source = Source::try_from(self.source).map_or("unknown", |source| source.as_str_name());
        let reason = Reason::try_from(self.reason).map_or("unknown", |reason| reason.as_str_name());
        format!("master/{state}/{source}/{reason}").to_lowercase().replace("agent", "slave")
    }
}

impl Counters {
    pub(crate) fn ended(&mut self, state: TaskState, source: Source, reason: Reason) {
        let end = TaskEnd { state: state as i32, source: source as i32, reason: reason as i32 };
        *self.task_ends.entry(end).or_default() += 1;
    }

    pub(crate) fn ended_in(&mut self, state: TaskState) {
        match state {
            TaskState::TaskFinished => self.tasks_finished += 1,
            TaskState::TaskFailed => self.tasks_failed += 1,
            TaskState::TaskKilled => self.tasks_killed += 1,
            TaskState::TaskLost => self.tasks_lost += 1,
            TaskState::TaskError => self.tasks_error += 1,
            TaskState::TaskDropped => self.tasks_dropped += 1,
            TaskState::TaskGone => self.tasks_gone += 1,
            TaskState::TaskGoneByOperator => self.tasks_gone_by_operator += 1,
            TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
            | TaskState::TaskUnreachable
            | TaskState::TaskUnknown => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_of_an_end_uses_the_old_names() {
        let mut counters = Counters::default();
        counters.ended(TaskState::TaskLost, Source::Master, Reason::AgentRemoved);
        let paths: Vec<String> = counters.task_ends.keys().map(TaskEnd::path).collect();
        assert_eq!(paths, ["master/task_lost/source_master/reason_slave_removed"]);
    }

    #[test]
    fn paths_are_unique() {
        let counters = Counters::default();
        let mut paths: Vec<_> = counters.iter().map(|(path, _)| path).collect();
        paths.sort_unstable();
        let count = paths.len();
        paths.dedup();
        assert_eq!(paths.len(), count);
    }
}
