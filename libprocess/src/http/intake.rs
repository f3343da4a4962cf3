//! What is to become of a request before its body has come.

use std::time::Duration;

/// What a [`Service`](super::Service) wants of the body of a request. The default is all of it, within
/// the bounds of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Intake {
    /// How long it may be, in place of [`Limits::request_bytes_max`](super::Limits::request_bytes_max).
    /// A streamed body has no bound without this one.
    pub bytes_max: Option<usize>,
    /// Whether the request is handled before its body has come.
    pub streams: bool,
    /// How long the sender of a streamed body may be silent, in place of
    /// [`Limits::body_wait_max`](super::Limits::body_wait_max).
    pub silence_max: Option<Duration>,
}
