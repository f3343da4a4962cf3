//! A log file that does not grow for ever.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// How large a log file grows; then it is put aside as `NAME.1`, in the place of an older one.
const SIZE_MAX: u64 = 1 << 30;

/// Appends to a file that is put aside at a size. Clones write to the same one.
#[derive(Clone, Debug)]
pub(super) struct LogFile {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    size: u64,
    size_max: u64,
}

impl LogFile {
    /// Opens the file, making its directory if need be.
    pub(super) fn open(path: PathBuf) -> io::Result<LogFile> {
        LogFile::with_size_max(path, SIZE_MAX)
    }

    fn with_size_max(path: PathBuf, size_max: u64) -> io::Result<LogFile> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let file = append_to(&path)?;
        let size = file.metadata()?.len();
        Ok(LogFile { inner: Arc::new(Mutex::new(Inner { path, file, size, size_max })) })
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

impl Inner {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.size >= self.size_max {
            // Where that fails, the file grows on: better than to lose what is to be logged.
            let _ = self.put_aside();
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(line.len())
    }

    fn put_aside(&mut self) -> io::Result<()> {
        let mut aside = self.path.clone().into_os_string();
        aside.push(".1");
        fs::rename(&self.path, aside)?;
        self.file = append_to(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = LogFile;

    fn make_writer(&'a self) -> LogFile {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_put_aside_at_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/test.INFO");
        let mut log = LogFile::with_size_max(path.clone(), 8).unwrap();
        for line in ["first\n", "second\n", "third\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(path.with_extension("INFO.1")).unwrap(), "first\nsecond\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "third\n");
        // What was there before is kept.
        LogFile::with_size_max(path.clone(), 8).unwrap().write_all(b"more\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "third\nmore\n");
    }
}
