//! Why a file is not shown.

use libprocess::http::Response;

/// Why a file is not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// The request makes no sense, such as to read a directory.
    #[error("{0}")]
    Invalid(String),
    /// There is no such file.
    #[error("no such file")]
    NotFound,
    /// The subject may not read it.
    #[error("not authorized")]
    Forbidden,
    /// It could not be read.
    #[error("{0}")]
    Failed(String),
}

impl From<FilesError> for Response {
    fn from(error: FilesError) -> Response {
        match error {
            FilesError::Invalid(text) => Response::bad_request(text),
            FilesError::NotFound => Response::not_found(),
            FilesError::Forbidden => Response::forbidden(""),
            FilesError::Failed(text) => Response::internal_server_error(text),
        }
    }
}
