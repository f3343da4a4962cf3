//! Requests to other servers.

mod connection;
mod connector;
mod error;
mod response;
#[cfg_attr(not(feature = "tls"), path = "client/plain.rs")]
mod secure;

use std::time::Duration;

use hyper::{HeaderMap, Method, Uri};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::Body;
use crate::trace;
use connector::Connector;
use secure::Trust;

pub use connection::Connection;
pub use error::ClientError;
pub use response::ClientResponse;

/// An HTTP/1.1 client for `http` and `https`, which keeps connections for the next request to the
/// same server.
///
/// Without the feature `tls` it speaks no `https`. With it, the certificates of `https` servers are checked against those that the system trusts, or those in
/// the file that `SSL_CERT_FILE` names, and against what [`ClientBuilder::trust`] adds. Redirects are
/// answers like any other. Clones share connections.
///
/// ```no_run
/// use libprocess::http::{Client, HeaderMap, Method};
///
/// # async fn example() -> Result<(), libprocess::http::ClientError> {
/// let client = Client::new();
/// let url = "http://127.0.0.1:5050/metrics/snapshot";
/// let response = client.request(Method::GET, url, HeaderMap::new(), "").await?;
/// let body = response.bytes(1 << 20).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pool: legacy::Client<Connector, Body>,
    connector: Connector,
}

/// Settings of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    connect_wait_max: Duration,
    trust: Trust,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self { connect_wait_max: Duration::from_secs(10), trust: Default::default() }
    }
}

impl ClientBuilder {
    /// How long it may take to be connected, TLS and the look-up of the name included; 10 seconds
    /// unless said otherwise.
    #[must_use]
    pub fn connect_wait_max(mut self, wait: Duration) -> Self {
        self.connect_wait_max = wait;
        self
    }

    /// The client with these settings.
    pub fn build(self) -> Client {
        let connector = Connector::new(self.connect_wait_max, self.trust);
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        Client { pool: builder.build(connector.clone()), connector }
    }
}

impl Default for Client {
    fn default() -> Self {
        ClientBuilder::default().build()
    }
}

impl Client {
    /// A client with the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client with other settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Sends a request and waits for the head of the answer; its body is read from what is returned.
    /// The length of the body and the `Host` are filled in.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the URL is not an absolute `http` or `https` one, the server cannot be
    /// reached, or the connection breaks before the head has come. Any status is an answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection; the server may have got the request or not.
    pub async fn request(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: impl Into<Body>,
    ) -> Result<ClientResponse, ClientError> {
        let uri = parse(url)?;
        let request = assemble(method.clone(), uri, headers, body.into());
        match self.pool.request(request).await {
            Ok(response) => Ok(ClientResponse::new(response, method, url)),
            Err(error) if error.is_connect() => Err(ClientError::connect(url, error)),
            Err(error) => Err(ClientError::request(&method, url, error)),
        }
    }

    /// Opens a connection of its own to the server of a URL, for requests that must go over one.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the URL is not an absolute `http` or `https` one, or the server cannot be
    /// reached.
    pub async fn connect(&self, url: &str) -> Result<Connection, ClientError> {
        Connection::open(self.connector.clone(), parse(url)?, url).await
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

/// The URL of a server that this client can talk to.
pub(super) fn parse(url: &str) -> Result<Uri, ClientError> {
    let uri: Uri = url.parse().map_err(|error| ClientError::url(url, error))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(ClientError::not_http(url)),
    }
}

fn assemble(method: Method, uri: Uri, headers: HeaderMap, body: Body) -> hyper::Request<Body> {
    let mut request = hyper::Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    trace::http::add_to(request.headers_mut());
    request
}
