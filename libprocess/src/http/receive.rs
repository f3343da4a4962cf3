//! From what hyper parsed to what the service answers.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::{Either, select};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming as Stream};
use hyper::header::{CONTENT_ENCODING, EXPECT};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, error};

use super::answer::{Answering, finish, is_worth_packing, pack};
use super::body_reader::Shared as Streamed;
use super::gzip::{self, UnpackError};
use super::peer::{Exchange, Peer};
use super::{
    Admission, BodyReader, Delivery, Incoming, Intake, Limits, Reply, Request, Response, Service, accept,
    message, target,
};
use crate::{panic, trace};

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

/// A response, and the body of the request if that is still being read when the answer begins.
type Responded = (Response, Option<Arc<Streamed>>);

/// Why a request gets no further.
enum Refusal {
    Gone,
    /// The connection can be used again.
    Answer(Response),
    /// What is left of the request was not read.
    Last(Response),
}

/// How far a request has come by its head.
enum Step {
    Admitted(Box<Request>, Intake),
    Refused(Response),
    /// Who answers it has only begun to exist.
    Waits(Box<Request>, crate::Future<()>),
}

impl Receiver {
    pub(super) fn answer(self: &Arc<Self>, request: hyper::Request<Stream>) -> Answering {
        let exchange = self.peer.exchange();
        let (head, body) = request.into_parts();
        let packs = head.method != Method::HEAD && accept::accepts_encoding(&head.headers, "gzip");
        let plain = body.is_end_stream()
            && head.uri.path().starts_with('/')
            && message::sender(&head.method, &head.headers).is_none();
        if !plain {
            return self.answer_later(packs, exchange, |this| async move { this.respond(head, body).await });
        }
        let (request, intake) = match self.look_at(head) {
            Step::Admitted(request, intake) if !intake.streams => (request, intake),
            Step::Refused(response) => {
                return Answering::Ready(Some(finish(response, false, exchange, None)));
            }
            step => {
                return self.answer_later(packs, exchange, |this| async move {
                    this.go_on(step, false, body).await
                });
            }
        };
        drop((body, intake));
        match self.ask(request) {
            Reply::Now(response) if !packs || !is_worth_packing(&response) => {
                Answering::Ready(Some(finish(response, false, exchange, None)))
            }
            reply => self.answer_later(packs, exchange, |this| async move {
                Ok((this.wait_for(reply, None).await?, None))
            }),
        }
    }

    /// Answers when a future says what.
    fn answer_later<F>(
        self: &Arc<Self>,
        packs: bool,
        exchange: Exchange,
        respond: impl FnOnce(Arc<Self>) -> F,
    ) -> Answering
    where
        F: Future<Output = Result<Responded, Refusal>> + Send + 'static,
    {
        let responding = respond(Arc::clone(self));
        let answering = async move {
            let (response, streamed, close) = match responding.await {
                Ok((response, streamed)) => (response, streamed, false),
                Err(Refusal::Answer(response)) => (response, None, false),
                Err(Refusal::Last(response)) => (response, None, true),
                Err(Refusal::Gone) => return Err(Gone),
            };
            let response = if packs { pack(response).await } else { response };
            let close = close || streamed.as_ref().is_some_and(|body| !body.is_read());
            Ok(finish(response, close, exchange, streamed))
        };
        Answering::Later(answering.boxed())
    }

    async fn respond(self: Arc<Self>, head: Parts, body: Stream) -> Result<Responded, Refusal> {
        if !head.uri.path().starts_with('/') {
            let response = Response::bad_request("Request URL path must start with '/'");
            return Err(Refusal::Last(response));
        }
        if let Some(from) = message::sender(&head.method, &head.headers) {
            return Ok((self.deliver(from, head, body).await?, None));
        }
        let expects = head.headers.contains_key(EXPECT);
        let step = self.look_at(head);
        self.go_on(step, expects, body).await
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
        let trace = if trace::enabled() { trace::http::context(&head.headers) } else { None };
        let incoming = Incoming { from, id, name, body };
        let delivery = match trace {
            Some(trace) => trace.scope(|| self.service.message(incoming)),
            None => self.service.message(incoming),
        };
        Ok(match delivery {
            Delivery::Delivered => Response::accepted(),
            Delivery::NoSuchProcess => Response::not_found(),
        })
    }

    /// What can be said of a request by its head.
    fn look_at(&self, head: Parts) -> Step {
        if target::climbs(head.uri.path()) {
            return Step::Refused(Response::not_found());
        }
        let request = match Request::received(head.method, &head.uri, head.headers, self.address) {
            Ok(request) => Box::new(request),
            Err(text) => return Step::Refused(Response::bad_request(text)),
        };
        self.admit(request)
    }

    fn admit(&self, mut request: Box<Request>) -> Step {
        match self.service.admit(&mut request) {
            Admission::Granted(intake) => Step::Admitted(request, intake),
            Admission::Refused(response) => Step::Refused(response),
            Admission::Waits(ready) => Step::Waits(request, ready),
        }
    }

    /// Reads the body of a request as far as it is wanted, and answers.
    async fn go_on(&self, step: Step, expects: bool, body: Stream) -> Result<Responded, Refusal> {
        let step = match step {
            Step::Waits(request, ready) => {
                // Abandoned when who would answer has ended: then there is nothing to be found.
                let _ = ready.await;
                self.admit(request)
            }
            step => step,
        };
        let (mut request, intake) = match step {
            Step::Admitted(request, intake) => (request, intake),
            Step::Refused(response) => return Err(self.refuse(response, expects, body).await),
            Step::Waits(..) => return Err(Refusal::Gone), // Not twice.
        };
        let mut streamed = None;
        if intake.streams {
            streamed = Some(self.stream(&mut request, body, intake)?);
        } else {
            let bytes_max = intake.bytes_max.unwrap_or(self.limits.request_bytes_max);
            request.body = self.collect(&request.headers, body, bytes_max).await?;
        }
        let reply = self.ask(request);
        Ok((self.wait_for(reply, streamed.as_deref()).await?, streamed))
    }

    /// Calls the handler.
    fn ask(&self, request: Box<Request>) -> Reply {
        let asked = catch_unwind(AssertUnwindSafe(|| self.service.route(request)));
        asked.unwrap_or_else(|panic| panicked(&*panic).into())
    }

    /// Waits for a response as long as there is somebody to get it.
    async fn wait_for(&self, reply: Reply, streamed: Option<&Streamed>) -> Result<Response, Refusal> {
        let response = match reply {
            Reply::Now(response) => return Ok(response),
            Reply::Later(response) => AssertUnwindSafe(response).catch_unwind(),
        };
        match select(response, pin!(self.left(streamed))).await {
            Either::Left((Ok(response), _)) => Ok(response),
            Either::Left((Err(panic), _)) => Ok(panicked(&*panic)),
            Either::Right(((), _)) => Err(Refusal::Gone),
        }
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

fn panicked(panic: &(dyn std::any::Any + Send)) -> Response {
    error!(panic = panic::text(panic), "the handler of a request panicked");
    Response::internal_server_error("the handler of the request panicked")
}
