//! The temporary directory of a cluster in this process.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

const PREFIX: &str = "mesos-";

/// A file in the directory, locked as long as the directory is in use: the lock ends with the process, however that
/// ends.
const LOCK: &str = "in-use";

/// A directory that goes when this is dropped or, should the process be killed, when the user starts the next one.
pub(crate) struct Temporary {
    // In this order: without the lock it counts as left behind.
    directory: TempDir,
    _lock: File,
}

impl Temporary {
    pub(crate) fn make() -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        remove_abandoned(&parent);
        Self::make_in(&parent).context("cannot make a temporary directory")
    }

    fn make_in(parent: &Path) -> std::io::Result<Self> {
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // It has its name only once it is locked, so that nobody takes the directory for one that was left.
        let new = directory.path().join("new");
        let lock = File::create_new(&new)?;
        lock.lock()?;
        fs::rename(new, directory.path().join(LOCK))?;
        Ok(Self { directory, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes what processes of this user left that were killed. What cannot be removed stays.
fn remove_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            let path = entry.path();
            if let Some(_lock) = abandoned(&path).filter(|_| !in_use(&path)) {
                let _ = fs::remove_dir_all(path);
            }
        }
    }
}

/// The lock of a directory that is ours, and whose process has ended.
fn abandoned(path: &Path) -> Option<File> {
    let directory = fs::symlink_metadata(path).ok()?;
    if !directory.is_dir() || directory.uid() != nix::unistd::geteuid().as_raw() {
        return None;
    }
    let name = path.join(LOCK);
    // Whatever it is, it must neither lead elsewhere nor be waited for.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let lock = OpenOptions::new().read(true).custom_flags(flags).open(&name).ok()?;
    lock.try_lock().ok()?;
    // Another process may have removed it meanwhile.
    let (named, locked) = (fs::symlink_metadata(&name).ok()?, lock.metadata().ok()?);
    (named.is_file() && (named.dev(), named.ino()) == (locked.dev(), locked.ino())).then_some(lock)
}

/// Whether something is mounted there, or a process that was left works there.
fn in_use(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return true };
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else { return true };
    let mounted = |line: &str| line.split(' ').nth(4).is_some_and(|at| Path::new(at).starts_with(&path));
    let Ok(processes) = fs::read_dir("/proc") else { return true };
    let mut directories =
        processes.flatten().filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok());
    mounts.lines().any(mounted) || directories.any(|cwd: PathBuf| cwd.starts_with(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &TempDir) -> Vec<PathBuf> {
        fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn directory_goes_with_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let temporary = Temporary::make_in(parent.path()).unwrap();
        fs::write(temporary.path().join("file"), "").unwrap();
        drop(temporary);
        assert_eq!(names(&parent), Vec::<PathBuf>::new());
    }

    #[test]
    fn only_what_was_left_behind_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let used = Temporary::make_in(parent.path()).unwrap();
        let left = Temporary::make_in(parent.path()).unwrap();
        let Temporary { directory, _lock } = left;
        drop((directory.keep(), _lock));
        let other = parent.path().join("mesos-other");
        fs::create_dir(&other).unwrap();
        assert_eq!(names(&parent).len(), 3);
        remove_abandoned(parent.path());
        let mut expected = vec![used.path().to_owned(), other];
        expected.sort();
        let mut found = names(&parent);
        found.sort();
        assert_eq!(found, expected);
    }
}
