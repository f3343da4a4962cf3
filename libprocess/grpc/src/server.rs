//! Hosting services.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use libprocess::Node;
use openssl::ssl::{Ssl, SslAcceptor};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{mpsc, watch};
use tokio_openssl::SslStream;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream, UnixListenerStream};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::server::Connected;
use tracing::{debug, warn};

use crate::error::ServerError;
use crate::tls::Tls;

/// How long a client may take for its TLS handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// So many handshakes may be under way.
const HANDSHAKES_MAX: usize = 256;

/// How long calls that are under way may take when the server shuts down.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// Hosts services that tonic generates. It lives until [`shutdown`](Server::shutdown), or until its tokio
/// runtime ends.
pub struct Server {
    address: Option<SocketAddr>,
    path: Option<PathBuf>,
    stop: watch::Sender<bool>,
    served: watch::Receiver<()>,
}

/// Says what a [`Server`] is to host.
#[derive(Debug, Default)]
#[must_use = "a server begins with `bind` or `bind_unix`"]
pub struct ServerBuilder {
    routes: Routes,
    tls: Option<Tls>,
}

impl Server {
    /// Begins to describe a server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Where it listens; `None` for a unix socket.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Takes no more calls, waits a little for those under way, and removes its unix socket.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        let ended = async { while self.served.changed().await.is_ok() {} };
        if tokio::time::timeout(SHUTDOWN_MAX, ended).await.is_err() {
            warn!("a gRPC server still has calls after {} seconds: leaving them", SHUTDOWN_MAX.as_secs());
        }
        if let Some(path) = &self.path {
            remove_socket(path);
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl ServerBuilder {
    /// Hosts a service, as tonic generates it (`EchoServer::new(echo)`).
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self
    }

    /// Answers the health protocol of gRPC: the server as a whole is well while it listens.
    pub fn with_health(self) -> Self {
        let (_, service) = tonic_health::server::health_reporter();
        self.add_service(service)
    }

    /// Listens with TLS; `tls` must have an identity.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Listens at an address; port 0 stands for a free one.
    ///
    /// # Errors
    ///
    /// Fails when the address is in use or not ours, or the files of TLS cannot be used.
    pub async fn bind(self, address: SocketAddr, node: &Node) -> Result<Server, ServerError> {
        let wrong = |error| ServerError::Bind { address: address.to_string(), error };
        let listener = TcpListener::bind(address).await.map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        let (stop, stopped) = watch::channel(false);
        let served = match self.tls {
            None => {
                let incoming = TcpListenerStream::new(listener).map(|stream| {
                    stream.inspect(|stream| {
                        let _ = stream.set_nodelay(true);
                    })
                });
                serve(node, self.routes, incoming, stopped)
            }
            Some(tls) => {
                let acceptor = tls.acceptor().map_err(ServerError::Tls)?;
                let (connections, incoming) = mpsc::channel(HANDSHAKES_MAX);
                node.run(accept(listener, acceptor, connections, stopped.clone()));
                serve(node, self.routes, ReceiverStream::new(incoming), stopped)
            }
        };
        Ok(Server { address: Some(address), path: None, stop, served })
    }

    /// Listens at a unix socket. One that an earlier server has left is replaced.
    ///
    /// # Errors
    ///
    /// Fails when the socket cannot be made, or somebody listens there.
    pub async fn bind_unix(self, path: impl AsRef<Path>, node: &Node) -> Result<Server, ServerError> {
        let path = path.as_ref().to_owned();
        let wrong = |error| ServerError::Bind { address: path.display().to_string(), error };
        if self.tls.is_some() {
            return Err(ServerError::Tls("a unix socket has no TLS".to_owned()));
        }
        // Nobody answers at what a killed server leaves.
        if std::os::unix::net::UnixStream::connect(&path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        {
            remove_socket(&path);
        }
        let listener = UnixListener::bind(&path).map_err(wrong)?;
        let (stop, stopped) = watch::channel(false);
        let served = serve(node, self.routes, UnixListenerStream::new(listener), stopped);
        Ok(Server { address: None, path: Some(path), stop, served })
    }
}

fn serve<I, C>(
    node: &Node,
    routes: Routes,
    incoming: I,
    mut stopped: watch::Receiver<bool>,
) -> watch::Receiver<()>
where
    I: tokio_stream::Stream<Item = io::Result<C>> + Send + 'static,
    C: tokio::io::AsyncRead + tokio::io::AsyncWrite + Connected + Unpin + Send + 'static,
{
    let (serving, served) = watch::channel(());
    node.run(async move {
        let stop = async move {
            // An error when the `Server` was dropped: it serves on.
            if stopped.wait_for(|stopped| *stopped).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let server = tonic::transport::Server::builder().add_routes(routes);
        if let Err(error) = server.serve_with_incoming_shutdown(incoming, stop).await {
            warn!(%error, "a gRPC server ended");
        }
        drop(serving);
    });
    served
}

/// Takes in connections, and passes on those whose handshake succeeds.
async fn accept(
    listener: TcpListener,
    acceptor: SslAcceptor,
    connections: mpsc::Sender<io::Result<TlsConnection>>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut handshakes = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept(), if handshakes.len() < HANDSHAKES_MAX => accepted,
            Some(_) = handshakes.join_next() => continue,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "failed to accept a gRPC connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, connections) = (acceptor.clone(), connections.clone());
        handshakes.spawn(async move {
            match tokio::time::timeout(HANDSHAKE_MAX, handshake(&acceptor, stream)).await {
                Ok(Ok(stream)) => {
                    let _ = connections.send(Ok(TlsConnection(stream))).await;
                }
                Ok(Err(reason)) => debug!(reason, "a TLS handshake failed"),
                Err(_) => debug!("a TLS handshake took too long"),
            }
        });
    }
}

async fn handshake(acceptor: &SslAcceptor, stream: TcpStream) -> Result<SslStream<TcpStream>, String> {
    let _ = stream.set_nodelay(true);
    let ssl = Ssl::new(acceptor.context()).map_err(|error| error.to_string())?;
    let mut stream = SslStream::new(ssl, stream).map_err(|error| error.to_string())?;
    Pin::new(&mut stream).accept().await.map_err(|error| error.to_string())?;
    Ok(stream)
}

/// A connection with TLS, as tonic takes it.
struct TlsConnection(SslStream<TcpStream>);

impl Connected for TlsConnection {
    type ConnectInfo = tonic::transport::server::TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.0.get_ref().connect_info()
    }
}

impl tokio::io::AsyncRead for TlsConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl tokio::io::AsyncWrite for TlsConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn remove_socket(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        debug!(path = %path.display(), %error, "failed to remove a unix socket");
    }
}
