//! Zip archives.

use std::fs::File;
use std::io::{BufReader, Read};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::ArchiveError;
use super::destination::{Destination, refused};

/// As on the systems that set such a limit themselves.
const LINK_SIZE_MAX: u64 = 4096;

pub(super) fn unpack(file: File, destination: &mut Destination) -> Result<(), ArchiveError> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    for index in 0..archive.len() {
        unpack_entry(archive.by_index(index).map_err(damaged)?, destination)?;
    }
    Ok(())
}

fn unpack_entry<R: Read>(
    mut entry: ZipFile<'_, R>,
    destination: &mut Destination,
) -> Result<(), ArchiveError> {
    let name = entry.name().map_err(damaged)?.into_owned().into_bytes();
    let mode = entry.unix_mode();
    if entry.is_symlink() {
        let mut target = Vec::new();
        (&mut entry)
            .take(LINK_SIZE_MAX + 1)
            .read_to_end(&mut target)
            .map_err(|error| ArchiveError::Damaged(error.to_string()))?;
        if target.len() as u64 > LINK_SIZE_MAX {
            return Err(refused(&name, "it is a link with an overlong target"));
        }
        destination.symlink(&name, &target)
    } else if entry.is_dir() {
        destination.directory(&name, mode)
    } else {
        destination.file(&name, &mut entry, mode.unwrap_or(0o644), None)
    }
}

fn damaged(error: zip::result::ZipError) -> ArchiveError {
    ArchiveError::Damaged(error.to_string())
}
