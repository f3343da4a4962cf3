//! One connection that is kept.

use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{HeaderMap, Method, Uri};
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;

use super::connector::Connector;
use super::{ClientError, ClientResponse, assemble};
use crate::http::Body;

/// A connection to one server, over which requests go in their order.
///
/// A request is written once the body of the answer before it has been read to its end, or dropped,
/// which closes the connection. So a stream needs a connection to itself. When either side closes
/// it, the connection stays closed; dropping it closes it when the answer under way has been read.
#[derive(Debug)]
pub struct Connection {
    // Fair, so requests are sent in the order in which `request` was first polled.
    sender: Mutex<SendRequest<Body>>,
    host: HeaderValue,
    /// Scheme and authority of the server, for errors.
    origin: String,
    driver: AbortHandle,
    ended: watch::Receiver<()>,
}

impl Connection {
    pub(super) async fn open(connector: Connector, uri: Uri, url: &str) -> Result<Self, ClientError> {
        let host = uri.authority().and_then(|authority| {
            // What stands before the @ is for the client.
            let host = authority.as_str().rsplit('@').next()?;
            HeaderValue::from_str(host).ok()
        });
        let host = host.ok_or_else(|| ClientError::not_http(url))?;
        let origin = format!("{}://{}", uri.scheme_str().unwrap_or("http"), host.to_str().unwrap_or(""));
        let failed = |error| ClientError::connect(url, error);
        let stream = connector.connect(uri).await.map_err(failed)?;
        let (sender, driver) = http1::handshake(stream).await.map_err(|error| failed(error.into()))?;
        let (end, ended) = watch::channel(());
        let task = tokio::spawn(async move {
            // Whoever waits for an answer gets the error.
            let _ = driver.await;
            drop(end);
        });
        Ok(Self { sender: Mutex::new(sender), host, origin, driver: task.abort_handle(), ended })
    }

    /// Sends a request for a path, maybe with a query, when its turn has come, and waits for the head
    /// of the answer.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the path is none, or the connection is closed or breaks before the head of
    /// the answer has come.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: impl Into<Body>,
    ) -> Result<ClientResponse, ClientError> {
        let url = format!("{}{path}", self.origin);
        let uri: Uri = path.parse().map_err(|error| ClientError::url(&url, error))?;
        if !path.starts_with('/') {
            return Err(ClientError::not_http(&url));
        }
        headers.insert(HOST, self.host.clone());
        let request = assemble(method.clone(), uri, headers, body.into());
        let mut sender = self.sender.lock().await;
        sender.ready().await.map_err(|error| ClientError::connect(&url, error))?;
        let response = sender.send_request(request);
        drop(sender);
        match response.await {
            Ok(response) => Ok(ClientResponse::new(response, method, &url)),
            Err(error) => Err(ClientError::request(&method, &url, error)),
        }
    }

    /// Closes the connection at once, whatever is under way.
    pub fn disconnect(&self) {
        self.driver.abort();
    }

    /// Waits until the connection is closed, by either side. The future does not borrow the
    /// connection.
    pub fn disconnected(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut ended = self.ended.clone();
        async move { while ended.changed().await.is_ok() {} }
    }
}
