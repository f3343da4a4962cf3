//! How a channel gets a connection: it tries until it has one.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use openssl::ssl::SslConnector;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_openssl::SslStream;
use tracing::debug;

use crate::backoff::Backoff;
use crate::readiness::Readiness;
use crate::target::Target;
use crate::tls::Tls;

/// How long one try may take: real time, as the other side of a socket has it.
const CONNECT_MAX: Duration = Duration::from_secs(20);

/// What connecting to a target takes.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) target: Target,
    pub(crate) tls: Option<(SslConnector, Arc<Tls>)>,
    pub(crate) readiness: Readiness,
}

impl Connector {
    /// Tries until a connection is there; whoever does not want to wait for it hears of each failure.
    pub(crate) async fn connect(self) -> TokioIo<Stream> {
        let mut backoff = Backoff::new();
        loop {
            let tried = tokio::time::timeout(CONNECT_MAX, self.connect_once()).await;
            match tried.unwrap_or_else(|_| Err("connecting took too long".to_owned())) {
                Ok(stream) => {
                    self.readiness.connected();
                    return TokioIo::new(stream);
                }
                Err(reason) => {
                    debug!(target = ?self.target, reason, "failed to connect to a gRPC server");
                    self.readiness.failed(reason);
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    async fn connect_once(&self) -> Result<Stream, String> {
        match &self.target {
            Target::Unix(path) => {
                let stream = UnixStream::connect(path).await;
                let stream =
                    stream.map_err(|error| format!("cannot connect to {}: {error}", path.display()))?;
                Ok(Box::pin(stream))
            }
            Target::Tcp { host, port, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await;
                let stream = stream.map_err(|error| format!("cannot connect to {host}:{port}: {error}"))?;
                // A socket that does not take an option works without it.
                let _ = stream.set_nodelay(true);
                let Some((connector, tls)) = &self.tls else { return Ok(Box::pin(stream)) };
                let secured = secure(connector, tls.expected_name(host), stream).await;
                secured.map_err(|reason| format!("no TLS with {host}:{port}: {reason}"))
            }
        }
    }
}

async fn secure(connector: &SslConnector, name: &str, stream: TcpStream) -> Result<Stream, String> {
    let ssl = connector.configure().and_then(|it| it.into_ssl(name)).map_err(|error| error.to_string())?;
    let mut stream = SslStream::new(ssl, stream).map_err(|error| error.to_string())?;
    if let Err(error) = Pin::new(&mut stream).connect().await {
        let verified = stream.ssl().verify_result();
        return Err(match verified.as_raw() {
            0 => error.to_string(),
            _ => format!("the server's certificate is refused: {}", verified.error_string()),
        });
    }
    if stream.ssl().selected_alpn_protocol() != Some(b"h2") {
        return Err("the server does not speak HTTP/2".to_owned());
    }
    Ok(Box::pin(stream))
}

/// A connection of any kind.
pub(crate) type Stream = Pin<Box<dyn ByteStream>>;

/// What bytes come and go over.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> ByteStream for T {}
