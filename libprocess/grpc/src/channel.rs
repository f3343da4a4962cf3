//! The way to one server.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use openssl::ssl::SslConnector;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::transport::Endpoint;

use crate::connector::Connector;
use crate::error::ChannelError;
use crate::interceptor::{CallInterceptor, Intercept, Transport};
use crate::options::CallOptions;
use crate::readiness::Readiness;
use crate::target::Target;
use crate::tls::Tls;

/// The way to one server: it connects when it is first used, and anew, with growing waits, when the
/// connection is lost. Cloning is cheap, and clones share the connection.
#[derive(Clone)]
pub struct Channel {
    way: Arc<Way>,
    interceptors: Arc<[Intercept]>,
}

struct Way {
    target: Target,
    endpoint: Endpoint,
    tls: Option<(SslConnector, Arc<Tls>)>,
    readiness: Readiness,
    /// Made in a tokio runtime, which the first call has.
    transport: OnceLock<tonic::transport::Channel>,
}

impl Channel {
    /// A channel to `host:port`, `http://host:port`, `https://host:port` (which trusts the authorities of the
    /// system), `unix:path` or `unix:///path`.
    ///
    /// # Errors
    ///
    /// Fails when the text is none of these.
    pub fn new(target: &str) -> Result<Self, ChannelError> {
        let target = Target::parse(target)?;
        let tls = matches!(target, Target::Tcp { tls: true, .. }).then(Tls::new);
        Self::to(target, tls)
    }

    /// A channel over TLS, to `host:port` or `https://host:port`.
    ///
    /// # Errors
    ///
    /// Fails when the text is neither, or the files that `tls` names cannot be used.
    pub fn secure(target: &str, tls: Tls) -> Result<Self, ChannelError> {
        let wrong =
            |reason: &str| ChannelError::Target { target: target.to_owned(), reason: reason.to_owned() };
        if target.starts_with("http://") {
            return Err(wrong("this is an address without TLS"));
        }
        match Target::parse(target)? {
            Target::Tcp { host, port, .. } => Self::to(Target::Tcp { host, port, tls: true }, Some(tls)),
            Target::Unix(_) => Err(wrong("a unix socket has no TLS")),
        }
    }

    /// A channel to a unix socket, which need not be there yet.
    #[must_use]
    pub fn unix(path: impl AsRef<Path>) -> Self {
        // There is no host; servers want one all the same.
        Self::over(Target::unix(path.as_ref()), Endpoint::from_static("http://localhost"), None)
    }

    fn to(target: Target, tls: Option<Tls>) -> Result<Self, ChannelError> {
        let origin = target.origin();
        let endpoint = Endpoint::from_shared(origin.clone())
            .map_err(|error| ChannelError::Target { target: origin, reason: error.to_string() })?;
        let tls = match tls {
            Some(tls) => Some((tls.connector().map_err(ChannelError::Tls)?, Arc::new(tls))),
            None => None,
        };
        Ok(Self::over(target, endpoint, tls))
    }

    fn over(target: Target, endpoint: Endpoint, tls: Option<(SslConnector, Arc<Tls>)>) -> Self {
        let (readiness, transport) = (Readiness::new(), OnceLock::new());
        let way = Way { target, endpoint, tls, readiness, transport };
        Self { way: Arc::new(way), interceptors: Arc::default() }
    }

    /// The same channel, which runs `f` on the metadata of every call made with it, after those that it has: it
    /// may add to it, or end the call with a status.
    #[must_use]
    pub fn with_interceptor(
        mut self,
        f: impl Fn(&mut MetadataMap) -> Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        let new: Intercept = Arc::new(f);
        self.interceptors = self.interceptors.iter().cloned().chain([new]).collect();
        self
    }

    /// What generated clients are made from. Only within a tokio runtime.
    pub(crate) fn transport(&self, options: CallOptions) -> Transport {
        let way = &self.way;
        let transport = way.transport.get_or_init(|| {
            let connector = Connector {
                target: way.target.clone(),
                tls: way.tls.clone(),
                readiness: way.readiness.clone(),
            };
            let connect = tower::service_fn(move |_| {
                let connector = connector.clone();
                async move { Ok::<_, Infallible>(connector.connect().await) }
            });
            way.endpoint.connect_with_connector_lazy(connect)
        });
        let interceptor = CallInterceptor {
            interceptors: Arc::clone(&self.interceptors),
            metadata: options.metadata,
            deadline: options.deadline,
        };
        Transport::new(transport.clone(), interceptor)
    }

    pub(crate) fn readiness(&self) -> &Readiness {
        &self.way.readiness
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("target", &self.way.target).finish_non_exhaustive()
    }
}
