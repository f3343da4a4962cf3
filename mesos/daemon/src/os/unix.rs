//! Unix.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};
use std::process::Command;

use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Group, Uid, User};

use super::Ownership;

/// Opens a file or directory below `root` for reading, following no symbolic link on the way, and
/// not waiting for the other end of a pipe.
pub(crate) fn open_beneath(root: &Path, relative: &Path) -> io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut opened = open(root, flags, Mode::empty())?;
    for component in relative.components() {
        let Component::Normal(name) = component else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        opened = openat(&opened, name, flags, Mode::empty())?;
    }
    Ok(opened.into())
}

/// Names in a directory, at most so many, in the directory's own order.
pub(crate) fn names(directory: File, count_max: usize) -> io::Result<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStringExt;

    let mut directory = nix::dir::Dir::from_fd(directory.into())?;
    let mut names = Vec::new();
    for entry in directory.iter() {
        let name = entry?.file_name().to_bytes().to_vec();
        if name == b"." || name == b".." {
            continue;
        }
        if names.len() == count_max {
            break;
        }
        names.push(std::ffi::OsString::from_vec(name));
    }
    Ok(names)
}

pub(crate) fn ownership(metadata: &Metadata) -> Ownership {
    Ownership { mode: metadata.mode(), links: metadata.nlink(), uid: metadata.uid(), gid: metadata.gid() }
}

/// The name of a user, if it has one.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    User::from_uid(Uid::from_raw(uid)).ok()?.map(|user| user.name)
}

/// The name of a group, if it has one.
pub(crate) fn group_name(gid: u32) -> Option<String> {
    Group::from_gid(Gid::from_raw(gid)).ok()?.map(|group| group.name)
}

/// The name the machine has for itself.
pub(crate) fn hostname() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok().filter(|name| !name.is_empty())
}

/// A command line, to be run by the shell.
pub(crate) fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    shell
}
