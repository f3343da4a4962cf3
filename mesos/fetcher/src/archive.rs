//! Archives, recognised by name and unpacked without leaving the directory.

mod destination;
mod tarball;
mod zipped;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use destination::Destination;

/// Why an archive was not unpacked, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// An entry would land outside of the directory, or is something that is not unpacked.
    #[error("refused entry '{entry}': {problem}")]
    Refused {
        /// The entry's name.
        entry: String,
        /// Why.
        problem: &'static str,
    },
    /// The archive is damaged, or not what its name says.
    #[error("the archive cannot be read: {0}")]
    Damaged(String),
    /// An entry could not be written.
    #[error("cannot write {}: {cause}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What was found.
        cause: io::Error,
    },
    /// The archive holds more than is unpacked from one archive.
    #[error("the archive holds more than {0}")]
    TooLarge(String),
}

/// How much one archive may unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Files, directories and links.
    pub entries_max: u64,
    /// Bytes of all files together.
    pub bytes_max: u64,
}

impl Default for ArchiveLimits {
    /// A million entries, 256 GB.
    fn default() -> Self {
        Self { entries_max: 1_000_000, bytes_max: 256 << 30 }
    }
}

/// What a file holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tar(Compression),
    Gzip,
    Zip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Bzip2,
    Xz,
}

/// Endings in the order in which they are tried: `.tar.gz` before `.gz`.
const ENDINGS: &[(&str, Kind)] = &[
    (".tar", Kind::Tar(Compression::None)),
    (".tgz", Kind::Tar(Compression::Gzip)),
    (".tar.gz", Kind::Tar(Compression::Gzip)),
    (".tbz2", Kind::Tar(Compression::Bzip2)),
    (".tar.bz2", Kind::Tar(Compression::Bzip2)),
    (".txz", Kind::Tar(Compression::Xz)),
    (".tar.xz", Kind::Tar(Compression::Xz)),
    (".gz", Kind::Gzip),
    (".zip", Kind::Zip),
];

impl Kind {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.as_encoded_bytes();
        ENDINGS.iter().find(|(ending, _)| name.ends_with(ending.as_bytes())).map(|(_, kind)| *kind)
    }
}

/// Unpacks `archive` into `directory`.
///
/// No entry is written outside of `directory`: one whose name is absolute or climbs with `..`, or
/// whose way leads through a symbolic link out of the directory, is refused, and so are device
/// nodes. Symbolic links themselves are unpacked whatever they point to; modes are unpacked
/// without set-user-id, set-group-id and sticky bits; owners are not unpacked.
pub(crate) fn extract(
    kind: Kind,
    archive: &Path,
    directory: &Path,
    limits: ArchiveLimits,
) -> Result<(), ArchiveError> {
    let open = || {
        File::open(archive)
            .map_err(|error| ArchiveError::Damaged(format!("cannot open {}: {error}", archive.display())))
    };
    let mut destination = Destination::new(directory, limits)?;
    match kind {
        Kind::Tar(compression) => tarball::unpack(&mut *decompress(compression, open()?), &mut destination),
        Kind::Gzip => {
            let name = archive.file_stem().unwrap_or(OsStr::new("data"));
            let mut content = decompress(Compression::Gzip, open()?);
            destination.file(name.as_encoded_bytes(), &mut content, 0o644, None)
        }
        Kind::Zip => zipped::unpack(open()?, &mut destination),
    }?;
    destination.finish()
}

/// The path of `file` below `directory`, with the directories above it made and what lay there
/// removed; refuses a way that leads out of `directory`.
pub(crate) fn place(directory: &Path, file: &Path) -> Result<PathBuf, ArchiveError> {
    Destination::new(directory, ArchiveLimits::default())?.vacate(file.as_os_str().as_encoded_bytes())
}

fn decompress(compression: Compression, file: File) -> Box<dyn Read> {
    let file = BufReader::new(file);
    match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
        Compression::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(file)),
        Compression::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(file)),
    }
}

#[cfg(test)]
mod tests;
