//! The body of a request as it comes.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming as Stream};
use parking_lot::Mutex;
use tokio::time::timeout;

use super::Response;

/// Reads the body of a request to a route that [streams](super::Route::stream_body) it.
///
/// A sender is read from no faster than this is. The body ends badly when its sender is silent for too
/// long while it is waited for, sends more than the route allows, or leaves; and when the request has
/// been answered to the last byte, since nothing holds the connection open after that.
#[derive(Debug)]
pub struct BodyReader {
    shared: Arc<Shared>,
    silence_max: Duration,
}

/// What the reader, and the answer to the same request, know of a body.
pub(super) struct Shared(Mutex<State>);

struct State {
    body: Progress,
    bytes_left: usize,
    bytes_max: usize,
    read_by: Option<Waker>,
    /// Who waits for the end.
    watched_by: Option<Waker>,
}

enum Progress {
    Open(Stream),
    Ended(Result<(), BodyError>),
}

impl BodyReader {
    pub(super) fn new(body: Stream, bytes_max: Option<usize>, silence_max: Duration) -> Self {
        let bytes_max = bytes_max.unwrap_or(usize::MAX);
        let body = if body.is_end_stream() { Progress::Ended(Ok(())) } else { Progress::Open(body) };
        let state = State { body, bytes_left: bytes_max, bytes_max, read_by: None, watched_by: None };
        Self { shared: Arc::new(Shared(Mutex::new(state))), silence_max }
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// The next bytes of the body, as many as have come, or `None` at its end.
    ///
    /// # Errors
    ///
    /// Says why the body ended badly. It does so again when read again.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn read(&mut self) -> Option<Result<Bytes, BodyError>> {
        let read = poll_fn(|context| self.shared.poll_read(context));
        match timeout(self.silence_max, read).await {
            Ok(read) => read,
            Err(_) => {
                self.shared.end(Err(BodyError::TooSlow { wait: self.silence_max }));
                Some(Err(BodyError::TooSlow { wait: self.silence_max }))
            }
        }
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        self.shared.end(Err(BodyError::Answered));
    }
}

impl Shared {
    fn poll_read(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let mut state = self.0.lock();
        let end = loop {
            let stream = match &mut state.body {
                Progress::Open(stream) => stream,
                Progress::Ended(end) => return Poll::Ready(end.err().map(Err)),
            };
            match Pin::new(stream).poll_frame(context) {
                Poll::Pending => {
                    state.read_by = Some(context.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(None) => break Ok(()),
                Poll::Ready(Some(Err(_))) => break Err(BodyError::Broken),
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are of no interest.
                    let Ok(data) = frame.into_data() else { continue };
                    if data.is_empty() {
                        continue;
                    }
                    match state.bytes_left.checked_sub(data.len()) {
                        Some(left) => state.bytes_left = left,
                        None => break Err(BodyError::TooLong { bytes_max: state.bytes_max }),
                    }
                    return Poll::Ready(Some(Ok(data)));
                }
            }
        };
        drop(state);
        self.end(end);
        Poll::Ready(end.err().map(Err))
    }

    /// Ends the body, unless it has ended before.
    fn end(&self, end: Result<(), BodyError>) {
        let mut state = self.0.lock();
        if matches!(state.body, Progress::Ended(_)) {
            return;
        }
        let stream = std::mem::replace(&mut state.body, Progress::Ended(end));
        let wakers = [state.read_by.take(), state.watched_by.take()];
        drop(state);
        drop(stream);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Nothing more is read, since the answer is out.
    pub(super) fn answered(&self) {
        self.end(Err(BodyError::Answered));
    }

    /// Whether all was read that there was.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.0.lock().body, Progress::Ended(Ok(())))
    }

    /// Ready once no more of the body is wanted from the connection.
    pub(super) fn poll_ended(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if matches!(state.body, Progress::Ended(_)) {
            return Poll::Ready(());
        }
        state.watched_by = Some(context.waker().clone());
        Poll::Pending
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.0.lock().body {
            Progress::Open(_) => "open",
            Progress::Ended(Ok(())) => "read",
            Progress::Ended(Err(_)) => "failed",
        };
        write!(f, "Body({state})")
    }
}

/// Why the body of a request ended badly. As a [`Response`], it is what to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// The sender was silent for too long: 408.
    TooSlow {
        /// For how long.
        wait: Duration,
    },
    /// The sender sent more than it may: 413.
    TooLong {
        /// How much that is.
        bytes_max: usize,
    },
    /// The sender left, or what it sends is not framed as HTTP says: 400.
    Broken,
    /// The request was answered before all of its body was read.
    Answered,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSlow { wait } => write!(f, "nothing more of the body of the request came for {wait:?}"),
            Self::TooLong { bytes_max } => write!(f, "expecting a body of at most {bytes_max} bytes"),
            Self::Broken => f.write_str("failed to read the body of the request"),
            Self::Answered => f.write_str("the request was answered before its body was read"),
        }
    }
}

impl std::error::Error for BodyError {}

impl From<BodyError> for Response {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            BodyError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::Broken | BodyError::Answered => StatusCode::BAD_REQUEST,
        };
        Response::new(status).with_text(error.to_string())
    }
}
