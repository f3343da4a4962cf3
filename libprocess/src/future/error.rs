//! How a future can end without a value.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why an operation failed: the text for the person who reads it, or the error behind it.
#[derive(Clone)]
pub struct Failure(Arc<dyn Error + Send + Sync>);

impl Failure {
    /// The error behind the failure.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into().into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

/// How a [`Future`](crate::Future) ended, when it has no value.
#[derive(Debug, Clone, PartialEq)]
pub enum FutureError {
    /// The operation failed.
    Failed(Failure),
    /// The producer stopped because it was asked to.
    Discarded,
    /// The producer is gone; nobody will ever answer.
    Abandoned,
}

impl fmt::Display for FutureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Discarded => f.write_str("the operation was discarded"),
            Self::Abandoned => f.write_str("the operation was abandoned by its producer"),
        }
    }
}

impl Error for FutureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(failure) => failure.0.source(),
            Self::Discarded | Self::Abandoned => None,
        }
    }
}
