//! How the end of a task becomes the exit status of a command.

use mesos_api::v1::{TaskState, TaskStatus};

/// Whether a task is over in this state.
pub(super) fn is_terminal(state: TaskState) -> bool {
    !matches!(
        state,
        TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
            | TaskState::TaskUnreachable
    )
}

/// The exit status for a task that ended: its command's own where the update tells it, as the
/// shell has it for signals.
pub(super) fn exit_status(status: &TaskStatus) -> u8 {
    match status.state() {
        TaskState::TaskFinished => 0,
        _ => command_status(status.message()).unwrap_or(1),
    }
}

fn command_status(message: &str) -> Option<u8> {
    if let Some((_, name)) = message.split_once("terminated with signal ") {
        return signal_number(name).and_then(|signal| signal.checked_add(128));
    }
    let (_, status) = message.split_once("exited with status ")?;
    let digits: String = status.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|status| *status != 0)
}

/// The signals that end commands, by the names that executors give them.
const SIGNALS: [(&str, u8); 15] = [
    ("Hangup", 1),
    ("Interrupt", 2),
    ("Quit", 3),
    ("Illegal instruction", 4),
    ("Trace/breakpoint trap", 5),
    ("Aborted", 6),
    ("Bus error", 7),
    ("Floating point exception", 8),
    ("Killed", 9),
    ("Segmentation fault", 11),
    ("Broken pipe", 13),
    ("Alarm clock", 14),
    ("Terminated", 15),
    ("CPU time limit exceeded", 24),
    ("File size limit exceeded", 25),
];

fn signal_number(name: &str) -> Option<u8> {
    let name = name.split([':', '(']).next().unwrap_or(name).trim();
    let known = SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    known.or_else(|| name.parse().ok().filter(|number| (1..=64).contains(number)))
}

/// Whether the update tells of the command's own end, and not of what kept it from running.
pub(super) fn is_of_command(status: &TaskStatus) -> bool {
    status.state() == TaskState::TaskFinished || command_status(status.message()).is_some()
}

/// One line on an update, for who watches.
pub(super) fn describe(status: &TaskStatus) -> String {
    let mut text = status.state().as_str_name().to_owned();
    if let Some(message) = status.message.as_deref().filter(|message| !message.is_empty()) {
        text.push_str(": ");
        text.push_str(&crate::output::plain(message));
    }
    if let Some(reason) = status.reason {
        let reason = mesos_api::v1::task_status::Reason::try_from(reason);
        if let Ok(reason) = reason {
            text.push_str(&format!(" ({})", reason.as_str_name()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_status_is_that_of_the_command() {
        let check = |state: TaskState, message: &str, expected| {
            let mut status = TaskStatus { message: Some(message.to_owned()), ..TaskStatus::default() };
            status.set_state(state);
            assert_eq!(exit_status(&status), expected, "{message}");
        };
        check(TaskState::TaskFinished, "Command exited with status 0", 0);
        check(TaskState::TaskFailed, "Command exited with status 7", 7);
        check(TaskState::TaskFailed, "Command terminated with signal Killed", 137);
        check(TaskState::TaskFailed, "Command terminated with signal Segmentation fault (core dumped)", 139);
        check(TaskState::TaskFailed, "Command terminated with signal 40", 168);
        check(TaskState::TaskFailed, "Command terminated with signal Nobody", 1);
        check(TaskState::TaskFailed, "Failed to launch container: no such user", 1);
        check(TaskState::TaskFailed, "Command exited with status 0", 1);
        check(TaskState::TaskFailed, "Command exited with status 9999", 1);
        check(TaskState::TaskLost, "", 1);
    }
}
