//! `https`, and whose certificates count.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hyper::Uri;
use hyper_openssl::client::legacy::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use tokio::net::TcpStream;
use tower_service::Service;

use super::ClientBuilder;
use super::connector::Error;
use crate::tls::Tls;

pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The stream of a connection without TLS.
pub(super) fn plain(stream: TokioIo<TcpStream>) -> Stream {
    MaybeHttpsStream::Http(stream)
}

/// Whom a client trusts.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    /// What the node says, instead of what the system trusts.
    node: Option<Tls>,
    trusted: Vec<PathBuf>,
    anyone: bool,
}

/// Makes connections for `https` URLs.
pub(super) struct Secure {
    trust: Trust,
    /// Made when it is first needed: reading what the system trusts takes some milliseconds.
    connector: OnceLock<Result<HttpsConnector<HttpConnector>, String>>,
}

impl Secure {
    pub(super) fn new(trust: Trust) -> Self {
        Self { trust, connector: OnceLock::new() }
    }

    pub(super) async fn connect(&self, http: HttpConnector, uri: Uri) -> Result<Stream, Error> {
        let tls = self.connector.get_or_init(|| https(http, &self.trust));
        tls.clone().map_err(Error::from)?.call(uri).await
    }
}

/// With the feature `tls`.
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
impl ClientBuilder {
    /// Also trusts the certificates in a PEM file. It is read when the first `https` connection is
    /// made.
    #[must_use]
    pub fn trust(mut self, pem: impl Into<PathBuf>) -> Self {
        self.trust.trusted.push(pem.into());
        self
    }

    /// Takes any certificate of an `https` server, so that anybody may be at the other end: for
    /// asking whether somebody is there, and for nothing else.
    #[must_use]
    pub fn trust_anyone(mut self) -> Self {
        self.trust.anyone = true;
        self
    }

    /// Speaks TLS as a node with these settings does: it shows the node's certificate, trusts the node's
    /// authorities, and checks certificates only where the settings say so.
    #[must_use]
    pub fn tls(mut self, tls: &Tls) -> Self {
        self.trust.node = Some(tls.clone());
        self
    }
}

fn https(http: HttpConnector, trust: &Trust) -> Result<HttpsConnector<HttpConnector>, String> {
    let set_up = |error| format!("failed to set up TLS: {error}");
    let mut tls = match &trust.node {
        Some(node) => node.new_connector().map_err(|error| error.to_string())?,
        None => {
            let mut tls = SslConnector::builder(SslMethod::tls_client()).map_err(set_up)?;
            trust_system(&mut tls);
            tls
        }
    };
    if trust.anyone {
        tls.set_verify(SslVerifyMode::NONE);
    }
    for path in &trust.trusted {
        add(&mut tls, path).map_err(|error| {
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

fn add(tls: &mut SslConnectorBuilder, path: &Path) -> Result<(), Error> {
    for certificate in X509::stack_from_pem(&std::fs::read(path)?)? {
        tls.cert_store_mut().add_cert(certificate)?;
    }
    Ok(())
}
