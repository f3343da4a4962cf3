//! Whether files have changed.

use std::path::Path;
use std::time::SystemTime;

use super::Settings;

/// What the files of some settings look like from outside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamps([Option<Stamp>; 4]);

/// A file's time and length; a replaced file has another inode.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Stamps {
    pub(super) fn of(settings: &Settings) -> Self {
        let Settings { key_file, cert_file, ca_file, ca_dir, .. } = settings;
        Self([key_file, cert_file, ca_file, ca_dir].map(|path| path.as_deref().and_then(stamp)))
    }
}

/// Follows links, which is how certificates are swapped in one step.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Stamp {
        modified: metadata.modified().ok(),
        length: metadata.len(),
        #[cfg(unix)]
        inode: std::os::unix::fs::MetadataExt::ino(&metadata),
    })
}
