//! Tar archives.

use std::io::Read;
use std::time::{Duration, SystemTime};

use tar::{Archive, Entry, EntryType};

use super::ArchiveError;
use super::destination::{Destination, refused};

pub(super) fn unpack(stream: &mut dyn Read, destination: &mut Destination) -> Result<(), ArchiveError> {
    let mut archive = Archive::new(stream);
    for entry in archive.entries().map_err(damaged)? {
        unpack_entry(entry.map_err(damaged)?, destination)?;
    }
    Ok(())
}

fn unpack_entry<R: Read>(mut entry: Entry<'_, R>, destination: &mut Destination) -> Result<(), ArchiveError> {
    let name = entry.path_bytes().into_owned();
    let mode = entry.header().mode().map_err(damaged)?;
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let modified = entry.header().mtime().ok();
            let modified =
                modified.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
            destination.file(&name, &mut entry, mode, modified)
        }
        EntryType::Directory => destination.directory(&name, Some(mode)),
        EntryType::Symlink => {
            let target = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
            destination.symlink(&name, &target)
        }
        EntryType::Link => {
            let target = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
            destination.hard_link(&name, &target)
        }
        EntryType::XGlobalHeader => Ok(()),
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            Err(refused(&name, "it is a device node or a pipe"))
        }
        _ => Err(refused(&name, "its type is not known")),
    }
}

fn damaged(error: std::io::Error) -> ArchiveError {
    ArchiveError::Damaged(error.to_string())
}
