//! The HTTP server of a node, and what is said of it before the node starts.

mod firewall;
mod realms;
mod service;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Node, NodeBuilder, sort};
use crate::builtin;
use crate::http::{Authenticator, Limits};
use crate::pid::AnyProcess;
use crate::tls::Tls;
use firewall::Firewall;
use realms::Realms;
use service::NodeService;

/// How many connections may wait to be accepted; the system has a bound of its own.
const BACKLOG: i32 = 4096;

/// What a builder is told of the server.
#[derive(Debug, Default)]
pub(super) struct Settings {
    delegate: Option<String>,
    realms: Realms,
    firewall: Firewall,
    limits: Limits,
}

/// Where a node is, and its socket there unless its network is its own.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    socket: Option<TcpListener>,
}

/// What a node keeps of its server.
pub(super) struct Server {
    /// Gets requests whose path names no process.
    delegate: Option<String>,
    realms: Realms,
    stopping: watch::Sender<bool>,
    /// Closed once the server has ended.
    served: watch::Receiver<()>,
}

/// A server whose node is about to be.
pub(super) struct Opening {
    socket: Option<TcpListener>,
    firewall: Firewall,
    limits: Limits,
    stop: watch::Receiver<bool>,
    serving: watch::Sender<()>,
}

impl Listener {
    pub(super) fn bind(address: SocketAddr, listens: bool) -> io::Result<Self> {
        if !listens {
            return Ok(Self { address, socket: None });
        }
        let socket = listen(address)?;
        Ok(Self { address: socket.local_addr()?, socket: Some(socket) })
    }
}

impl Server {
    pub(super) fn new(settings: Settings, listener: Listener) -> (Self, Opening) {
        let (stopping, stop) = watch::channel(false);
        let (serving, served) = watch::channel(());
        let Settings { delegate, realms, firewall, limits } = settings;
        let opening = Opening { socket: listener.socket, firewall, limits, stop, serving };
        (Self { delegate, realms, stopping, served }, opening)
    }

    /// Has the server take nothing more.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until it has ended.
    pub(super) async fn stopped(&self) {
        let mut served = self.served.clone();
        while served.changed().await.is_ok() {}
    }
}

impl Opening {
    /// Puts up the node's own pages, and has the server answer.
    pub(super) fn start(self, node: &Node, tls: Option<Tls>) {
        let Self { socket, firewall, limits, mut stop, serving } = self;
        builtin::spawn(node);
        let Some(socket) = socket else { return };
        let service = Arc::new(NodeService::new(node, firewall));
        let stopped = async move {
            // Only an error when the node is gone.
            let _ = stop.wait_for(|stopping| *stopping).await;
        };
        node.inner.runtime.tokio.spawn(async move {
            crate::http::serve(socket, service, limits, tls, stopped).await;
            drop(serving);
        });
    }
}

impl Node {
    fn delegate(&self) -> Option<&str> {
        self.inner.server.delegate.as_deref()
    }

    /// All processes, in the order of their ids.
    pub(crate) fn processes(&self) -> Vec<Arc<dyn AnyProcess>> {
        let mut processes = self.inner.processes.all();
        sort(&mut processes);
        processes
    }
}

impl NodeBuilder {
    /// The process that gets requests whose path names no process: with `master`, `/state` is
    /// `/master/state`.
    pub fn delegate(mut self, id: impl Into<String>) -> Self {
        self.server.delegate = Some(id.into());
        self
    }

    /// Has an authenticator look at all requests to routes of a realm, from the first one on:
    /// [`Node::set_authenticator`] for a node that has not started.
    pub fn authenticator(self, realm: impl Into<String>, authenticator: Arc<dyn Authenticator>) -> Self {
        self.server.realms.set(realm.into(), authenticator);
        self
    }

    /// The realm of the node's own pages that tell about what runs there (`/metrics`,
    /// `/metrics/snapshot`, `/__processes__`), and of [`/logging/toggle`](crate::Logging). `/help` is open to
    /// anybody.
    pub fn pages_realm(mut self, realm: impl Into<String>) -> Self {
        self.server.realms.pages = Some(realm.into());
        self
    }

    /// Answers no requests to these paths, such as `/files/browse`, but 403, whoever asks. A path is that
    /// of an endpoint, and says nothing about those below it; what leads to the endpoint by another path
    /// (that of a [delegate](NodeBuilder::delegate), or a longer one that no other route answers) is
    /// refused too. Messages between processes are no requests.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let node = libprocess::Node::builder().disable_endpoints(["/metrics/snapshot"]).start().await?;
    /// # node.shutdown().await;
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub fn disable_endpoints<S: AsRef<str>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        paths.into_iter().for_each(|path| self.server.firewall.disable(path.as_ref()));
        self
    }

    /// The bounds of the HTTP server.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.server.limits = limits;
        self
    }

    /// Speaks TLS, with the clients of the HTTP server and with other nodes.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
