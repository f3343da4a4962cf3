//! Commands that end by themselves.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use super::scratch::Scratch;
use super::wait::until;

/// The program under test, not yet started: its temporary files go to `scratch`, and no setting of whoever runs the
/// tests reaches it.
pub(crate) fn mesos(scratch: &Scratch) -> Command {
    command(scratch, env!("CARGO_BIN_EXE_mesos"))
}

/// Like [`mesos`], for a program that sees when its terminal is closed, though the tests may run under nohup.
pub(crate) fn mesos_on_a_terminal(scratch: &Scratch) -> Command {
    let mut command = command(scratch, "env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_mesos")]);
    command
}

fn command(scratch: &Scratch, program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("MESOS_") || name.starts_with("LIBPROCESS_")) {
            command.env_remove(name);
        }
    }
    command.env("TMPDIR", scratch.temporary()).current_dir(scratch.path());
    command
}

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit status, unless a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Finished {
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let stdout = read(child.stdout.take().expect("a pipe"));
    let stderr = read(child.stderr.take().expect("a pipe"));
    let status = until("a command to end", || child.try_wait().expect("a child can be waited for"));
    let [stdout, stderr] = [stdout, stderr].map(|thread| thread.join().expect("a reader ends"));
    Finished { code: status.code(), stdout, stderr }
}

fn read(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Runs curl; none where there is no curl, which is said.
pub(crate) fn curl(arguments: &[&str]) -> Option<Finished> {
    if Command::new("curl").arg("--version").output().is_err() {
        super::skip("there is no curl");
        return None;
    }
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "30", "--noproxy", "*"]).args(arguments);
    Some(finish(&mut command))
}
