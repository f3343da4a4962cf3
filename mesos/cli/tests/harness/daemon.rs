//! A program that runs until it is told to end.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::scratch::Scratch;
use super::wait::{LOOK_INTERVAL, PATIENCE, until};

/// How long a daemon may take to end when it is told to.
const END_MAX: Duration = Duration::from_secs(15);

/// A child in a process group of its own, ended when this is dropped.
pub(crate) struct Daemon {
    child: Child,
    output: PathBuf,
    log: PathBuf,
    ended: bool,
}

impl Daemon {
    /// Starts `mesos` with these arguments; its output and its log go to files called `name` in `scratch`.
    pub(crate) fn start(scratch: &Scratch, name: &str, arguments: &[String]) -> Self {
        let mut command = super::mesos(scratch);
        command.args(arguments);
        Self::spawn(scratch, name, command)
    }

    /// Starts any command so.
    pub(crate) fn spawn(scratch: &Scratch, name: &str, mut command: Command) -> Self {
        let output = scratch.path().join(format!("{name}.out"));
        let log = scratch.path().join(format!("{name}.log"));
        let stdout = File::create(&output).expect("a file for the output");
        // A daemon that is started again goes on in its log.
        let stderr = OpenOptions::new().create(true).append(true).open(&log).expect("a file for the log");
        command.process_group(0).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { child, output, log, ended: false }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    /// What it has printed.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// What it has logged, this time and, under the same name, before.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.status().is_none()
    }

    /// Its exit status, once it ended.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("a child can be waited for");
        self.ended |= status.is_some();
        status
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        until("a program to end", || self.status())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a child can be signalled");
    }

    /// Kills it, and nothing that it started.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait();
    }

    /// Waits until what it printed gives a value.
    #[track_caller]
    pub(crate) fn until_printed<T>(&mut self, what: &str, mut found: impl FnMut(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.status();
            let output = self.output();
            if let Some(value) = found(&output) {
                return value;
            }
            let tell =
                |why: &str| panic!("waiting for {what}, but {why}; it printed:\n{output}\n{}", self.log());
            if let Some(status) = ended {
                tell(&format!("it ended, {status}"));
            }
            if Instant::now() > deadline {
                tell("nothing comes");
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill(self.pid(), Signal::SIGTERM);
            let deadline = Instant::now() + END_MAX;
            while self.is_running() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            if self.is_running() {
                let _ = killpg(self.pid(), Signal::SIGKILL);
                let _ = self.child.wait();
                eprintln!("a daemon had to be killed: {}", self.log.display());
            }
        }
        let log = self.log();
        if !std::thread::panicking() {
            assert!(!log.contains("panicked at"), "{}: {log}", self.log.display());
        } else {
            let lines: Vec<_> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(60)..].join("\n");
            eprintln!("the end of {}:\n{end}\n", self.log.display());
        }
    }
}

/// A port of the loopback address that nobody listens on, and that is given out once. It lies below those that the
/// system takes for connections.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 150).expect("a small number") * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
