//! What can go wrong with a request to another server.

use std::error::Error;
use std::fmt;

use hyper::Method;

type Source = Box<dyn Error + Send + Sync>;

/// Why there is no answer from a server, or not all of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The URL cannot be used.
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it, unless it is just not an `http` or `https` one.
        source: Option<Source>,
    },
    /// There is no connection to the server.
    Connect {
        /// The URL that was asked for.
        url: String,
        /// What failed.
        source: Source,
    },
    /// The connection broke before the head of the answer had come.
    Request {
        /// The method of the request.
        method: Method,
        /// The URL of the request.
        url: String,
        /// What failed.
        source: Source,
    },
    /// The connection broke before the whole body of the answer had come.
    Body {
        /// The method of the request.
        method: Method,
        /// The URL of the request.
        url: String,
        /// What failed.
        source: Source,
    },
    /// The body of the answer is longer than what was asked for.
    TooLong {
        /// The method of the request.
        method: Method,
        /// The URL of the request.
        url: String,
        /// How many bytes would have been taken.
        bytes_max: usize,
    },
}

impl ClientError {
    pub(super) fn url(url: &str, source: impl Into<Source>) -> Self {
        Self::Url { url: url.to_owned(), source: Some(source.into()) }
    }

    pub(super) fn not_http(url: &str) -> Self {
        Self::Url { url: url.to_owned(), source: None }
    }

    pub(super) fn connect(url: &str, source: impl Into<Source>) -> Self {
        Self::Connect { url: url.to_owned(), source: source.into() }
    }

    pub(super) fn request(method: &Method, url: &str, source: impl Into<Source>) -> Self {
        Self::Request { method: method.clone(), url: url.to_owned(), source: source.into() }
    }

    /// Whether the request was certainly not sent, so that sending it again does it once.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::Url { .. } | Self::Connect { .. })
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, .. } => write!(formatter, "'{url}' is not an http or https URL"),
            Self::Connect { url, .. } => write!(formatter, "failed to connect for {url}"),
            Self::Request { method, url, .. } => {
                write!(formatter, "{method} {url} got no answer")
            }
            Self::Body { method, url, .. } => {
                write!(formatter, "failed to read the answer to {method} {url}")
            }
            Self::TooLong { method, url, bytes_max } => {
                write!(formatter, "the answer to {method} {url} is longer than {bytes_max} bytes")
            }
        }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url { source, .. } => source.as_deref().map(|source| source as _),
            Self::Connect { source, .. } | Self::Request { source, .. } | Self::Body { source, .. } => {
                Some(&**source)
            }
            Self::TooLong { .. } => None,
        }
    }
}
