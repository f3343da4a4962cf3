//! What is to become of a request before its body has come.

use std::time::Duration;

use super::Response;
use crate::Future;

/// What a [`Service`](super::Service) says to the head of a request.
#[derive(Debug)]
pub enum Admission {
    /// It is to be answered once so much of its body has come.
    Granted(Intake),
    /// It gets this answer, and no further.
    Refused(Response),
    /// Who answers it has only begun to exist: it is to be looked at again when this is ready or has failed.
    /// One that has to wait then, too, is dropped with its connection.
    Waits(Future<()>),
}

impl From<Response> for Admission {
    fn from(response: Response) -> Self {
        Self::Refused(response)
    }
}

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
