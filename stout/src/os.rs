//! What differs between operating systems.

use std::io;
use std::path::Path;

/// Waits until the directory's entries are on disk.
#[cfg(unix)]
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// Windows has no handle of a directory to flush: its journal orders renames by itself.
#[cfg(not(unix))]
pub(crate) fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}
