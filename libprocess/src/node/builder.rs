//! How a node comes to be.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::asks::Asks;
use super::firewall::Firewall;
use super::realms::Realms;
use super::table::Table;
use super::{Inner, Node, WeakNode};
use crate::Clock;
use crate::builtin;
use crate::group::Groups;
use crate::http::{Authenticator, Limits};
use crate::metrics::Metrics;
use crate::remote::{Faults, Network, Port, Remote, Way};
use crate::runtime::{Runtime, Scheduler, Tasks};
use crate::tls::Tls;

/// Describes a [`Node`] before it starts.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let node = libprocess::Node::builder()
///     .bind("127.0.0.1:0".parse().unwrap())
///     .delegate("master")
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
    delegate: Option<String>,
    realms: Realms,
    firewall: Firewall,
    limits: Limits,
    tls: Option<Tls>,
    faults: Option<Faults>,
    scheduler: Option<Own<dyn Scheduler>>,
    network: Option<Own<dyn Network>>,
    asks_patience: Option<Duration>,
}

/// Something of the node's own, which has no text.
struct Own<T: ?Sized>(Arc<T>);

impl<T: ?Sized> std::fmt::Debug for Own<T> {
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
            delegate: None,
            realms: Realms::default(),
            firewall: Firewall::default(),
            limits: Limits::default(),
            tls: None,
            scheduler: None,
            network: None,
            faults: None,
            asks_patience: None,
        }
    }
}

/// How many connections may wait to be accepted; the system has a bound of its own.
const BACKLOG: i32 = 4096;

impl NodeBuilder {
    /// Where to listen: by default a free port of the loopback address.
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

    /// The process that gets requests whose path names no process: with `master`, `/state` is
    /// `/master/state`.
    pub fn delegate(mut self, id: impl Into<String>) -> Self {
        self.delegate = Some(id.into());
        self
    }

    /// Has an authenticator look at all requests to routes of a realm, from the first one on:
    /// [`Node::set_authenticator`] for a node that has not started.
    pub fn authenticator(self, realm: impl Into<String>, authenticator: Arc<dyn Authenticator>) -> Self {
        self.realms.set(realm.into(), authenticator);
        self
    }

    /// The realm of the node's own pages that tell about what runs there (`/metrics`,
    /// `/metrics/snapshot`, `/__processes__`), and of [`/logging/toggle`](crate::Logging). `/help` is open to
    /// anybody.
    pub fn pages_realm(mut self, realm: impl Into<String>) -> Self {
        self.realms.pages = Some(realm.into());
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
        paths.into_iter().for_each(|path| self.firewall.disable(path.as_ref()));
        self
    }

    /// The bounds of the HTTP server.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks TLS, with the clients of the HTTP server and with other nodes.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
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

    /// What messages and links go over, instead of sockets: for a simulation. The node's address is the one
    /// that it would [listen](NodeBuilder::bind) at. Nothing listens there, so that the node serves no
    /// HTTP, and TLS is of no use to it.
    pub fn network(mut self, network: Arc<dyn Network>) -> Self {
        self.network = Some(Own(network));
        self
    }

    /// Has messages to and from other nodes suffer faults: for tests.
    pub fn faults(mut self, faults: &Faults) -> Self {
        self.faults = Some(faults.clone());
        self
    }

    /// Starts the node: it listens, and its own pages (`/metrics`, `/metrics/snapshot`,
    /// `/help`, `/__processes__`) answer.
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
        let network = self.network.map(|own| own.0);
        let listener = if network.is_none() { Some(listen(self.bind)?) } else { None };
        let bound = listener.as_ref().map_or(Ok(self.bind), TcpListener::local_addr)?;
        let ip = self.advertise_ip.unwrap_or_else(|| reachable(bound.ip()));
        let address = SocketAddr::new(ip, self.advertise_port.unwrap_or(bound.port()));
        let runtime = tokio::runtime::Handle::current();
        let clock = self.clock.unwrap_or_else(Clock::system);
        let (stopping, mut stop) = watch::channel(false);
        let (serving, served) = watch::channel(());
        let way = network
            .as_ref()
            .map_or_else(|| Way::sockets(runtime.clone(), self.tls.clone()), |own| Way::own(Arc::clone(own)));
        let inner = Inner {
            address,
            hostname: self.hostname.unwrap_or_else(|| ip.to_string()),
            metrics: Metrics::new(clock.clone()),
            tracks: clock.tracks(),
            remote: Remote::new(way, self.faults.map(|faults| (faults, clock.clone()))),
            clock,
            runtime: Arc::new(Runtime::new(runtime.clone(), self.scheduler.map(|own| own.0))?),
            tasks: Tasks::default(),
            delegate: self.delegate,
            realms: self.realms,
            processes: Table::default(),
            groups: Groups::default(),
            asks: self.asks_patience.map(Asks::new),
            numbers: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
            stopping,
            served,
        };
        let node = Node { inner: Arc::new(inner) };
        if let Some(network) = network {
            network.start(Port::new(address, node.downgrade()))?;
        }
        node.inner.runtime.watch(node.downgrade());
        builtin::spawn(&node);
        if let Some(listener) = listener {
            let service = Arc::new(super::service::NodeService::new(&node, self.firewall));
            let stopped = async move {
                // Only an error when the node is gone.
                let _ = stop.wait_for(|stopping| *stopping).await;
            };
            let (limits, tls) = (self.limits, self.tls);
            runtime.spawn(async move {
                crate::http::serve(listener, service, limits, tls, stopped).await;
                drop(serving);
            });
        }
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
