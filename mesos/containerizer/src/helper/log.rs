//! A sandbox file that holds the end of a stream, within a bound.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, fchown};

const BUFFER_SIZE: usize = 64 * 1024;

/// Whom the files belong to, if not to this process's user.
pub(super) type Owner = Option<(Uid, Gid)>;

/// Writes `<name>`, and renames it to `<name>.1` when it would exceed its bound.
///
/// The directory belongs to the container's user, who may put anything in the place of the file.
/// So it is looked up once, and no symbolic link in it is ever followed.
pub(super) struct Log {
    directory: OwnedFd,
    name: &'static str,
    size_max: Option<u64>,
    owner: Owner,
    file: File,
    size: u64,
}

impl Log {
    pub(super) fn open(
        directory: &Path,
        name: &'static str,
        size_max: Option<u64>,
        owner: Owner,
    ) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let directory = open(directory, flags, Mode::empty())?;
        let file = create(&directory, name, owner)?;
        let size = file.metadata()?.len();
        Ok(Self { directory, name, size_max, owner, file, size })
    }

    /// Takes all of a stream. What cannot be written is dropped, so that the writer of the stream
    /// does not stop because of a full disk.
    pub(super) fn pump(mut self, mut stream: impl Read) {
        let mut buffer = vec![0; BUFFER_SIZE];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => {
                    let _ = self.append(buffer.get(..count).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        if self.size > 0 && self.size_max.is_some_and(|size_max| self.size.saturating_add(length) > size_max)
        {
            self.rotate()?;
        }
        self.file.write_all(bytes)?;
        self.size = self.size.saturating_add(length);
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let rotated = format!("{}.1", self.name);
        match renameat(&self.directory, self.name, &self.directory, rotated.as_str()) {
            // The user has removed the file, which is as good.
            Ok(()) | Err(nix::errno::Errno::ENOENT) => {}
            // A directory is in the way: the file starts over.
            Err(_) => {
                self.file.set_len(0)?;
                self.size = 0;
                return Ok(());
            }
        }
        self.file = create(&self.directory, self.name, self.owner)?;
        self.size = self.file.metadata()?.len();
        Ok(())
    }
}

fn create(directory: &OwnedFd, name: &str, owner: Owner) -> io::Result<File> {
    // O_NONBLOCK: a pipe in the place of the file must not hold us up. It means nothing to a file.
    let flags = OFlag::O_WRONLY
        | OFlag::O_CREAT
        | OFlag::O_APPEND
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR | Mode::S_IRGRP | Mode::S_IROTH;
    let file = File::from(openat(directory, name, flags, mode)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("'{name}' is not a regular file")));
    }
    if let Some((user, group)) = owner {
        fchown(&file, Some(user), Some(group))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn file_stays_within_its_bound_and_one_older_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = Log::open(directory.path(), "stdout", Some(10), None).unwrap();
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap_or_default();
        log.append(b"12345").unwrap();
        log.append(b"67890").unwrap();
        assert_eq!((read("stdout").as_str(), read("stdout.1").as_str()), ("1234567890", ""));
        log.append(b"abc").unwrap();
        assert_eq!((read("stdout").as_str(), read("stdout.1").as_str()), ("abc", "1234567890"));
        log.append(b"longer than the bound").unwrap();
        assert_eq!((read("stdout").as_str(), read("stdout.1").as_str()), ("longer than the bound", "abc"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn pump_takes_all_and_goes_on_where_the_file_ends() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["first\n", "second\n"] {
            Log::open(directory.path(), "stderr", None, None).unwrap().pump(text.as_bytes());
        }
        assert_eq!(fs::read_to_string(directory.path().join("stderr")).unwrap(), "first\nsecond\n");
    }

    #[test]
    fn planted_links_and_pipes_are_not_written_through() {
        let (directory, outside) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
        symlink(outside.path(), directory.path().join("stdout")).unwrap();
        assert!(Log::open(directory.path(), "stdout", None, None).is_err());
        nix::unistd::mkfifo(&directory.path().join("stderr"), Mode::S_IRWXU).unwrap();
        assert!(Log::open(directory.path(), "stderr", None, None).is_err());

        let mut log = Log::open(directory.path(), "other", Some(4), None).unwrap();
        log.append(b"1234").unwrap();
        fs::remove_file(directory.path().join("other")).unwrap();
        symlink(outside.path(), directory.path().join("other")).unwrap();
        // The link is renamed away like the file would have been.
        log.append(b"5678").unwrap();
        assert_eq!(fs::read_to_string(outside.path()).unwrap(), "");
        assert_eq!(fs::read_to_string(directory.path().join("other")).unwrap(), "5678");
    }
}
