//! The loop that accepts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use socket2::{SockRef, Socket, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{error, warn};

use super::connection::serve_connection;
use super::{Limits, Service};
use crate::tls::Tls;

/// What one connection too many is answered with.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// How long to wait when the machine can open no more connections.
const ACCEPT_RETRY_WAIT: Duration = Duration::from_millis(100);

/// How many are refused before that.
const REFUSED_MAX: usize = 1024;

/// How long TCP waits for a sign of life before it asks again.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Serves HTTP/1.0 and HTTP/1.1 on a listener until `shutdown` is done.
///
/// Requests of one connection are answered in their order, the next one being looked at when the
/// answer before it is on its way. A `POST` with a `Libprocess-From` header, or with a `User-Agent`
/// that starts with `libprocess/`, is a message; everything else is for a route. What does not fit
/// the limits is answered with the status that says so, and what is not HTTP with 400.
///
/// With `tls`, connections are of TLS, or of either kind where its settings say so.
///
/// After `shutdown` no more connections or requests are taken, answers under way get
/// [`Limits::shutdown_wait_max`], and then the rest is cut off.
///
/// # Cancel safety
///
/// Dropping the future closes the listener and all connections at once.
pub async fn serve(
    listener: TcpListener,
    service: Arc<dyn Service>,
    limits: Limits,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()>,
) {
    let limits = Arc::new(limits);
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut spare = Spare::of(&listener);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= limits.connections_max => refuse(&stream),
                Ok((stream, address)) => {
                    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
                    prepare(&stream, &limits);
                    let service = Arc::clone(&service);
                    let limits = Arc::clone(&limits);
                    let stopped = stopped.clone();
                    match tls.clone() {
                        None => connections.spawn(serve_connection(stream, address, service, limits, stopped)),
                        Some(tls) => connections.spawn(async move {
                            serve_secure(&tls, stream, address, service, limits, stopped).await;
                        }),
                    };
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    warn!(%error, "failed to accept a connection");
                    spare.refuse_waiting(&listener);
                    sleep(ACCEPT_RETRY_WAIT).await;
                }
            },
        }
    }
    drop((listener, spare));
    // Receivers that are gone need not be told.
    let _ = stop.send(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.shutdown_wait_max, ended).await.is_err() {
        connections.shutdown().await;
    }
}

/// Serves a connection that may be of TLS.
#[cfg(feature = "tls")]
async fn serve_secure(
    tls: &Tls,
    stream: TcpStream,
    address: SocketAddr,
    service: Arc<dyn Service>,
    limits: Arc<Limits>,
    mut stopped: watch::Receiver<bool>,
) {
    use crate::tls::Accepted;

    let accepted = tokio::select! {
        accepted = tls.accept(stream, address.ip()) => accepted,
        // The end of the node, which waits for no handshake.
        _ = stopped.wait_for(|stopped| *stopped) => return,
    };
    match accepted {
        Ok(Accepted::Plain(stream)) => serve_connection(stream, address, service, limits, stopped).await,
        Ok(Accepted::Secure(stream)) => serve_connection(stream, address, service, limits, stopped).await,
        Err(error) => tracing::debug!(peer = %address, %error, "refusing a connection"),
    }
}

#[cfg(not(feature = "tls"))]
async fn serve_secure(
    tls: &Tls,
    _stream: TcpStream,
    _address: SocketAddr,
    _service: Arc<dyn Service>,
    _limits: Arc<Limits>,
    _stopped: watch::Receiver<bool>,
) {
    match *tls {}
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "the task of a connection panicked");
    }
}

/// Sends the refusal if that can be done without waiting.
fn refuse(stream: &TcpStream) {
    warn!("refusing a connection: as many as may be are open");
    let _ = stream.try_write(REFUSAL);
}

/// A file descriptor to give up when there are no more, so that those who wait for a connection can be
/// told instead of left without a word.
struct Spare(Option<Socket>);

impl Spare {
    fn of(listener: &TcpListener) -> Self {
        // Any descriptor will do; without one there is nobody to tell.
        Self(SockRef::from(listener).try_clone().ok())
    }

    fn refuse_waiting(&mut self, listener: &TcpListener) {
        self.0 = None;
        for _ in 0..REFUSED_MAX {
            match listener.accept().now_or_never() {
                Some(Ok((stream, _))) => refuse(&stream),
                _ => break,
            }
        }
        *self = Self::of(listener);
    }
}

/// A socket that does not take an option works without it.
fn prepare(stream: &TcpStream, limits: &Limits) {
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(limits.tcp_keepalive).with_interval(KEEPALIVE_INTERVAL);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
