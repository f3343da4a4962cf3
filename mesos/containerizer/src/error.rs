//! What can go wrong with a container.

use std::io;
use std::path::PathBuf;

use libprocess::FutureError;

/// Why something could not be done to a container.
///
/// The futures of [`Containerizer`](crate::Containerizer) fail with it: see [`ContainerError::of`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The id breaks a rule.
    #[error("invalid container id '{id}': {problem}")]
    InvalidId {
        /// The id as given.
        id: String,
        /// The rule.
        problem: &'static str,
    },
    /// There is no such container.
    #[error("unknown container {id}")]
    Unknown {
        /// The container.
        id: String,
    },
    /// The parent of a nested container is not there.
    #[error("cannot launch container {id}: its parent is unknown")]
    UnknownParent {
        /// The nested container.
        id: String,
    },
    /// The parent of a nested container is being destroyed.
    #[error("cannot launch container {id}: its parent is being destroyed")]
    ParentEnding {
        /// The nested container.
        id: String,
    },
    /// The container has not ended.
    #[error("container {id} is still running")]
    Running {
        /// The container.
        id: String,
    },
    /// The container was destroyed before its command started.
    #[error("container {id} was destroyed while it was being launched")]
    Destroyed {
        /// The container.
        id: String,
    },
    /// Something was asked for that this containerizer cannot do.
    #[error("cannot launch container {id}: {what}")]
    Unsupported {
        /// The container.
        id: String,
        /// What was asked for.
        what: String,
    },
    /// A URI of the command breaks a rule.
    #[error("cannot launch container {id}: {cause}")]
    Fetch {
        /// The container.
        id: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A file or directory of the container could not be read or written.
    #[error("failed to {doing} {}: {cause}", path.display())]
    File {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What was found.
        cause: io::Error,
    },
    /// The parent process of the container could not be started.
    #[error("failed to start container {id} with helper {}: {cause}", program.display())]
    Helper {
        /// The container.
        id: String,
        /// The helper.
        program: PathBuf,
        /// What was found.
        cause: io::Error,
    },
    /// The parent process of the container could not bring the command to run: a URI could not be
    /// fetched, a user is not there.
    #[error("failed to launch container {id}: {problem}")]
    Launch {
        /// The container.
        id: String,
        /// Why.
        problem: String,
    },
    /// What the container may use could not be changed.
    #[error("failed to update container {id}: {problem}")]
    Update {
        /// The container.
        id: String,
        /// Why.
        problem: String,
    },
    /// Processes of the container could not be ended.
    #[error("failed to destroy container {id}: {problem}")]
    Undead {
        /// The container.
        id: String,
        /// What is left.
        problem: String,
    },
}

impl ContainerError {
    /// Why, the cause first: for those who know what was attempted and on which container.
    ///
    /// ```
    /// use mesos_containerizer::ContainerError;
    ///
    /// let cause = std::io::Error::other("there is no user 'web'");
    /// let error = ContainerError::File { doing: "create the sandbox", path: "/s".into(), cause };
    /// assert_eq!(error.to_string(), "failed to create the sandbox /s: there is no user 'web'");
    /// assert_eq!(error.cause_first(), "there is no user 'web' (while trying to create the sandbox /s)");
    /// ```
    pub fn cause_first(&self) -> String {
        match self {
            Self::File { doing, path, cause } => {
                format!("{cause} (while trying to {doing} {})", path.display())
            }
            Self::Launch { problem: cause, .. }
            | Self::Fetch { cause, .. }
            | Self::Unsupported { what: cause, .. } => cause.clone(),
            Self::Helper { program, cause, .. } => {
                format!("{cause} (while starting the helper {})", program.display())
            }
            error => error.to_string(),
        }
    }

    /// The container error that a future of this crate failed with.
    ///
    /// ```
    /// use libprocess::{Future, FutureError};
    /// use mesos_containerizer::ContainerError;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let failed = Future::<()>::failed(ContainerError::Unknown { id: "c1".into() });
    /// let error = failed.await.unwrap_err();
    /// assert!(matches!(ContainerError::of(&error), Some(ContainerError::Unknown { .. })));
    /// # });
    /// ```
    pub fn of(error: &FutureError) -> Option<&Self> {
        match error {
            FutureError::Failed(failure) => failure.error().downcast_ref(),
            FutureError::Discarded | FutureError::Abandoned => None,
        }
    }
}
