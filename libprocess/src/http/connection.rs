//! One connection of the server, from the accept to the close.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::debug;

use super::messages::{End, Messages};
use super::peer::{Peer, Transport};
use super::pipe::PipeError;
use super::receive::Receiver;
use super::{Limits, Service};

/// hyper does not work with a smaller buffer.
const BUFFER_BYTES_MIN: usize = 8192;

/// hyper makes room on the stack for so many headers, and asks for memory for any other number.
const HEADERS_ON_STACK: usize = 100;

/// How long a connection that is closed with something still unread is kept, so that the answer is
/// not lost to the reset that would follow.
const LINGER_WAIT_MAX: Duration = Duration::from_secs(2);

/// Serves a connection until either side closes it or `stopped` becomes true.
pub(super) async fn serve_connection(
    transport: impl Transport + 'static,
    address: SocketAddr,
    service: Arc<dyn Service>,
    limits: Arc<Limits>,
    mut stopped: watch::Receiver<bool>,
) {
    // Links of which nothing is sent yet are many: until then they hold no buffers.
    tokio::select! {
        () = transport.first_byte() => {}
        _ = stopped.wait_for(|stopped| *stopped) => return,
    }
    let peer = Peer::new(transport, &limits);
    let messages = Messages::new(Arc::clone(&service), Arc::clone(&limits), peer.clone(), address);
    match messages.run(&mut stopped).await {
        Ok(End::Other) => serve_requests(peer, address, service, limits, stopped).await,
        Ok(End::Stopped) => {}
        Ok(End::Refused) => linger(&peer).await,
        Err(error) => {
            let cut = Cut { reason: error.to_string(), answered: false };
            end_badly(&peer, address, &cut).await;
        }
    }
}

/// Has hyper serve what is not a plain message, and all that follows it.
async fn serve_requests(
    peer: Peer,
    address: SocketAddr,
    service: Arc<dyn Service>,
    limits: Arc<Limits>,
    mut stopped: watch::Receiver<bool>,
) {
    let receiver = Receiver { service, limits: Arc::clone(&limits), peer: peer.clone(), address };
    let receiver = Arc::new(receiver);
    let answer = service_fn(move |request| receiver.answer(request));
    let connection = builder(&limits).serve_connection(TokioIo::new(peer.clone()), answer);
    let mut connection = pin!(connection);
    let news = stopped.clone();
    let mut stopping = pin!(async move { stopped.wait_for(|stopped| *stopped).await.is_ok() });
    let mut stops = false;
    let mut told: Option<Waker> = None;
    let ended = poll_fn(|context| {
        // Once it knows whom to wake, there is nothing to be heard from it before it does.
        let knows = told.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if !stops && (!knows || news.has_changed().unwrap_or(true)) {
            told = Some(context.waker().clone());
            if stopping.as_mut().poll(context).is_ready() {
                stops = true;
                connection.as_mut().graceful_shutdown();
            }
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            return Poll::Ready(ended.map_err(Cut::from));
        }
        // hyper looks at a stream only when it can send more of it.
        peer.poll_stream_failed(context).map(|failed| Err(failed.into()))
    });
    match ended.await {
        Ok(()) if stops => {}
        Ok(()) => linger(&peer).await,
        Err(cut) => end_badly(&peer, address, &cut).await,
    }
}

async fn end_badly(peer: &Peer, address: SocketAddr, cut: &Cut) {
    debug!(peer = %address, reason = cut.reason, "closing a connection");
    if cut.answered || peer.refuse_late_head().await {
        linger(peer).await;
    } else {
        peer.reset();
    }
}

/// Why a connection does not end well.
struct Cut {
    reason: String,
    /// hyper has told the peer, who should get to read it.
    answered: bool,
}

impl From<hyper::Error> for Cut {
    fn from(error: hyper::Error) -> Self {
        Self { reason: error.to_string(), answered: error.is_parse() }
    }
}

impl From<PipeError> for Cut {
    fn from(error: PipeError) -> Self {
        Self { reason: error.to_string(), answered: false }
    }
}

/// Ends our side, and waits a little for the peer to end its own.
async fn linger(peer: &Peer) {
    let drained = async {
        // If it cannot be told, it finds out.
        let _ = peer.clone().shutdown().await;
        poll_fn(|context| peer.poll_drained(context)).await;
    };
    let _ = timeout(LINGER_WAIT_MAX, drained).await;
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // `Peer` times heads, and lets idle connections be.
        .header_read_timeout(None)
        .half_close(true)
        .title_case_headers(true)
        .max_buf_size(limits.head_bytes_max.max(BUFFER_BYTES_MIN));
    if limits.headers_max != HEADERS_ON_STACK {
        builder.max_headers(limits.headers_max);
    }
    builder
}
