//! An answer on its way to hyper.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use hyper::body::{Body as _, Frame, SizeHint};
use hyper::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING,
};

use super::body_reader::Shared as Streamed;
use super::peer::Exchange;
use super::pipe::PipeError;
use super::receive::Gone;
use super::{Body, Response, gzip};

/// The answer to one request: most are there at once, and go without a future of their own.
pub(super) enum Answering {
    Ready(Option<hyper::Response<Answer>>),
    Later(BoxFuture<'static, Result<hyper::Response<Answer>, Gone>>),
}

impl Future for Answering {
    type Output = Result<hyper::Response<Answer>, Gone>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            // It is polled once.
            Self::Ready(response) => Poll::Ready(response.take().ok_or(Gone)),
            Self::Later(response) => response.as_mut().poll(context),
        }
    }
}

/// Whether it is packed for who accepts that.
pub(super) fn is_worth_packing(response: &Response) -> bool {
    let Body::Full(body) = &response.body else { return false };
    body.len() >= gzip::PACKED_BYTES_MIN && !response.headers.contains_key(CONTENT_ENCODING)
}

pub(super) async fn pack(mut response: Response) -> Response {
    if !is_worth_packing(&response) {
        return response;
    }
    let Body::Full(body) = &response.body else { return response };
    if let Some(packed) = gzip::pack(body.clone()).await {
        response.body = Body::Full(packed);
        response.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The response as hyper writes it, which adds the date and the length.
pub(super) fn finish(
    response: Response,
    close: bool,
    exchange: Exchange,
    streamed: Option<Arc<Streamed>>,
) -> hyper::Response<Answer> {
    let Response { status, mut headers, body } = response;
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    if body.is_end_stream() {
        headers.remove(CONTENT_TYPE);
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Body::Stream(reader) = &body {
        exchange.streams(reader.watch());
    }
    let mut answer = hyper::Response::new(Answer { body, exchange, streamed });
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

/// The body of an answer. While it is a stream, it ends as soon as the peer closes its side.
pub(super) struct Answer {
    body: Body,
    exchange: Exchange,
    /// The body of the request, where that may still be coming.
    streamed: Option<Arc<Streamed>>,
}

impl Answer {
    /// Ready once the peer has closed its side, as far as that can be seen behind its request.
    fn poll_gone(&self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(body) = &self.streamed {
            std::task::ready!(body.poll_ended(context));
        }
        self.exchange.peer().poll_gone(context)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(body) = &self.streamed {
            body.answered();
        }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = PipeError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PipeError>>> {
        if matches!(self.body, Body::Stream(_)) && self.poll_gone(context).is_ready() {
            self.body = Body::Empty;
            return Poll::Ready(Some(Err(PipeError::peer_left())));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
