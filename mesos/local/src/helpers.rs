//! The programs that an agent starts, as commands of the program that holds the agent.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use mesos_agent::{Helper, Parts, Program};

/// The parent of each container.
const CONTAINER: &str = "containerizer-launch";
/// What runs a task that has only a command.
const COMMAND_EXECUTOR: &str = "command-executor";
/// What runs a task group.
const DEFAULT_EXECUTOR: &str = "default-executor";

/// Runs the helper that the arguments of this program call for, if they do: `None` means that the
/// program is to go on as itself. It must be called before the program starts a thread.
pub fn dispatch() -> Option<ExitCode> {
    helper(std::env::args_os().skip(1).collect())
}

fn helper(mut arguments: Vec<OsString>) -> Option<ExitCode> {
    let command = arguments.first()?.to_str()?.to_owned();
    let rest = arguments.split_off(1);
    match command.as_str() {
        CONTAINER => Some(mesos_containerizer::launch_main(rest)),
        COMMAND_EXECUTOR => Some(mesos_executor::command::main(rest)),
        DEFAULT_EXECUTOR => Some(mesos_executor::default::main(rest)),
        _ => None,
    }
}

/// The parts of an agent whose helpers are this program.
pub fn parts() -> Parts {
    let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let program = |command: &str| Program { path: path.clone(), arguments: vec![command.to_owned()] };
    Parts {
        command_executor: Some(program(COMMAND_EXECUTOR)),
        default_executor: Some(program(DEFAULT_EXECUTOR)),
        container_helper: Some(Helper { program: path.clone(), arguments: vec![CONTAINER.to_owned()] }),
        ..Parts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_helpers_are_dispatched() {
        assert!(helper(Vec::new()).is_none());
        assert!(helper(vec!["run".into(), "containerizer-launch".into()]).is_none());
    }
}
