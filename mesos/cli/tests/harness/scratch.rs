//! Directories that are gone after a test, with every process that was started in them.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// A directory for one test.
pub(crate) struct Scratch {
    dir: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("mesos-test-").tempdir().expect("a temporary directory");
        super::watchdog::watch(dir.path());
        fs::create_dir(dir.path().join("tmp")).expect("a directory for temporary files");
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the directory, as text.
    pub(crate) fn join(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// Where what is started here puts temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.dir.path().join("tmp")
    }

    /// Makes a file; gives its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.join(name);
        fs::write(&path, content).expect("a file in the temporary directory");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Executors and tasks outlive an agent that was killed. What forks meanwhile is found next time.
        for _ in 0..100 {
            let left = processes_of(self.path());
            if left.is_empty() {
                break;
            }
            for pid in left {
                // It may have ended by itself.
                let _ = kill(pid, Signal::SIGKILL);
            }
            std::thread::yield_now();
        }
    }
}

/// The live processes that were started in a directory or with a path in it: their command line, environment or
/// working directory has it.
pub(crate) fn processes_of(directory: &Path) -> Vec<Pid> {
    let own = Pid::this();
    let entries = fs::read_dir("/proc").expect("/proc");
    let pids =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
    pids.filter(|pid| *pid != own && is_of(*pid, directory)).collect()
}

fn is_of(pid: Pid, directory: &Path) -> bool {
    let directory = directory.as_os_str().as_bytes();
    let has = |bytes: &[u8]| bytes.windows(directory.len()).any(|window| window == directory);
    let proc = PathBuf::from(format!("/proc/{pid}"));
    let file = |name| fs::read(proc.join(name)).is_ok_and(|bytes| has(&bytes));
    file("environ")
        || file("cmdline")
        || fs::read_link(proc.join("cwd")).is_ok_and(|cwd| has(cwd.as_os_str().as_bytes()))
}

/// How much memory a process has in RAM.
pub(crate) fn resident_bytes(pid: Pid) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).expect("a live process");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
}
