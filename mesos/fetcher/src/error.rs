//! Why something could not be fetched.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::archive::ArchiveError;

/// Why a URI could not be fetched, or what was fetched could not be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The URI, or the file name that goes with it, breaks a rule.
    #[error("failed to fetch '{uri}': {problem}")]
    Invalid {
        /// The URI.
        uri: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A local file could not be copied.
    #[error("failed to fetch '{uri}': cannot copy {} to {}: {cause}", from.display(), to.display())]
    Copy {
        /// The URI.
        uri: String,
        /// The file.
        from: PathBuf,
        /// Its place in the sandbox.
        to: PathBuf,
        /// What was found.
        cause: io::Error,
    },
    /// The server could not be reached, or the transfer broke.
    #[error("failed to fetch '{uri}': {cause}")]
    Download {
        /// The URI.
        uri: String,
        /// What was found.
        cause: String,
    },
    /// The server answered with something else than the file.
    #[error("failed to fetch '{uri}': the server answered {code}, not 200")]
    Status {
        /// The URI.
        uri: String,
        /// The status code.
        code: u16,
    },
    /// Nothing arrived for too long.
    #[error("failed to fetch '{uri}': nothing arrived for {timeout:?}")]
    Stalled {
        /// The URI.
        uri: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// The sandbox could not be written.
    #[error("failed to fetch '{uri}': cannot write {}: {cause}", path.display())]
    Write {
        /// The URI.
        uri: String,
        /// The file or directory.
        path: PathBuf,
        /// What was found.
        cause: io::Error,
    },
    /// What was fetched could not be unpacked.
    #[error("failed to fetch '{uri}': cannot extract {}: {cause}", path.display())]
    Extract {
        /// The URI.
        uri: String,
        /// The archive.
        path: PathBuf,
        /// What was found.
        cause: ArchiveError,
    },
    /// The sandbox could not be given to its user.
    #[error("failed to give {} to user '{user}': {cause}", path.display())]
    Chown {
        /// The file or directory.
        path: PathBuf,
        /// Whom it should belong to.
        user: String,
        /// What was found.
        cause: io::Error,
    },
}
