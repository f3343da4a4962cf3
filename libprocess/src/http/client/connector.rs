//! How a client gets its connections.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::Uri;
use hyper_openssl::client::legacy::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::tls::Tls;

pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Error = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections for `http` and `https` URLs, each within its time.
#[derive(Clone)]
pub(super) struct Connector {
    http: HttpConnector,
    tls: Arc<Trust>,
    wait_max: Duration,
}

struct Trust {
    /// What the node says, instead of what the system trusts.
    node: Option<Tls>,
    trusted: Vec<PathBuf>,
    trusts_anyone: bool,
    /// Made when it is first needed: reading what the system trusts takes some milliseconds.
    connector: OnceLock<Result<HttpsConnector<HttpConnector>, String>>,
}

impl Connector {
    pub(super) fn new(
        wait_max: Duration,
        trusted: Vec<PathBuf>,
        trusts_anyone: bool,
        node: Option<Tls>,
    ) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let tls = Trust { node, trusted, trusts_anyone, connector: OnceLock::new() };
        Self { http, tls: Arc::new(tls), wait_max }
    }

    /// The stream for requests to a URL.
    pub(super) async fn connect(mut self, uri: Uri) -> Result<Stream, Error> {
        let wait_max = self.wait_max;
        let stream = async move {
            if uri.scheme_str() != Some("https") {
                return Ok(MaybeHttpsStream::Http(self.http.call(uri).await?));
            }
            let tls = self.tls.connector.get_or_init(|| https(self.http, &self.tls));
            tls.clone().map_err(Error::from)?.call(uri).await
        };
        timeout(wait_max, stream)
            .await
            .unwrap_or_else(|_| Err(format!("not connected after {wait_max:?}").into()))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Stream, Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        self.clone().connect(uri).boxed()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connector").finish_non_exhaustive()
    }
}

fn https(http: HttpConnector, settings: &Trust) -> Result<HttpsConnector<HttpConnector>, String> {
    let set_up = |error| format!("failed to set up TLS: {error}");
    let mut tls = match &settings.node {
        Some(node) => node.new_connector().map_err(|error| error.to_string())?,
        None => {
            let mut tls = SslConnector::builder(SslMethod::tls_client()).map_err(set_up)?;
            trust_system(&mut tls);
            tls
        }
    };
    if settings.trusts_anyone {
        tls.set_verify(SslVerifyMode::NONE);
    }
    for path in &settings.trusted {
        trust(&mut tls, path).map_err(|error| {
            format!("failed to read the trusted certificates in {}: {error}", path.display())
        })?;
    }
    HttpsConnector::with_connector(http, tls).map_err(set_up)
}

/// Trusts what the system does; what it lacks shows when a certificate is checked.
fn trust_system(tls: &mut SslConnectorBuilder) {
    let found = openssl_probe::probe();
    if let Some(file) = &found.cert_file {
        let _ = tls.set_ca_file(file);
    }
    for directory in &found.cert_dir {
        let _ = tls.load_verify_locations(None, Some(directory));
    }
}

fn trust(tls: &mut SslConnectorBuilder, path: &Path) -> Result<(), Error> {
    for certificate in X509::stack_from_pem(&std::fs::read(path)?)? {
        tls.cert_store_mut().add_cert(certificate)?;
    }
    Ok(())
}
