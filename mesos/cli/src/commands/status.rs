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
    let (_, status) = message.split_once("exited with status ")?;
    let digits: String = status.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|status| *status != 0)
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
        check(TaskState::TaskFailed, "Command terminated with signal Killed", 1);
        check(TaskState::TaskFailed, "Command exited with status 0", 1);
        check(TaskState::TaskFailed, "Command exited with status 9999", 1);
        check(TaskState::TaskLost, "", 1);
    }
}
