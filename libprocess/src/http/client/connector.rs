//! How a client gets its connections.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::timeout;
use tower_service::Service;

use super::secure::{Secure, Stream, Trust, plain};

pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections for `http` and `https` URLs, each within its time.
#[derive(Clone)]
pub(super) struct Connector {
    http: HttpConnector,
    secure: Arc<Secure>,
    wait_max: Duration,
}

impl Connector {
    pub(super) fn new(wait_max: Duration, trust: Trust) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        Self { http, secure: Arc::new(Secure::new(trust)), wait_max }
    }

    /// The stream for requests to a URL.
    pub(super) async fn connect(mut self, uri: Uri) -> Result<Stream, Error> {
        let wait_max = self.wait_max;
        let stream = async move {
            match uri.scheme_str() {
                Some("https") => self.secure.connect(self.http, uri).await,
                _ => Ok(plain(self.http.call(uri).await?)),
            }
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
