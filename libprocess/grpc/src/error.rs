//! What can be wrong with a channel or a server before any call.

use std::fmt;

/// Why there is no channel to a target.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChannelError {
    /// The text names no server.
    Target {
        /// The text.
        target: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificates or keys cannot be used.
    Tls(String),
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target { target, reason } => {
                write!(f, "'{target}' is no address of a gRPC server: {reason}")
            }
            Self::Tls(reason) => write!(f, "TLS for gRPC cannot be set up: {reason}"),
        }
    }
}

impl std::error::Error for ChannelError {}

/// Why a server does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// The address cannot be listened at.
    Bind {
        /// The address, or the path of the socket.
        address: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The certificates or keys cannot be used.
    Tls(String),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { address, error } => write!(f, "cannot serve gRPC at {address}: {error}"),
            Self::Tls(reason) => write!(f, "TLS for gRPC cannot be set up: {reason}"),
        }
    }
}

impl std::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { error, .. } => Some(error),
            Self::Tls(_) => None,
        }
    }
}
