//! Why a process is gone.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::Failure;

/// Why a process is gone, as far as who hears of it can know.
///
/// ```
/// use libprocess::{Exit, Node, Process};
///
/// struct Clumsy;
/// impl Process for Clumsy {}
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let node = Node::builder().start().await.unwrap();
/// let clumsy = node.spawn(Clumsy);
/// clumsy.tell(|_clumsy, cx| cx.fail("the disk is full"));
/// assert_eq!(clumsy.exit().await, Ok(Exit::Failed("the disk is full".into())));
/// # });
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Exit {
    /// It terminated itself, somebody terminated it, or its node shut down.
    Normal,
    /// It [failed](crate::Context::fail).
    Failed(Failure),
    /// It panicked, with this text.
    Panicked(Arc<str>),
    /// It runs on another node, to which the connection broke or could not be made. Whether the process
    /// itself has ended is not known.
    ConnectionLost,
    /// There was no such process when somebody asked for its end.
    NoSuchProcess,
}

impl Exit {
    /// Whether it ended as it was meant to.
    ///
    /// ```
    /// use libprocess::Exit;
    ///
    /// assert!(Exit::Normal.is_normal());
    /// assert!(!Exit::ConnectionLost.is_normal());
    /// ```
    pub fn is_normal(&self) -> bool {
        matches!(self, Self::Normal)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("it terminated"),
            Self::Failed(failure) => failure.fmt(f),
            Self::Panicked(text) => write!(f, "it panicked: {text}"),
            Self::ConnectionLost => f.write_str("the connection to its node is lost"),
            Self::NoSuchProcess => f.write_str("there is no such process"),
        }
    }
}

impl Error for Exit {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(failure) => failure.error().source(),
            _ => None,
        }
    }
}
