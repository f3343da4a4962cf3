//! The parsers of HTTP for [`fuzz`](crate::fuzz).

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use super::connection::serve_connection;
use super::files::range::{self, Wanted};
use super::peer::Transport;
use super::{
    Authenticator, BasicAuthenticator, Delivery, Incoming, Limits, Method, Reply, Request, Response, Service,
    client, gzip as packing, target,
};

pub(crate) use super::messages::fuzz::head;

/// What is decoded can be encoded and decoded again; a URL is taken or refused.
pub(crate) fn url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = client::parse(&text);
    let (process, rest) = target::split(&text);
    assert!(text.ends_with(&format!("{process}{rest}")));
    let _ = target::climbs(&text);
    let _ = target::parameters(&text);
    if let Ok(decoded) = target::decode(&text) {
        let encoded = percent_encoding::utf8_percent_encode(&decoded, percent_encoding::NON_ALPHANUMERIC);
        assert_eq!(target::decode(&encoded.to_string()), Ok(decoded));
    }
    let request = Request::new(Method::GET, &text);
    assert!(request.path.len() <= text.len());
}

/// A part of a file is within the file, and not empty.
pub(crate) fn range(bytes: &[u8]) {
    let Some((length, header)) = bytes.split_first_chunk() else { return };
    let length = u64::from_le_bytes(*length);
    if let Wanted::Part { from, to } = range::wanted(Some(&String::from_utf8_lossy(header)), length) {
        assert!(from < to && to <= length);
    }
}

/// What is unpacked keeps its bound, and what is packed unpacks to the same.
pub(crate) fn gzip(bytes: &[u8]) {
    const BYTES_MAX: usize = 64 << 10;
    if let Ok(unpacked) = packing::unpack_now(bytes, BYTES_MAX) {
        assert!(unpacked.len() <= BYTES_MAX);
        assert_eq!(packing::unpack_now(bytes, unpacked.len()), Ok(unpacked));
    }
    if bytes.len() <= BYTES_MAX {
        let packed = packing::pack_now(bytes);
        let unpacked = packed.map(|packed| packing::unpack_now(&packed, BYTES_MAX));
        assert_eq!(unpacked, Some(Ok(Bytes::copy_from_slice(bytes))));
    }
}

/// Whoever accepts everything accepts JSON, whatever else there is.
pub(crate) fn accept(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let mut request = Request::get("/");
    request.headers.insert(ACCEPT, value.clone());
    request.headers.insert(ACCEPT_ENCODING, value);
    let _ = request.accepts("application/json");
    let _ = super::accepts_encoding(&request.headers, "gzip");
    request.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    assert!(request.accepts("application/json"));
}

/// Nobody who does not show the one pair gets in.
pub(crate) fn credentials(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let authenticator = BasicAuthenticator::new("fuzz", [("ann", "hunter2")]);
    let mut request = Request::get("/");
    request.headers.insert(AUTHORIZATION, value);
    let authenticated = authenticator.authenticate(&request).now_or_never();
    let is_in = matches!(authenticated, Some(Ok(super::Authentication::Authenticated(_))));
    assert!(!is_in || bytes.ends_with(b"YW5uOmh1bnRlcjI=") || bytes.trim_ascii_end() != bytes, "{bytes:?}");
}

/// What a connection brings does not depend on where it is cut into pieces, nor on who reads it: the reader of
/// plain messages, or hyper, which takes over for good at the first thing that is none.
pub(crate) fn connection(bytes: &[u8]) {
    const REQUEST: &[u8] = b"GET /fuzz HTTP/1.1\r\n\r\n";
    let Some((&size, bytes)) = bytes.split_first() else { return };
    let whole = serve([bytes.to_vec()].into());
    let pieces = bytes.chunks(usize::from(size).max(1)).map(<[u8]>::to_vec).collect();
    assert_eq!(serve(pieces), whole, "in pieces of {size} bytes");
    let by_hyper = serve([REQUEST.to_vec(), bytes.to_vec()].into());
    assert_eq!(by_hyper.get(1..), Some(&whole[..]), "read by hyper");
}

/// What a service gets.
#[derive(Debug, PartialEq, Eq)]
enum Got {
    Message(Incoming),
    Request { method: Method, path: String, body: Bytes },
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Got>>);

impl Service for Recorder {
    fn message(&self, message: Incoming) -> Delivery {
        self.0.lock().push(Got::Message(message));
        Delivery::Delivered
    }

    fn route(&self, request: Box<Request>) -> Reply {
        let Request { method, path, body, .. } = *request;
        self.0.lock().push(Got::Request { method, path, body });
        Response::ok().into()
    }
}

fn serve(pieces: VecDeque<Vec<u8>>) -> Vec<Got> {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    let recorder = Arc::new(Recorder::default());
    let service = Arc::clone(&recorder) as Arc<dyn Service>;
    let limits = Limits { request_bytes_max: 64 << 10, message_bytes_max: 64 << 10, ..Limits::default() };
    let (_stop, stopped) = watch::channel(false);
    let address = ([127, 0, 0, 1], 1).into();
    let served = serve_connection(Wire(pieces), address, service, Arc::new(limits), stopped);
    RUNTIME.with(|runtime| runtime.block_on(served));
    std::mem::take(&mut *recorder.0.lock())
}

/// The other end of a connection: it sends some pieces, takes all answers, and closes.
struct Wire(VecDeque<Vec<u8>>);

impl Transport for Wire {
    fn reset(&self) {}

    async fn first_byte(&self) {}
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let rest = piece.split_off(piece.len().min(into.remaining()));
            into.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
