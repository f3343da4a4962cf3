//! The first stage: stays beside the container until it has ended.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, User, dup2_stdout, setsid};
use stout::proc;

use super::log::{Log, Owner};
use super::{FAILED, FETCHED, INIT, Spec};
use crate::runtime::ContainerDir;

/// How long what the command leaves behind may take to end, and its last output to arrive.
const CLEANUP_WAIT_MAX: Duration = Duration::from_secs(10);

/// How often it is looked after.
const CLEANUP_INTERVAL: Duration = Duration::from_millis(5);

/// A longer reason for a failed launch is cut.
const REPORT_SIZE_MAX: u64 = 64 * 1024;

/// All file descriptors from this one on are other people's.
const FIRST_UNWANTED: i32 = 3;

/// Passed on to the command. Whoever wants to end the container must not end its supervisor.
const FORWARDED: [Signal; 8] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGWINCH,
];

/// Runs the container of `directory`. `own_arguments` is how many arguments of this process are for
/// the supervisor; those before are what leads into it.
pub(super) fn supervise(directory: &ContainerDir, own_arguments: usize) -> ExitCode {
    match run(directory, own_arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tell_agent(&format!("{FAILED}{problem}"));
            // Read by an agent that was not there to be told.
            let _ = directory.write(ContainerDir::MESSAGE, &problem);
            ExitCode::FAILURE
        }
    }
}

fn run(directory: &ContainerDir, own_arguments: usize) -> Result<(), String> {
    let said = |what: &'static str| move |error: &dyn std::fmt::Display| format!("failed to {what}: {error}");
    // What the agent was started with, such as a lock or a secret of who started it, is not for the container.
    close_fds::set_fds_cloexec(FIRST_UNWANTED, &[]);
    std::env::set_current_dir("/").map_err(|error| said("leave the agent's directory")(&error))?;
    setsid().map_err(|error| said("begin a session")(&error))?;
    // Before there are threads: they inherit it.
    let signals = block_signals().map_err(|error| said("block signals")(&error))?;
    prctl::set_child_subreaper(true).map_err(|error| said("adopt orphans")(&error))?;
    let spec: Spec = directory
        .read_json(ContainerDir::LAUNCH_INFO)
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("there is no {}", directory.file(ContainerDir::LAUNCH_INFO).display()))?;
    let owner = owner(&spec)?;
    let log = |name, size_max| {
        let log = Log::open(&spec.log_directory, name, size_max, owner);
        log.map_err(|error| format!("failed to open {}: {error}", spec.log_directory.join(name).display()))
    };
    let (stdout, stderr) = (log("stdout", spec.stdout_size_max)?, log("stderr", spec.stderr_size_max)?);
    if io::stdin().read_exact(&mut [0]).is_err() {
        return Ok(()); // The agent has gone, or has changed its mind.
    }
    // From here on the command may run, and whoever finds the container must know.
    directory.begin().map_err(|error| said("write down that the command begins")(&error))?;
    let started = start(own_arguments, directory).map_err(|error| said("start the second stage")(&error))?;
    // Only a kill of exactly this process needs the file; it can do without.
    let _ = directory.write(ContainerDir::COMMAND_PID, &started.pid.to_string());

    let (output_done, output) = mpsc::channel();
    for (log, stream) in [(stdout, started.stdout), (stderr, started.stderr)] {
        let output_done = output_done.clone();
        thread::spawn(move || {
            log.pump(stream);
            let _ = output_done.send(());
        });
    }
    let (reported, report) = mpsc::channel();
    let relay = started.report;
    thread::spawn(move || reported.send(relay_report(relay)));

    let status = wait_for_command(started.pid, &signals);
    // The report ends with the second stage, at the latest when that has ended.
    if let Ok(Some(problem)) = report.recv_timeout(CLEANUP_WAIT_MAX) {
        let _ = directory.write(ContainerDir::MESSAGE, &problem);
    }
    let written = directory.end(status).map_err(|error| said("write down how the command ended")(&error));
    end_descendants(started.pid);
    let deadline = Instant::now() + CLEANUP_WAIT_MAX;
    for _ in 0..2 {
        let _ = output.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
    written
}

fn block_signals() -> nix::Result<SigSet> {
    let mut signals = SigSet::empty();
    FORWARDED.iter().for_each(|signal| signals.add(*signal));
    signals.add(Signal::SIGCHLD);
    signals.thread_block()?;
    Ok(signals)
}

/// Whom the sandbox files belong to.
fn owner(spec: &Spec) -> Result<Owner, String> {
    let Some(name) = spec.user.as_deref().filter(|_| nix::unistd::geteuid().is_root()) else {
        return Ok(None);
    };
    match User::from_name(name) {
        Ok(Some(user)) => Ok(Some((user.uid, user.gid))),
        Ok(None) => Err(format!("there is no user '{name}'")),
        Err(error) => Err(format!("failed to look up user '{name}': {error}")),
    }
}

struct Started {
    pid: Pid,
    stdout: PipeReader,
    stderr: PipeReader,
    report: PipeReader,
}

fn start(own_arguments: usize, directory: &ContainerDir) -> io::Result<Started> {
    let (stdout, stdout_writer) = io::pipe()?;
    let (stderr, stderr_writer) = io::pipe()?;
    let (report, report_writer) = io::pipe()?;
    let pid = spawn_init(own_arguments, directory, [report_writer, stdout_writer, stderr_writer])?;
    Ok(Started { pid, stdout, stderr, report })
}

/// Starts this same program, even if its file was replaced meanwhile. The command, and with it our
/// ends of its pipes, is gone when this returns.
fn spawn_init(own_arguments: usize, directory: &ContainerDir, pipes: [PipeWriter; 3]) -> io::Result<Pid> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    arguments.truncate(arguments.len().saturating_sub(own_arguments));
    let mut arguments = arguments.into_iter();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let [stdin, stdout, stderr] = pipes;
    command.args(arguments).arg(INIT).arg(directory.path()).stdin(stdin).stdout(stdout).stderr(stderr);
    let child = command.spawn()?;
    Ok(Pid::from_raw(child.id() as i32))
}

/// Tells the agent how the launch went, and returns why it failed, if it did. Ends when the command
/// runs, or the second stage is gone.
fn relay_report(report: PipeReader) -> Option<String> {
    let mut report = BufReader::new(report.take(REPORT_SIZE_MAX));
    let mut text = Vec::new();
    let _ = report.read_until(b'\n', &mut text);
    if text == FETCHED.as_bytes() {
        tell_agent(FETCHED);
        text.clear();
        let _ = report.read_to_end(&mut text);
        return (!text.is_empty()).then(|| String::from_utf8_lossy(&text).into_owned());
    }
    let _ = report.read_to_end(&mut text);
    let problem = match text.is_empty() {
        true => "it was ended before its command could start".to_owned(),
        false => String::from_utf8_lossy(&text).into_owned(),
    };
    tell_agent(&format!("{FAILED}{problem}"));
    Some(problem)
}

/// Says the one thing that an agent is told, which may have gone meanwhile.
fn tell_agent(text: &str) {
    let mut stdout = io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = dup2_stdout(&null);
    }
}

/// Waits until the command has ended, passing signals on and reaping orphans, and returns the wait
/// status.
fn wait_for_command(command: Pid, signals: &SigSet) -> i32 {
    loop {
        match signals.wait() {
            Ok(Signal::SIGCHLD) => {
                if let Some(status) = reap(Some(command)).status {
                    return status;
                }
            }
            Ok(signal) => {
                let _ = kill(command, signal);
            }
            Err(_) => {}
        }
    }
}

/// What a round of waiting has found.
#[derive(Default)]
struct Reaped {
    /// The wait status of the command, if it is among those that have ended.
    status: Option<i32>,
    /// No child is left, whether it runs or not.
    none_left: bool,
}

/// Waits for all children that have ended.
fn reap(command: Option<Pid>) -> Reaped {
    let mut reaped = Reaped::default();
    loop {
        let (pid, status) = match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, (code & 0xff) << 8),
            Ok(WaitStatus::Signaled(pid, signal, core)) => (pid, signal as i32 | if core { 0x80 } else { 0 }),
            Ok(WaitStatus::StillAlive) => return reaped,
            Err(nix::errno::Errno::ECHILD) => return Reaped { none_left: true, ..reaped },
            Ok(_) | Err(_) => continue,
        };
        if Some(pid) == command {
            reaped.status = Some(status);
        }
    }
}

/// Kills what the command has left behind. Orphans come to us, so all of it is in sight, and when we have
/// no child there is nothing to look for among all processes of the machine.
fn end_descendants(command: Pid) {
    let me = std::process::id();
    let deadline = Instant::now() + CLEANUP_WAIT_MAX;
    loop {
        if reap(None).none_left {
            return;
        }
        match proc::signal_family(me, &[command.as_raw() as u32], Signal::SIGKILL) {
            Ok(signalled) if signalled.sent + signalled.refused > 0 && Instant::now() < deadline => {
                thread::sleep(CLEANUP_INTERVAL);
            }
            _ => return,
        }
    }
}
