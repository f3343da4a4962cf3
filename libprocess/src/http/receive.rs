//! From what hyper parsed to what the service answers.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::{Either, select};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming as Stream, SizeHint};
use hyper::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderValue, TRANSFER_ENCODING,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, error};

use super::body_reader::Shared as Streamed;
use super::gzip::{self, UnpackError};
use super::peer::{Exchange, Peer};
use super::pipe::PipeError;
use super::{
    Body, BodyReader, Delivery, Incoming, Intake, Limits, Request, Response, Service, accept, message, target,
};

/// A body that nobody wants is read when it is no longer than this, so that the connection can be
/// used again.
const UNWANTED_BYTES_MAX: usize = 64 << 10;

/// Answers the requests of one connection.
pub(super) struct Receiver {
    pub(super) service: Arc<dyn Service>,
    pub(super) limits: Arc<Limits>,
    pub(super) peer: Peer,
    pub(super) address: SocketAddr,
}

/// The connection is of no use any more, and there is nobody to tell.
#[derive(Debug)]
pub(super) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the peer has left before its request was answered")
    }
}

impl std::error::Error for Gone {}

/// Why a request gets no further.
enum Refusal {
    Gone,
    /// The connection can be used again.
    Answer(Response),
    /// What is left of the request was not read.
    Last(Response),
}

impl Receiver {
    pub(super) async fn answer(
        self: Arc<Self>,
        request: hyper::Request<Stream>,
    ) -> Result<hyper::Response<Answer>, Gone> {
        let exchange = self.peer.exchange();
        let (head, body) = request.into_parts();
        let packs = head.method != Method::HEAD && accept::accepts_encoding(&head.headers, "gzip");
        let mut streamed = None;
        let (response, close) = match self.respond(head, body, &mut streamed).await {
            Ok(response) => (response, false),
            Err(Refusal::Answer(response)) => (response, false),
            Err(Refusal::Last(response)) => (response, true),
            Err(Refusal::Gone) => return Err(Gone),
        };
        let response = if packs { pack(response).await } else { response };
        let close = close || streamed.as_ref().is_some_and(|body| !body.is_read());
        Ok(finish(response, close, exchange, streamed))
    }

    /// Leaves the body in `streamed` if it is still being read when the answer begins.
    async fn respond(
        &self,
        head: Parts,
        body: Stream,
        streamed: &mut Option<Arc<Streamed>>,
    ) -> Result<Response, Refusal> {
        if !head.uri.path().starts_with('/') {
            let response = Response::bad_request("Request URL path must start with '/'");
            return Err(Refusal::Last(response));
        }
        match message::sender(&head.method, &head.headers) {
            Some(from) => self.deliver(from, head, body).await,
            None => self.route(head, body, streamed).await,
        }
    }

    async fn deliver(&self, from: String, head: Parts, body: Stream) -> Result<Response, Refusal> {
        let body = self.collect(&head.headers, body, self.limits.message_bytes_max).await?;
        let (id, name) = message::receiver(head.uri.path()).map_err(|error| {
            let text = format!("Failed to decode URL path: {error}");
            Refusal::Answer(Response::internal_server_error(text))
        })?;
        if self.limits.require_peer_address_ip_match && !message::is_from_peer(&from, self.address) {
            let text = format!(
                "UPID IP address validation failed: Message from {from} was sent from IP {}",
                self.address
            );
            return Ok(Response::bad_request(text));
        }
        debug!(%from, id, name, bytes = body.len(), "received a message");
        Ok(match self.service.message(Incoming { from, id, name, body }) {
            Delivery::Delivered => Response::accepted(),
            Delivery::NoSuchProcess => Response::not_found(),
        })
    }

    async fn route(
        &self,
        head: Parts,
        body: Stream,
        streamed: &mut Option<Arc<Streamed>>,
    ) -> Result<Response, Refusal> {
        let expects = head.headers.contains_key(EXPECT);
        let (mut request, intake) = match self.admit(head).await {
            Ok(admitted) => admitted,
            Err(response) => return Err(self.refuse(response, expects, body).await),
        };
        if intake.streams {
            *streamed = Some(self.stream(&mut request, body, intake)?);
        } else {
            let bytes_max = intake.bytes_max.unwrap_or(self.limits.request_bytes_max);
            request.body = self.collect(&request.headers, body, bytes_max).await?;
        }
        let path = request.path.clone();
        let handled = AssertUnwindSafe(async { self.service.route(request).response().await }).catch_unwind();
        match select(std::pin::pin!(handled), std::pin::pin!(self.left(streamed.as_deref()))).await {
            Either::Left((Ok(response), _)) => Ok(response),
            Either::Left((Err(_panic), _)) => {
                error!(path, "the handler of a request panicked");
                Ok(Response::internal_server_error("the handler of the request panicked"))
            }
            Either::Right(((), _)) => Err(Refusal::Gone),
        }
    }

    /// What can be said of a request by its head.
    async fn admit(&self, head: Parts) -> Result<(Request, Intake), Response> {
        if target::climbs(head.uri.path()) {
            return Err(Response::not_found());
        }
        let request = Request::received(head.method, &head.uri, head.headers, self.address);
        let mut request = request.map_err(Response::bad_request)?;
        if let Some(ready) = self.service.ready(&request) {
            // Abandoned when who would answer has ended: then there is nothing to be found.
            let _ = ready.await;
        }
        let intake = self.service.admit(&mut request)?;
        Ok((request, intake))
    }

    /// Refuses a request whose body is not wanted.
    async fn refuse(&self, response: Response, expects: bool, body: Stream) -> Refusal {
        let ends = |length: u64| length <= UNWANTED_BYTES_MAX as u64;
        let short = body.is_end_stream() || (!expects && body.size_hint().exact().is_some_and(ends));
        if short && self.read(body, UNWANTED_BYTES_MAX).await.is_ok() {
            return Refusal::Answer(response);
        }
        Refusal::Last(response)
    }

    /// Lets the handler of a request read its body.
    fn stream(&self, request: &mut Request, body: Stream, intake: Intake) -> Result<Arc<Streamed>, Refusal> {
        if is_packed(&request.headers) {
            let text = "a body that is read as it comes cannot be packed";
            return Err(Refusal::Last(Response::unsupported_media_type(text)));
        }
        match intake.bytes_max {
            Some(bytes_max) if body.size_hint().lower() > bytes_max as u64 => {
                return Err(Refusal::Last(too_long(bytes_max)));
            }
            _ => {}
        }
        let silence_max = intake.silence_max.unwrap_or(self.limits.body_wait_max);
        let reader = BodyReader::new(body, intake.bytes_max, silence_max);
        let streamed = reader.shared();
        request.set_stream(reader);
        Ok(streamed)
    }

    /// Waits until the peer has closed its side, and has then got its time to read the answer.
    async fn left(&self, streamed: Option<&Streamed>) {
        if let Some(body) = streamed {
            // Until then hyper reads the connection, and whoever reads the body sees how it ends.
            poll_fn(|context| body.poll_ended(context)).await;
        }
        poll_fn(|context| self.peer.poll_gone(context)).await;
        sleep(self.limits.half_closed_wait_max).await;
    }

    /// Reads the whole body and unpacks it.
    async fn collect(&self, headers: &HeaderMap, body: Stream, bytes_max: usize) -> Result<Bytes, Refusal> {
        let body = self.read(body, bytes_max).await?;
        if !is_packed(headers) {
            return Ok(body);
        }
        gzip::unpack(body, bytes_max).await.map_err(|error| {
            Refusal::Answer(match error {
                UnpackError::Malformed => Response::internal_server_error("failed to decode body"),
                UnpackError::TooLong => too_long(bytes_max),
            })
        })
    }

    async fn read(&self, mut body: Stream, bytes_max: usize) -> Result<Bytes, Refusal> {
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(Refusal::Last(too_long(bytes_max)));
        }
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        let begun = Instant::now();
        while !body.is_end_stream() {
            let Ok(frame) = timeout(self.limits.body_wait_max, body.frame()).await else {
                return Err(Refusal::Last(too_slow("the body of the request does not come to its end")));
            };
            if begun.elapsed() > self.limits.body_time_max(first.len() + all.len()) {
                return Err(Refusal::Last(too_slow("the body of the request comes too slowly")));
            }
            let Some(frame) = frame else { break };
            let Ok(data) = frame.map_err(refuse_body)?.into_data() else { continue };
            if first.len() + all.len() + data.len() > bytes_max {
                return Err(Refusal::Last(too_long(bytes_max)));
            }
            // A body of one frame, as nearly all are, is not copied.
            if first.is_empty() && all.is_empty() {
                first = data;
                continue;
            }
            if !first.is_empty() {
                all.reserve((first.len() + data.len()).max(body_left(&body, bytes_max)));
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }
}

fn is_packed(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

/// How much of a body is still to come, if it has said so, as far as one believes it in advance.
fn body_left(body: &Stream, bytes_max: usize) -> usize {
    const BELIEVED_BYTES_MAX: usize = 1 << 20;
    let left = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    left.min(bytes_max).min(BELIEVED_BYTES_MAX)
}

fn too_slow(text: &str) -> Response {
    Response::new(StatusCode::REQUEST_TIMEOUT).with_text(text)
}

fn too_long(bytes_max: usize) -> Response {
    let text = format!("expecting a body of at most {bytes_max} bytes");
    Response::new(StatusCode::PAYLOAD_TOO_LARGE).with_text(text)
}

/// A body that is not framed as HTTP says is refused; one that just ends has nobody to refuse it to.
fn refuse_body(error: hyper::Error) -> Refusal {
    if error.is_incomplete_message() {
        return Refusal::Gone;
    }
    Refusal::Last(Response::bad_request("failed to read the body of the request"))
}

async fn pack(mut response: Response) -> Response {
    let worth = |body: &Bytes| body.len() >= gzip::PACKED_BYTES_MIN;
    let Body::Full(body) = &response.body else { return response };
    if !worth(body) || response.headers.contains_key(CONTENT_ENCODING) {
        return response;
    }
    if let Some(packed) = gzip::pack(body.clone()).await {
        response.body = Body::Full(packed);
        response.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The response as hyper writes it, which adds the date and the length.
fn finish(
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
