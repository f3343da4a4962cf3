//! Systems that are not Unix.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::process::Command;

use super::Ownership;

/// Opens a file below `root` for reading. Symbolic links need a privilege on these systems, so
/// that tasks cannot plant them.
pub(crate) fn open_beneath(root: &Path, relative: &Path) -> io::Result<File> {
    File::open(root.join(relative))
}

/// Names in a directory: a directory cannot be opened as a file here.
pub(crate) fn names(_directory: File, _count_max: usize) -> io::Result<Vec<OsString>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn ownership(metadata: &Metadata) -> Ownership {
    // Directories and files as Unix tells them apart.
    let mode = if metadata.is_dir() { 0o040_755 } else { 0o100_644 };
    Ownership { mode, links: 1, uid: 0, gid: 0 }
}

pub(crate) fn user_name(_uid: u32) -> Option<String> {
    None
}

pub(crate) fn group_name(_gid: u32) -> Option<String> {
    None
}

pub(crate) fn hostname() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

pub(crate) fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.args(["/C", command]);
    shell
}
