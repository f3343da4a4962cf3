//! Files that survive a crash.
//!
//! Every error keeps its [`io::ErrorKind`] and says in its text what was done to which path.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::os;

/// Replaces the file's content so that after a crash either the old or the new content is
/// there, and after success the new one is.
///
/// The bytes go to a temporary file in the same directory, which then takes the file's name.
///
/// # Errors
///
/// The directory does not exist or cannot be written. The old content is then untouched, unless it
/// is only the last step that fails: then the new content is there, and a crash may undo that.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    let (temporary, file) = create_beside(path)?;
    write_and_rename(file, &temporary, path, bytes).inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    })?;
    sync_parent(path)
}

fn write_and_rename(mut file: File, temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(told("write", temporary))?;
    drop(file);
    fs::rename(temporary, path).map_err(told("replace", path))
}

/// A new file beside the other. A name may be taken: by what a process left behind when it crashed,
/// that had the same id as we have.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let temporary = temporary_beside(path).map_err(told("find a temporary name for", path))?;
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(told("create", &temporary)(error)),
        }
    }
}

/// A name that no other writer of this process uses, and no other process that runs beside it.
fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.{counter}.tmp", std::process::id()));
    Ok(path.with_file_name(temporary))
}

/// Adds the bytes at the end of the file, creating it if need be, and waits until they are on
/// disk.
///
/// # Errors
///
/// The file cannot be created or written. Part of the bytes may then be in the file: what is
/// read back must tell a torn tail from a whole record.
pub fn append(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    let existed = path.exists();
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(told("open", path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(told("append to", path))?;
    if existed { Ok(()) } else { sync_parent(path) }
}

/// Reads the whole file, or `None` when there is none.
///
/// # Errors
///
/// The file is there and cannot be read.
pub fn read_if_exists(path: impl AsRef<Path>) -> io::Result<Option<Vec<u8>>> {
    let path = path.as_ref();
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(told("read", path)(error)),
    }
}

/// Reads the whole file as text, refusing one of more than `size_max` bytes.
///
/// # Errors
///
/// The file cannot be read, is larger, or is not UTF-8.
pub fn read_text(path: impl AsRef<Path>, size_max: u64) -> io::Result<String> {
    let path = path.as_ref();
    let read = || {
        let mut text = String::new();
        File::open(path)?.take(size_max.saturating_add(1)).read_to_string(&mut text)?;
        if text.len() as u64 > size_max {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it is larger than {size_max} bytes"),
            ));
        }
        Ok(text)
    };
    read().map_err(told("read", path))
}

/// Creates the directory and those above it, and waits until its entry is on disk.
///
/// # Errors
///
/// A directory cannot be created, or a part of the path is a file.
pub fn create_dir_durable(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir_durable(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(told("create directory", path)(error)),
        Ok(()) => sync_parent(path),
    }
}

/// Removes the directory and all below it; one that is not there is no error. Symbolic links
/// are removed, not followed.
///
/// # Errors
///
/// Something in it cannot be removed.
pub fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    absent_is_fine(path.as_ref(), "remove directory", |path| fs::remove_dir_all(path))
}

/// Removes the file; one that is not there is no error.
///
/// # Errors
///
/// The file cannot be removed.
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    absent_is_fine(path.as_ref(), "remove", |path| fs::remove_file(path))
}

fn absent_is_fine(
    path: &Path,
    action: &'static str,
    run: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<()> {
    match run(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(told(action, path)(error)),
        _ => Ok(()),
    }
}

/// Waits until the directory's entries are on disk: names given, changed and removed.
///
/// # Errors
///
/// The directory is not there or the disk refuses.
pub fn sync_dir(path: impl AsRef<Path>) -> io::Result<()> {
    os::sync_dir(path.as_ref()).map_err(told("sync directory", path.as_ref()))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => sync_dir("."),
    }
}

/// Puts what was tried on what in front of the error's text.
fn told(action: &'static str, path: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("failed to {action} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        write_atomic(&path, b"first and longer").unwrap();
        write_atomic(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_names_the_path_and_keeps_the_kind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("no/such/dir/state");
        let error = write_atomic(&path, b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("no/such/dir"), "{error}");
        assert!(write_atomic("/", b"x").is_err());
    }

    #[test]
    fn a_failed_replacement_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        fs::create_dir(&path).unwrap();
        write_atomic(&path, b"x").unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// Where there are few processes, such as in a container, ids come again.
    #[test]
    fn temporary_files_of_a_crashed_process_with_our_id_are_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        for counter in 0..1000 {
            fs::write(dir.path().join(format!(".state.{}.{counter}.tmp", std::process::id())), "old")
                .unwrap();
        }
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1001);
    }

    #[test]
    fn appended_bytes_follow_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        append(&path, b"a").unwrap();
        append(&path, b"b").unwrap();
        assert_eq!(read_if_exists(&path).unwrap().as_deref(), Some(&b"ab"[..]));
    }

    #[test]
    fn what_is_absent_is_read_and_removed_without_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("absent");
        assert_eq!(read_if_exists(&path).unwrap(), None);
        remove_file(&path).unwrap();
        remove_dir(&path).unwrap();
    }

    #[test]
    fn directories_are_created_with_those_above() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/c");
        create_dir_durable(&path).unwrap();
        create_dir_durable(&path).unwrap();
        assert!(path.is_dir());
        fs::write(path.join("file"), b"").unwrap();
        assert!(create_dir_durable(path.join("file/below")).is_err());
        remove_dir(dir.path().join("a")).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn text_beyond_the_bound_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        assert_eq!(read_text(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
