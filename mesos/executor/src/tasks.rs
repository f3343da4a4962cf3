//! What the bundled executors say about tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use mesos_api::v1::framework_info::capability;
use mesos_api::v1::{CommandInfo, ExecutorId, FrameworkInfo, KillPolicy, TaskId, TaskState, TaskStatus};

/// How long a task may take to end after it was asked to, if nobody says otherwise.
pub(crate) const KILL_GRACE_PERIOD: Duration = Duration::from_secs(3);

/// How long an executor whose work is done, and that has an agent, waits for acknowledgements.
pub(crate) const ACKNOWLEDGEMENT_WAIT_MAX: Duration = Duration::from_secs(60);

/// The same when it is shutting down, and perhaps nobody is there to acknowledge anything.
pub(crate) const LAST_ACKNOWLEDGEMENT_WAIT_MAX: Duration = Duration::from_secs(1);

/// The grace period of a kill: the call's own, or the task's.
pub(crate) fn grace_period(call: Option<&KillPolicy>, task: Option<&KillPolicy>) -> Duration {
    let period = [call, task].into_iter().flatten().find_map(|policy| policy.grace_period.as_ref());
    period.map_or(KILL_GRACE_PERIOD, |period| {
        Duration::from_nanos(u64::try_from(period.nanoseconds).unwrap_or(0))
    })
}

/// The variables that a command itself brings. Secrets cannot be resolved here and are left out.
pub(crate) fn environment(command: &CommandInfo) -> BTreeMap<String, String> {
    let variables = command.environment.iter().flat_map(|environment| &environment.variables);
    variables
        .filter(|variable| !variable.name.is_empty() && !variable.name.contains(['=', '\0']))
        .filter_map(|variable| Some((variable.name.clone(), variable.value.clone()?)))
        .filter(|(_, value)| !value.contains('\0'))
        .collect()
}

/// Whether the framework wants to hear of `TASK_KILLING`.
pub(crate) fn wants_killing(framework: &FrameworkInfo) -> bool {
    framework.capabilities.iter().any(|c| c.r#type() == capability::Type::TaskKillingState)
}

pub(crate) fn status(executor_id: &ExecutorId, task_id: &TaskId, state: TaskState) -> TaskStatus {
    TaskStatus {
        task_id: task_id.clone(),
        executor_id: Some(executor_id.clone()),
        state: state as i32,
        ..TaskStatus::default()
    }
}

/// What a wait status says in words.
pub(crate) fn describe(wait_status: i32) -> String {
    let signal = wait_status & 0x7f;
    if signal == 0 {
        return format!("exited with status {}", (wait_status >> 8) & 0xff);
    }
    let core = if wait_status & 0x80 == 0 { "" } else { " (core dumped)" };
    format!("terminated with signal {}{core}", signal_name(signal))
}

/// The names that `strsignal` gives.
fn signal_name(signal: i32) -> String {
    const NAMES: [&str; 31] = [
        "Hangup",
        "Interrupt",
        "Quit",
        "Illegal instruction",
        "Trace/breakpoint trap",
        "Aborted",
        "Bus error",
        "Floating point exception",
        "Killed",
        "User defined signal 1",
        "Segmentation fault",
        "User defined signal 2",
        "Broken pipe",
        "Alarm clock",
        "Terminated",
        "Stack fault",
        "Child exited",
        "Continued",
        "Stopped (signal)",
        "Stopped",
        "Stopped (tty input)",
        "Stopped (tty output)",
        "Urgent I/O condition",
        "CPU time limit exceeded",
        "File size limit exceeded",
        "Virtual timer expired",
        "Profiling timer expired",
        "Window changed",
        "I/O possible",
        "Power failure",
        "Bad system call",
    ];
    let name = usize::try_from(signal - 1).ok().and_then(|index| NAMES.get(index));
    name.map_or_else(|| format!("{signal}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::DurationInfo;

    use super::*;

    #[test]
    fn wait_statuses_are_put_into_words() {
        for (wait_status, words) in [
            (0, "exited with status 0"),
            (3 << 8, "exited with status 3"),
            (9, "terminated with signal Killed"),
            (15, "terminated with signal Terminated"),
            (11 | 0x80, "terminated with signal Segmentation fault (core dumped)"),
            (40, "terminated with signal 40"),
        ] {
            assert_eq!(describe(wait_status), words);
        }
    }

    #[test]
    fn grace_period_of_the_call_wins() {
        let policy = |nanoseconds| KillPolicy { grace_period: Some(DurationInfo { nanoseconds }) };
        let (one, two, negative) = (policy(1), policy(2), policy(-1));
        assert_eq!(grace_period(Some(&one), Some(&two)), Duration::from_nanos(1));
        assert_eq!(grace_period(Some(&KillPolicy::default()), Some(&two)), Duration::from_nanos(2));
        assert_eq!(grace_period(Some(&negative), Some(&two)), Duration::ZERO);
        assert_eq!(grace_period(None, None), KILL_GRACE_PERIOD);
    }
}
