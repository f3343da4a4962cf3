//! The directory that an archive is unpacked into, and what keeps its entries inside.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::{ArchiveError, ArchiveLimits};

const COPY_BUFFER_SIZE: usize = 64 * 1024;

/// Creates entries below a directory, and nowhere else.
pub(super) struct Destination {
    root: PathBuf,
    limits: ArchiveLimits,
    entries: u64,
    bytes: u64,
    /// Modes of directories: set last, since a read-only directory takes no entries.
    modes: Vec<(PathBuf, u32)>,
}

impl Destination {
    pub(super) fn new(directory: &Path, limits: ArchiveLimits) -> Result<Self, ArchiveError> {
        let root = directory.canonicalize().map_err(write_error(directory))?;
        Ok(Self { root, limits, entries: 0, bytes: 0, modes: Vec::new() })
    }

    pub(super) fn directory(&mut self, name: &[u8], mode: Option<u32>) -> Result<(), ArchiveError> {
        self.count()?;
        let Some(path) = self.place(name)? else { return Ok(()) };
        if !path.is_dir() {
            remove_file(&path)?;
            DirBuilder::new().mode(0o755).create(&path).map_err(write_error(&path))?;
        }
        if let Some(mode) = mode {
            self.modes.push((path, mode & 0o777));
        }
        Ok(())
    }

    pub(super) fn file(
        &mut self,
        name: &[u8],
        content: &mut dyn Read,
        mode: u32,
        modified: Option<SystemTime>,
    ) -> Result<(), ArchiveError> {
        self.count()?;
        let path = self.vacate(name)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(write_error(&path))?;
        self.copy(content, &mut file, &path)?;
        file.set_permissions(Permissions::from_mode(mode & 0o777)).map_err(write_error(&path))?;
        if let Some(modified) = modified {
            file.set_modified(modified).map_err(write_error(&path))?;
        }
        Ok(())
    }

    pub(super) fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), ArchiveError> {
        self.count()?;
        if target.is_empty() || target.contains(&0) {
            return Err(refused(name, "it is a link to nothing"));
        }
        let path = self.vacate(name)?;
        symlink(OsStr::from_bytes(target), &path).map_err(write_error(&path))
    }

    /// A second name for an entry that was unpacked before.
    pub(super) fn hard_link(&mut self, name: &[u8], target: &[u8]) -> Result<(), ArchiveError> {
        self.count()?;
        let path = self.place(name)?.ok_or_else(|| refused(name, "it names no file"))?;
        let target = self.place(target)?.ok_or_else(|| refused(name, "it is a link to nothing"))?;
        if path == target {
            return Ok(());
        }
        if !target.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            return Err(refused(name, "it is a hard link to what the archive does not hold"));
        }
        remove_file(&path)?;
        fs::hard_link(&target, &path).map_err(write_error(&path))
    }

    /// Sets the modes of directories, the deepest first.
    pub(super) fn finish(mut self) -> Result<(), ArchiveError> {
        while let Some((path, mode)) = self.modes.pop() {
            // A later entry may have put something else in its place.
            if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(write_error(&path))?;
            }
        }
        Ok(())
    }

    /// Where a file goes, with what lay there removed.
    pub(super) fn vacate(&self, name: &[u8]) -> Result<PathBuf, ArchiveError> {
        let path = self.place(name)?.ok_or_else(|| refused(name, "it names no file"))?;
        remove_file(&path)?;
        Ok(path)
    }

    /// Where an entry goes, its parent directories made; `None` for the directory itself.
    fn place(&self, name: &[u8]) -> Result<Option<PathBuf>, ArchiveError> {
        if name.contains(&0) {
            return Err(refused(name, "its name holds a zero byte"));
        }
        let mut path = self.root.clone();
        let mut components = Path::new(OsStr::from_bytes(name)).components().peekable();
        let mut named = false;
        while let Some(component) = components.next() {
            match component {
                Component::CurDir => continue,
                Component::Normal(part) => path.push(part),
                Component::ParentDir => return Err(refused(name, "its path climbs out with '..'")),
                Component::RootDir | Component::Prefix(_) => {
                    return Err(refused(name, "its path is absolute"));
                }
            }
            named = true;
            if components.peek().is_some() {
                self.enter(name, &path)?;
            }
        }
        Ok(named.then_some(path))
    }

    /// Makes sure that `path` is a directory inside the root.
    fn enter(&self, name: &[u8], path: &Path) -> Result<(), ArchiveError> {
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(found) if found.is_symlink() => match path.canonicalize() {
                Ok(real) if real.starts_with(&self.root) && real.is_dir() => Ok(()),
                Ok(_) | Err(_) => Err(refused(name, "its path leads through a symbolic link to elsewhere")),
            },
            Ok(_) => Err(refused(name, "its path leads through a file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().mode(0o755).create(path).map_err(write_error(path))
            }
            Err(error) => Err(write_error(path)(error)),
        }
    }

    fn copy(&mut self, content: &mut dyn Read, file: &mut File, path: &Path) -> Result<(), ArchiveError> {
        let mut buffer = vec![0; COPY_BUFFER_SIZE];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ArchiveError::Damaged(error.to_string())),
            };
            self.bytes = self.bytes.saturating_add(count as u64);
            if self.bytes > self.limits.bytes_max {
                return Err(ArchiveError::TooLarge(format!("{} bytes", self.limits.bytes_max)));
            }
            let read = buffer.get(..count).unwrap_or_default();
            file.write_all(read).map_err(write_error(path))?;
        }
    }

    fn count(&mut self) -> Result<(), ArchiveError> {
        self.entries += 1;
        if self.entries > self.limits.entries_max {
            return Err(ArchiveError::TooLarge(format!("{} entries", self.limits.entries_max)));
        }
        Ok(())
    }
}

pub(super) fn refused(name: &[u8], problem: &'static str) -> ArchiveError {
    ArchiveError::Refused { entry: String::from_utf8_lossy(name).into_owned(), problem }
}

/// Removes what is in the way of a new entry, without following a link.
fn remove_file(path: &Path) -> Result<(), ArchiveError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |cause| ArchiveError::Write { path, cause }
}
