//! Clients in Python.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::command::mesos;
use super::daemon::Daemon;
use super::scratch::Scratch;

/// No script takes longer.
const SCRIPT_MAX: Duration = Duration::from_secs(150);

/// The interpreter that has the clients; without one, who runs the tests is told that this one is skipped.
pub(crate) fn interpreter() -> Option<PathBuf> {
    let interpreter = std::env::var_os("MESOS_TEST_PYTHON").filter(|path| !path.is_empty());
    if interpreter.is_none() {
        super::skip("MESOS_TEST_PYTHON is not set");
    }
    interpreter.map(PathBuf::from)
}

/// The path of a script of ours.
pub(crate) fn script(name: &str) -> String {
    format!("{}/tests/python/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A script, not yet started.
fn python(scratch: &Scratch, interpreter: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(interpreter);
    // No compiled files beside the scripts, and no output that stays in a buffer.
    command.args(["-B", "-u", &script(name)]).args(arguments).env("TMPDIR", scratch.temporary());
    command
}

/// Runs a script to its end; gives the JSON of the last line that it printed.
#[track_caller]
pub(crate) fn transcript(
    scratch: &Scratch,
    interpreter: &Path,
    name: &str,
    arguments: &[&str],
) -> serde_json::Value {
    let mut daemon = Daemon::spawn(scratch, name, python(scratch, interpreter, name, arguments));
    let deadline = Instant::now() + SCRIPT_MAX;
    while daemon.is_running() {
        assert!(Instant::now() < deadline, "{name} does not end; it printed {}", daemon.output());
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = daemon.wait();
    let output = daemon.output();
    assert!(status.success(), "{name}: {status}\n{output}\n{}", daemon.log());
    println!("{output}");
    serde_json::from_str(output.lines().last().unwrap_or_default()).expect("JSON in the last line")
}

/// The file with the descriptors that the program under test prints.
pub(crate) fn descriptors(scratch: &Scratch) -> String {
    static DESCRIPTORS: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = DESCRIPTORS.get_or_init(|| {
        let output =
            mesos(scratch).args(["api", "descriptors"]).output().expect("the command under test starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    });
    let path = scratch.join("descriptors.pb");
    std::fs::write(&path, bytes).expect("a file for the descriptors");
    path
}
