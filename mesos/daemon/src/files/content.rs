//! The bytes of a file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::FilesError;
use super::table::Located;
use crate::os;

/// How many bytes are read at a time: 16 pages of 4 KB.
pub const READ_BYTES_MAX: u64 = 16 * 4096;

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// How many bytes the whole file has.
    pub size: u64,
    /// The part.
    pub data: Vec<u8>,
}

impl Chunk {
    /// The part as text; what is not UTF-8 in it is replaced.
    ///
    /// A character that the end of the part cuts in two is left for the next part.
    #[must_use]
    pub fn text(&self) -> String {
        let cut = match std::str::from_utf8(&self.data) {
            Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
            _ => self.data.len(),
        };
        String::from_utf8_lossy(&self.data[..cut]).into_owned()
    }
}

/// A regular file that was opened, and its size.
pub(super) fn open(located: &Located, action: &str) -> Result<(File, u64), FilesError> {
    let file = open_any(located)?;
    let metadata = file.metadata().map_err(|error| failed(located, &error))?;
    if metadata.is_dir() {
        return Err(FilesError::Invalid(format!("Cannot {action} a directory.\n")));
    }
    if !metadata.is_file() {
        return Err(FilesError::Invalid(format!("Cannot {action} what is not a regular file.\n")));
    }
    Ok((file, metadata.len()))
}

pub(super) fn open_any(located: &Located) -> Result<File, FilesError> {
    os::open_beneath(&located.root, &located.relative).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FilesError::NotFound,
        _ => failed(located, &error),
    })
}

pub(super) fn read(located: &Located, offset: u64, length: Option<u64>) -> Result<Chunk, FilesError> {
    let (mut file, size) = open(located, "read")?;
    let length = length.unwrap_or(READ_BYTES_MAX).min(READ_BYTES_MAX).min(size.saturating_sub(offset));
    let mut data = Vec::new();
    if length > 0 {
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(length).read_to_end(&mut data));
        read.map_err(|error| failed(located, &error))?;
    }
    Ok(Chunk { size, data })
}

pub(super) fn failed(located: &Located, error: &io::Error) -> FilesError {
    FilesError::Failed(format!("failed to read {}: {error}", located.root.join(&located.relative).display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_that_is_cut_in_two_is_left_for_the_next_part() {
        let text = |data: &[u8]| Chunk { size: 0, data: data.to_vec() }.text();
        assert_eq!(text("aä".as_bytes()), "aä");
        assert_eq!(text(&"aä".as_bytes()[..2]), "a");
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
        // It must not be left for ever.
        assert_eq!(text(b"\xc3"), "\u{fffd}");
        assert_eq!(text(b""), "");
    }
}
