//! What a process keeps for its next start: a few operations on files, and a seam for a disk that a test
//! makes up.
//!
//! A process that takes a [`Disk`] instead of a path can run on a [`Directory`] of the machine, and in
//! a simulation on a disk that forgets in a crash all that was not synced. The operations are those whose
//! durability has to be thought about, and no more:
//!
//! * What was [written](Disk::write) or [appended](Disk::append) survives a crash once the file was
//!   [synced](Disk::sync).
//! * That a file exists, under which name, or does not any more, survives once its directory
//!   [was](Disk::sync_dir). A [rename](Disk::rename) is seen wholly or not at all.
//!
//! Names are relative, with `/` between their parts, and directories are made as they are needed. The
//! operations block: where that matters, they belong into
//! [`Context::run_blocking`](crate::Context::run_blocking).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

/// Where files are kept.
///
/// ```
/// use libprocess::disk::{Directory, Disk};
///
/// # fn main() -> std::io::Result<()> {
/// # let directory = tempfile::tempdir()?;
/// let disk = Directory::new(directory.path());
/// disk.replace("meta/epoch", b"7")?;
/// assert_eq!(disk.read("meta/epoch")?, b"7");
/// disk.append("log", b"one\n")?;
/// disk.sync("log")?;
/// disk.sync_dir("")?; // Else the new file may be gone after a crash.
/// assert_eq!(disk.list("")?, ["log", "meta"]);
/// # Ok(()) }
/// ```
pub trait Disk: Send + Sync + 'static {
    /// The contents of a file.
    ///
    /// # Errors
    ///
    /// As of all operations here: those of the system, and what concerns a name that is empty, absolute or
    /// climbs upwards.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Makes a file have these contents and no others.
    ///
    /// # Errors
    ///
    /// See [`Disk::read`].
    fn write(&self, name: &str, contents: &[u8]) -> io::Result<()>;

    /// Adds to the end of a file, which is made if there is none.
    ///
    /// # Errors
    ///
    /// See [`Disk::read`].
    fn append(&self, name: &str, contents: &[u8]) -> io::Result<()>;

    /// Makes the contents of a file survive a crash.
    ///
    /// # Errors
    ///
    /// See [`Disk::read`]. What was written before may be lost then, even if a later call succeeds.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// Gives a file another name, taking the place of the file that has it.
    ///
    /// # Errors
    ///
    /// See [`Disk::read`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// See [`Disk::read`].
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names in a directory, or in the topmost if it is empty, survive a crash.
    ///
    /// # Errors
    ///
    /// See [`Disk::read`].
    fn sync_dir(&self, directory: &str) -> io::Result<()>;

    /// What is in a directory, or in the topmost if it is empty: the names of files and directories, sorted.
    /// A directory that does not exist holds nothing.
    ///
    /// # Errors
    ///
    /// See [`Disk::read`].
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;

    /// Makes a file have these contents for good: after a crash it has them, or those from before.
    ///
    /// # Errors
    ///
    /// See [`Disk::read`].
    fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let new = format!("{name}.new");
        self.write(&new, contents)?;
        self.sync(&new)?;
        self.rename(&new, name)?;
        self.sync_dir(parent(name))
    }
}

/// The directory of a file.
pub fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Checks a name as all disks must.
///
/// # Errors
///
/// Fails with [`io::ErrorKind::InvalidInput`] for one that is empty, absolute, or has empty parts or such as
/// `..`.
pub fn check_name(name: &str) -> io::Result<()> {
    let plain = |part: &str| matches!(part, "" | "." | "..") || part.contains(['\\', '\0']);
    let path_is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if name.split('/').any(plain) || !path_is_plain {
        let text = format!("'{name}' is not the name of a file: it must be relative, without '..'");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(())
}

/// Files below a directory of the machine.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The files below a directory, which is made when something is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        check_name(name)?;
        Ok(self.root.join(name))
    }

    fn directory(&self, name: &str) -> io::Result<PathBuf> {
        if name.is_empty() { Ok(self.root.clone()) } else { self.path(name) }
    }

    /// Does something that needs the directory of a file, which it makes durably if it is not there.
    fn in_parent<T>(&self, path: &Path, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_dirs(path.parent().unwrap_or(&self.root))?;
                act()
            }
            result => result,
        }
    }
}

/// Makes a directory and those above it, and has all of them survive a crash.
fn make_dirs(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_dirs(above)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_directory(above)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened, and its names are durable by themselves.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

impl Disk for Directory {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(name)?)
    }

    fn write(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        self.in_parent(&path, || fs::write(&path, contents))
    }

    fn append(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let mut file = self.in_parent(&path, || OpenOptions::new().append(true).create(true).open(&path))?;
        file.write_all(contents)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        OpenOptions::new().append(true).open(self.path(name)?)?.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        if from.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "only files are renamed"));
        }
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && from.exists() => {
                make_dirs(to.parent().unwrap_or(&self.root))?;
                fs::rename(&from, &to)
            }
            result => result,
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name)?)
    }

    fn sync_dir(&self, directory: &str) -> io::Result<()> {
        sync_directory(&self.directory(directory)?)
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.directory(directory)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        // What others have put there under names that are not text cannot be asked for here.
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        let names: io::Result<Vec<Option<String>>> = names.collect();
        let mut names: Vec<String> = names?.into_iter().flatten().collect();
        names.sort_unstable();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Directory::new(directory.path().join("root"));
        for name in ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "a\0"] {
            for result in [disk.write(name, b"x"), disk.rename("a", name), disk.read(name).map(drop)] {
                assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name:?}");
            }
        }
        assert!(!directory.path().join("a").exists());
    }

    #[test]
    fn directories_are_made_as_they_are_needed() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Directory::new(directory.path().join("deep/root"));
        assert_eq!(disk.list("").unwrap(), Vec::<String>::new());
        disk.append("a/b/one", b"1").unwrap();
        disk.append("a/b/one", b"2").unwrap();
        disk.sync("a/b/one").unwrap();
        disk.rename("a/b/one", "c/two").unwrap();
        disk.sync_dir("c").unwrap();
        assert_eq!(disk.read("c/two").unwrap(), b"12");
        assert_eq!(disk.list("a/b").unwrap(), Vec::<String>::new());
        disk.write("c/two", b"x").unwrap();
        disk.replace("c/three", b"3").unwrap();
        assert_eq!(disk.list("c").unwrap(), ["three", "two"]);
        disk.remove("c/two").unwrap();
        assert_eq!(disk.read("c/two").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(disk.rename("a", "z").is_err());
    }
}
