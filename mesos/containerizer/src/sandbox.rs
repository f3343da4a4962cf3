//! Making the directories that containers work in.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, User, fchown, geteuid, symlinkat, unlinkat};

/// The user that gets a sandbox: nobody in particular unless we are root.
fn owner(user: Option<&str>) -> io::Result<Option<(Uid, Gid)>> {
    let Some(name) = user.filter(|_| geteuid().is_root()) else { return Ok(None) };
    match User::from_name(name)? {
        Some(user) => Ok(Some((user.uid, user.gid))),
        None => Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no user '{name}'"))),
    }
}

fn give(directory: &OwnedFd, owner: Option<(Uid, Gid)>) -> io::Result<()> {
    match owner {
        Some((user, group)) => Ok(fchown(directory, Some(user), Some(group))?),
        None => Ok(()),
    }
}

const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Makes the sandbox of a root container and all directories above it.
pub(crate) fn create(path: &Path, user: Option<&str>) -> io::Result<()> {
    let owner = owner(user)?;
    std::fs::create_dir_all(path)?;
    give(&open(path, DIRECTORY, Mode::empty())?, owner)
}

/// Makes `containers/<name>` in a parent's sandbox, where a user may have planted anything: no
/// symbolic link is followed.
pub(crate) fn create_nested(parent: &Path, name: &str, user: Option<&str>) -> io::Result<()> {
    let owner = owner(user)?;
    let containers = enter(&open(parent, DIRECTORY, Mode::empty())?, "containers")?;
    give(&enter(&containers, name)?, owner)
}

fn enter(parent: &OwnedFd, name: impl AsRef<OsStr>) -> io::Result<OwnedFd> {
    let name = name.as_ref();
    match mkdirat(parent, name, Mode::from_bits_truncate(0o755)) {
        Ok(()) | Err(Errno::EEXIST) => Ok(openat(parent, name, DIRECTORY, Mode::empty())?),
        Err(error) => Err(error.into()),
    }
}

/// Makes `path` in a sandbox lead to `target`, with the directories above it made. Done already is
/// as good; anything else in the place is an error.
pub(crate) fn link(sandbox: &Path, path: &Path, target: &Path, user: Option<&str>) -> io::Result<()> {
    let owner = owner(user)?;
    let (parents, name) = names(path)?;
    let mut directory = open(sandbox, DIRECTORY, Mode::empty())?;
    for parent in parents {
        directory = enter(&directory, parent)?;
        give(&directory, owner)?;
    }
    match symlinkat(target, &directory, name) {
        Err(Errno::EEXIST) if readlinkat(&directory, name).is_ok_and(|found| found == target.as_os_str()) => {
            Ok(())
        }
        result => Ok(result?),
    }
}

/// Takes away what [`link`] has made, but for the directories above it; whatever else is in its place
/// stays.
pub(crate) fn unlink(sandbox: &Path, path: &Path, target: &Path) -> io::Result<()> {
    let (parents, name) = names(path)?;
    let mut directory = match open(sandbox, DIRECTORY, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(()),
        found => found?,
    };
    for parent in parents {
        directory = match openat(&directory, parent, DIRECTORY, Mode::empty()) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(()),
            found => found?,
        };
    }
    match readlinkat(&directory, name) {
        Ok(found) if found == target.as_os_str() => {
            Ok(unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir)?)
        }
        _ => Ok(()),
    }
}

/// The names of a path in a sandbox: those of the directories, and the last.
fn names(path: &Path) -> io::Result<(Vec<&OsStr>, &OsStr)> {
    let invalid = |text: &str| io::Error::new(io::ErrorKind::InvalidInput, text);
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            _ => return Err(invalid("it is not a path within the sandbox")),
        }
    }
    let name = names.pop().ok_or_else(|| invalid("it is an empty path"))?;
    Ok((names, name))
}

/// Removes `containers/<name>` from a parent's sandbox, if that is a directory and no link leads
/// there.
pub(crate) fn remove_nested(parent: &Path, name: &str) -> io::Result<()> {
    let containers = parent.join("containers");
    match open(&containers, DIRECTORY, Mode::empty()) {
        Ok(directory) => {
            let found = nix::sys::stat::fstatat(&directory, name, AtFlags::AT_SYMLINK_NOFOLLOW);
            if matches!(found, Err(Errno::ENOENT)) {
                return Ok(());
            }
            // Below the opened directory, whatever has become of its name.
            let held = File::from(directory);
            let path = format!("/proc/self/fd/{}/{name}", std::os::fd::AsRawFd::as_raw_fd(&held));
            stout::fs::remove_dir(path)
        }
        Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn nested_sandbox_is_made_and_removed() {
        let parent = tempfile::tempdir().unwrap();
        create_nested(parent.path(), "a", None).unwrap();
        create_nested(parent.path(), "a", None).unwrap();
        let path = parent.path().join("containers/a");
        std::fs::write(path.join("file"), "x").unwrap();
        remove_nested(parent.path(), "a").unwrap();
        remove_nested(parent.path(), "a").unwrap();
        assert!(!path.exists() && parent.path().join("containers").exists());
    }

    #[test]
    fn planted_links_are_not_followed() {
        let (parent, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(outside.path().join("a")).unwrap();
        symlink(outside.path(), parent.path().join("containers")).unwrap();
        assert!(create_nested(parent.path(), "a", None).is_err());
        assert!(remove_nested(parent.path(), "a").is_err());
        assert!(outside.path().join("a").exists());
    }

    #[test]
    fn links_are_made_within_the_sandbox_only() {
        let (sandbox, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let make = |path: &str, target: &Path| link(sandbox.path(), Path::new(path), target, None);
        for _ in 0..2 {
            make("a/./b", outside.path()).unwrap();
        }
        assert_eq!(std::fs::read_link(sandbox.path().join("a/b")).unwrap(), outside.path());
        assert!(make("a/b", Path::new("/other")).is_err());
        for path in ["a/b/c", "../x", "/x", ""] {
            assert!(make(path, outside.path()).is_err(), "{path}");
        }
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn unknown_user_is_refused_by_root_and_of_no_matter_to_others() {
        let directory = tempfile::tempdir().unwrap();
        let made = create(&directory.path().join("a/b"), Some("no-such-user"));
        assert_eq!(made.is_err(), geteuid().is_root());
    }

    /// Needs root; says so when it is not.
    #[test]
    fn sandbox_belongs_to_its_user_as_root() {
        if !geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        create(&directory.path().join("a/b"), Some("nobody")).unwrap();
        let nobody = User::from_name("nobody").unwrap().unwrap().uid.as_raw();
        assert_eq!(directory.path().join("a/b").metadata().unwrap().uid(), nobody);
        assert_eq!(directory.path().join("a").metadata().unwrap().uid(), 0);
    }
}
