//! The second stage: becomes the command.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

use libprocess::http::Client;
use mesos_api::v1::CommandInfo;
use mesos_fetcher::{FetchError, FetchPlan, fetch};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{User, dup2_stdin, geteuid, getppid, initgroups, setgid, setsid, setuid};

use super::{FETCHED, Spec};
use crate::runtime::ContainerDir;

/// Runs the command of `directory`. Standard input is where the supervisor listens for the report.
pub(super) fn init(directory: &ContainerDir) -> ExitCode {
    let mut report = match take_report() {
        Ok(report) => report,
        Err(error) => {
            eprintln!("failed to set up the container: {error}");
            return ExitCode::FAILURE;
        }
    };
    let Err(problem) = run(directory, &mut report);
    eprintln!("{problem}");
    let _ = report.write_all(problem.as_bytes());
    ExitCode::FAILURE
}

/// Moves the report from standard input to where it is closed once the command runs.
fn take_report() -> io::Result<File> {
    let report = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    dup2_stdin(&OpenOptions::new().read(true).open("/dev/null")?)?;
    Ok(report)
}

fn run(directory: &ContainerDir, report: &mut File) -> Result<Infallible, String> {
    let supervisor = getppid();
    // The supervisor has blocked signals, and blocked they would stay for the command.
    SigSet::all().thread_unblock().map_err(|error| format!("failed to unblock signals: {}", error.desc()))?;
    let spec: Spec = directory
        .read_json(ContainerDir::LAUNCH_INFO)
        .map_err(|error| error.to_string())?
        .ok_or_else(|| "the description of the container is gone".to_owned())?;
    let command: CommandInfo = mesos_api::json::from_str(&spec.command)
        .map_err(|error| format!("failed to read the command: {error}"))?;
    setsid().map_err(|error| format!("failed to begin a session: {}", error.desc()))?;
    if let Some(user) = &spec.user {
        become_user(user)?;
    }
    // After the switch, which resets it: without its supervisor a container cannot be told apart.
    prctl::set_pdeathsig(Signal::SIGKILL)
        .map_err(|error| format!("failed to be tied to the supervisor: {}", error.desc()))?;
    if getppid() != supervisor {
        return Err("the supervisor is gone".into());
    }
    fetch_uris(&spec, &command)?;
    // The agent may be gone; the command runs all the same.
    let _ = report.write_all(FETCHED.as_bytes());
    std::env::set_current_dir(&spec.sandbox).map_err(|error| {
        let (cause, path) = (described(&error), spec.sandbox.display());
        format!("{cause} (while changing into the sandbox {path})")
    })?;
    Err(exec(&spec, &command))
}

fn become_user(name: &str) -> Result<(), String> {
    let failed = |error: Errno| format!("Failed to switch to user '{name}': {}", error.desc());
    let user = User::from_name(name)
        .map_err(failed)?
        .ok_or_else(|| format!("Failed to switch to user '{name}': there is no such user"))?;
    if !geteuid().is_root() {
        return match user.uid == geteuid() {
            true => Ok(()),
            false => Err(format!("Failed to switch to user '{name}': the agent does not run as root")),
        };
    }
    let c_name = CString::new(name).map_err(|_| failed(Errno::EINVAL))?;
    initgroups(&c_name, user.gid).map_err(failed)?;
    setgid(user.gid).map_err(failed)?;
    setuid(user.uid).map_err(failed)
}

fn fetch_uris(spec: &Spec, command: &CommandInfo) -> Result<(), String> {
    if command.uris.is_empty() {
        return Ok(());
    }
    let plan = FetchPlan {
        frameworks_home: spec.frameworks_home.clone(),
        stall_timeout: Duration::from_millis(spec.stall_timeout_ms),
        ..FetchPlan::new(command.uris.clone(), &spec.sandbox)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("Failed to fetch: {error}"))?;
    runtime.block_on(fetch(&plan, &Client::new(), |line| eprintln!("{line}"))).map_err(|error| told(&error))
}

/// The cause before the path, which may be long.
fn told(error: &FetchError) -> String {
    match error {
        FetchError::Copy { uri, to, cause, .. } => {
            format!("failed to fetch '{uri}': {cause} (while copying it to {})", to.display())
        }
        FetchError::Write { uri, path, cause } => {
            format!("failed to fetch '{uri}': {cause} (while writing {})", path.display())
        }
        FetchError::Extract { uri, path, cause } => {
            format!("failed to fetch '{uri}': {cause} (while extracting {})", path.display())
        }
        error => error.to_string(),
    }
}

/// Turns into the command; returns why that did not work.
fn exec(spec: &Spec, info: &CommandInfo) -> String {
    let value = info.value.as_deref().unwrap_or_default();
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
    let error = command.env_clear().envs(&spec.environment).exec();
    let program = command.get_program().to_string_lossy();
    format!("Failed to exec '{program}': {}", described(&error))
}

/// The error as `perror` would say it.
fn described(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}
