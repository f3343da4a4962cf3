//! How a node comes to be.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use super::asks::Asks;
use super::server::{self, Listener, Server};
use super::table::Table;
use super::{Inner, Node, WeakNode};
use crate::group::Groups;
use crate::runtime::{Runtime, Scheduler, Tasks};
use crate::tls::Tls;
use crate::{Clock, remote};

/// Describes a [`Node`] before it starts.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let node = libprocess::Node::builder()
///     .bind("127.0.0.1:0".parse().unwrap())
///     .hostname("somewhere")
///     .start()
///     .await?;
/// assert_ne!(node.address().port(), 0);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a node begins with `start`"]
pub struct NodeBuilder {
    bind: SocketAddr,
    advertise_ip: Option<IpAddr>,
    advertise_port: Option<u16>,
    hostname: Option<String>,
    clock: Option<Clock>,
    scheduler: Option<Own>,
    asks_patience: Option<Duration>,
    pub(super) server: server::Settings,
    pub(super) tls: Option<Tls>,
    pub(crate) remote: remote::Settings,
}

/// A scheduler of the node's own, which has no text.
struct Own(Arc<dyn Scheduler>);

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Own")
    }
}

impl Default for NodeBuilder {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            advertise_ip: None,
            advertise_port: None,
            hostname: None,
            clock: None,
            scheduler: None,
            asks_patience: None,
            server: Default::default(),
            tls: None,
            remote: Default::default(),
        }
    }
}

impl NodeBuilder {
    /// Where to listen: by default a free port of the loopback address. Without the feature `http` nothing
    /// listens, and the address only names the node.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.bind = address;
        self
    }

    /// The IP address that others reach the node at, where it differs from the one it listens at.
    pub fn advertise_ip(mut self, ip: IpAddr) -> Self {
        self.advertise_ip = Some(ip);
        self
    }

    /// The port that others reach the node at, where it differs from the one it listens at.
    pub fn advertise_port(mut self, port: u16) -> Self {
        self.advertise_port = Some(port);
        self
    }

    /// The name of the machine, as people and links are told it: by default the IP address.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// The clock of the node: by default the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Who decides what runs when, instead of the worker threads of the program: for a simulation.
    pub fn scheduler(mut self, scheduler: Arc<dyn Scheduler>) -> Self {
        self.scheduler = Some(Own(scheduler));
        self
    }

    /// Keeps watch of which process waits for the answer of which other, and warns of a ring of them that is there
    /// for longer than `patience`: each waits for the next one, and, unless one is answered in another way, none
    /// will ever have its answer. `/__processes__` then has for each process whom it waits for, and its ring.
    ///
    /// What counts is what a handler [asks](crate::Pid::ask) and somebody still wants to know. Questions from
    /// futures that are given to [`Context::run`](crate::Context::run), and answers to messages, are not seen.
    /// It costs a little for each question, and is for tests and for who looks for a fault.
    pub fn watch_asks(mut self, patience: Duration) -> Self {
        self.asks_patience = Some(patience);
        self
    }

    /// Starts the node: it listens, and its own pages (`/metrics`, `/metrics/snapshot`,
    /// `/help`, `/__processes__`) answer. Without the feature `http` it does neither.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be listened at, a network of the node's own refuses it, or the system
    /// refuses to start the threads that processes run on.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub async fn start(self) -> io::Result<Node> {
        let listener = Listener::bind(self.bind, !self.remote.has_network())?;
        let bound = listener.address;
        let ip = self.advertise_ip.unwrap_or_else(|| reachable(bound.ip()));
        let runtime = tokio::runtime::Handle::current();
        let clock = self.clock.unwrap_or_else(Clock::system);
        let (server, opening) = Server::new(self.server, listener);
        let inner = Inner {
            address: SocketAddr::new(ip, self.advertise_port.unwrap_or(bound.port())),
            hostname: self.hostname.unwrap_or_else(|| ip.to_string()),
            #[cfg(feature = "metrics")]
            metrics: crate::metrics::Metrics::new(clock.clone()),
            tracks: clock.tracks(),
            remote: self.remote.open(self.tls.clone(), &clock),
            clock,
            runtime: Arc::new(Runtime::new(runtime.clone(), self.scheduler.map(|own| own.0))?),
            tasks: Tasks::default(),
            server,
            processes: Table::default(),
            groups: Groups::default(),
            asks: self.asks_patience.map(Asks::new),
            numbers: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
        };
        let node = Node { inner: Arc::new(inner) };
        node.remote().start(&node)?;
        node.inner.runtime.watch(node.downgrade());
        opening.start(&node, self.tls);
        let lost = Lost(node.downgrade());
        runtime.spawn(async move {
            let _lost = lost;
            std::future::pending::<()>().await;
        });
        Ok(node)
    }
}

/// Dropped with the tokio runtime, which ends the node.
struct Lost(WeakNode);

impl Drop for Lost {
    fn drop(&mut self) {
        if let Some(node) = self.0.upgrade() {
            node.abandon();
        }
    }
}

/// The address that others reach a node at that listens at `ip`: where that is all addresses, the
/// one that the machine would send from.
fn reachable(ip: IpAddr) -> IpAddr {
    if !ip.is_unspecified() {
        return ip;
    }
    let (far, near): (IpAddr, IpAddr) = match ip {
        IpAddr::V4(_) => (Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(_) => (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(), Ipv6Addr::LOCALHOST.into()),
    };
    // Connecting a datagram socket sends nothing; it only chooses a route.
    let routed = UdpSocket::bind((ip, 0)).and_then(|socket| {
        socket.connect((far, 9))?;
        Ok(socket.local_addr()?.ip())
    });
    routed.unwrap_or(near)
}
