//! A process of a task.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

use mesos_api::v1::CommandInfo;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stout::proc;
use tokio::process::Command;

/// A process and all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Child {
    pid: u32,
    /// Tells it from a later process with the same id.
    start_ticks: u64,
}

impl Child {
    /// Starts a command in `directory`; the future gives its wait status.
    ///
    /// # Errors
    ///
    /// Why it cannot be executed, in words.
    pub(crate) fn start(
        info: &CommandInfo,
        environment: &BTreeMap<String, String>,
        directory: &Path,
        stdout: Stdio,
    ) -> Result<(Self, impl Future<Output = i32> + Send + use<>), String> {
        let value = info.value.as_deref().unwrap_or_default();
        if value.is_empty() {
            return Err("The task has no command".to_owned());
        }
        let mut command;
        if info.shell.unwrap_or(true) {
            command = Command::new("/bin/sh");
            command.arg0("sh").arg("-c").arg(value);
        } else {
            command = Command::new(value);
            let mut arguments = info.arguments.iter();
            if let Some(name) = arguments.next() {
                command.arg0(name);
            }
            command.args(arguments);
        }
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        command.envs(environment).current_dir(directory).process_group(0).stdin(Stdio::null()).stdout(stdout);
        let spawned = command.spawn();
        let mut child =
            spawned.map_err(|error| format!("Failed to exec '{program}': {}", described(&error)))?;
        let pid = child.id().unwrap_or_default();
        let start_ticks = proc::stat(pid).ok().flatten().map(|stat| stat.start_ticks).unwrap_or_default();
        let ended = async move { child.wait().await.map_or(0, ExitStatusExt::into_raw) };
        Ok((Self { pid, start_ticks }, ended))
    }

    pub(crate) fn pid(self) -> u32 {
        self.pid
    }

    /// Sends a signal to the process and all below it. Blocks for as long as it takes to look
    /// through `/proc`.
    pub(crate) fn signal(self, signal: Signal) -> io::Result<()> {
        let alive = proc::stat(self.pid)?.is_some_and(|stat| stat.start_ticks == self.start_ticks);
        if !alive || self.pid == 0 {
            return Ok(());
        }
        let root = Pid::from_raw(self.pid as i32);
        // Stopped, it starts no other process before the signal comes.
        let stopped = kill(root, Signal::SIGSTOP);
        proc::signal_family(self.pid, &[self.pid], signal)?;
        let sent = kill(root, signal).and(kill(root, Signal::SIGCONT));
        match stopped.and(sent) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The error as `perror` would say it.
fn described(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandInfo {
        CommandInfo { value: Some(script.into()), ..Default::default() }
    }

    #[tokio::test]
    async fn wait_status_is_that_of_the_command() {
        let directory = tempfile::tempdir().unwrap();
        let environment = [("A".to_owned(), "b".to_owned())].into();
        let script = "test \"$A\" = b && echo x > file; exit 3";
        let (_, ended) = Child::start(&shell(script), &environment, directory.path(), Stdio::null()).unwrap();
        assert_eq!(ended.await, 3 << 8);
        assert!(directory.path().join("file").exists());
    }

    #[tokio::test]
    async fn signal_reaches_all_below_as_well() {
        let directory = tempfile::tempdir().unwrap();
        let script = "sleep 600 & (setsid sleep 600; true) & echo > ready; wait; wait";
        let (child, ended) =
            Child::start(&shell(script), &BTreeMap::new(), directory.path(), Stdio::null()).unwrap();
        let below = || {
            let below = proc::family(&proc::snapshot().unwrap(), child.pid(), &[]);
            below.into_iter().filter(|pid| proc::stat(*pid).is_ok_and(|stat| stat.is_some())).count()
        };
        while !directory.path().join("ready").exists() || below() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let members = proc::family(&proc::snapshot().unwrap(), child.pid(), &[]);
        tokio::task::spawn_blocking(move || child.signal(Signal::SIGTERM)).await.unwrap().unwrap();
        assert_eq!(ended.await, 15);
        for pid in members {
            while proc::stat(pid).unwrap().is_some_and(|stat| !stat.has_ended()) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
        child.signal(Signal::SIGKILL).unwrap();
    }

    #[tokio::test]
    async fn command_that_cannot_run_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let start = |info: CommandInfo| {
            Child::start(&info, &BTreeMap::new(), directory.path(), Stdio::null()).err().unwrap()
        };
        let nope = CommandInfo { shell: Some(false), ..shell("./nope") };
        assert_eq!(start(nope), "Failed to exec './nope': No such file or directory");
        assert_eq!(start(CommandInfo::default()), "The task has no command");
    }
}
