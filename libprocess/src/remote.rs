//! Messages to, and links with, processes on other nodes.
//!
//! There is at most one connection to an address at a time. It is made when there is something to
//! send or a link is set, and closed some time after nothing waits and no link holds it; whoever linked
//! hears of its end. What follows on a new connection is sent when the other side has read all that
//! the old one brought, so that messages arrive in the order in which they were sent.
//!
//! [`Faults`] are for tests: they lose, delay and double messages between nodes. A node may be given a
//! [`Network`] of its own in place of all this, such as one that a simulator makes up.

mod faults;
mod links;
mod own;
mod peer;
mod queue;
mod room;
mod settings;
mod task;
#[cfg(test)]
mod tests;

pub use faults::{Direction, Fault, Faults, Passing, Rule};
pub use own::{Network, Port};
pub(crate) use settings::Settings;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::warn;

use crate::http::{MESSAGE_BYTES_MAX, encode_traced};
use crate::pid::{AnyProcess, Hook, Link};
use crate::tls::Tls;
use crate::{Clock, Node, Upid, trace};
use own::Own;
use peer::Peer;
use task::Task;

/// How long a node that shuts down waits for what was sent to be on its way. Real time, as the other
/// side of a socket has it.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(1);

/// From this length on a message is made before others are kept from sending, and not copied again.
const LONG_BODY_BYTES_MIN: usize = 16 << 10;

pub(crate) struct Remote {
    way: Way,
    /// With the clock of delays.
    faults: Option<(Faults, Clock)>,
}

/// What messages and links go over.
#[derive(Clone)]
pub(crate) enum Way {
    Sockets(Arc<Sockets>),
    Own(Arc<Own>),
}

enum WeakWay {
    Sockets(Weak<Sockets>),
    Own(Weak<Own>),
}

/// The connections of a node.
pub(crate) struct Sockets {
    runtime: tokio::runtime::Handle,
    tls: Option<Tls>,
    peers: Mutex<Peers>,
    /// Each connection's task holds a receiver.
    tasks: watch::Sender<()>,
}

#[derive(Default)]
struct Peers {
    by_address: HashMap<SocketAddr, Peer>,
    connections: u64,
    closed: bool,
}

impl Way {
    fn sockets(runtime: tokio::runtime::Handle, tls: Option<Tls>) -> Self {
        let sockets = Sockets { runtime, tls, peers: Mutex::default(), tasks: watch::Sender::new(()) };
        Self::Sockets(Arc::new(sockets))
    }

    fn own(network: Arc<dyn Network>) -> Self {
        Self::Own(Arc::new(Own::new(network)))
    }

    #[inline]
    fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        match self {
            Self::Sockets(sockets) => sockets.send(from, to, name, body),
            Self::Own(own) => own.send(from, to, name, body),
        }
    }

    fn downgrade(&self) -> WeakWay {
        match self {
            Self::Sockets(sockets) => WeakWay::Sockets(Arc::downgrade(sockets)),
            Self::Own(own) => WeakWay::Own(Arc::downgrade(own)),
        }
    }
}

impl WeakWay {
    fn upgrade(&self) -> Option<Way> {
        match self {
            Self::Sockets(sockets) => sockets.upgrade().map(Way::Sockets),
            Self::Own(own) => own.upgrade().map(Way::Own),
        }
    }
}

impl Remote {
    fn new(way: Way, faults: Option<(Faults, Clock)>) -> Self {
        Self { way, faults }
    }

    /// Tells a network of the node's own which node it is for.
    ///
    /// # Errors
    ///
    /// When that refuses the node.
    pub(crate) fn start(&self, node: &Node) -> std::io::Result<()> {
        match &self.way {
            Way::Sockets(_) => Ok(()),
            Way::Own(own) => own.start(Port::new(node.address(), node.downgrade())),
        }
    }

    pub(crate) fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        if body.len() > MESSAGE_BYTES_MAX {
            warn!(name, to = %to, bytes = body.len(), "dropping a message that is too long to be received");
            return;
        }
        let Some((faults, clock)) = &self.faults else { return self.way.send(from, to, name, body) };
        match faults.strike(&Passing { direction: Direction::Sent, from, to, name, body }) {
            None => self.way.send(from, to, name, body),
            Some(Fault::Drop) => {}
            Some(Fault::Duplicate) => {
                self.way.send(from, to, name, body);
                self.way.send(from, to, name, body);
            }
            Some(Fault::Delay(wait)) => {
                let (from, to, name, body) = (from.clone(), to.clone(), name.to_owned(), body.to_vec());
                let way = self.way.downgrade();
                let origin = trace::origin();
                clock.after(wait, move || {
                    let _there = origin.as_deref().map(trace::Origin::enter);
                    if let Some(way) = way.upgrade() {
                        way.send(&from, &to, &name, &body);
                    }
                });
            }
        }
    }

    pub(crate) fn link(&self, pid: &Upid, linker: Arc<dyn AnyProcess>) -> Link {
        match &self.way {
            Way::Sockets(sockets) => sockets.link(pid, linker),
            Way::Own(own) => own.link(pid, linker),
        }
    }

    pub(crate) fn unlink(&self, pid: &Upid, linker: &Upid) {
        match &self.way {
            Way::Sockets(sockets) => sockets.unlink(pid, linker),
            Way::Own(own) => own.unlink(pid, linker),
        }
    }

    /// Has a hook called when the connection to an address ends; now, if there can be none. Says whether it
    /// waits.
    pub(crate) fn watch(&self, address: SocketAddr, number: u64, hook: Hook) -> bool {
        match &self.way {
            Way::Sockets(sockets) => sockets.watch(address, number, hook),
            Way::Own(own) => own.watch(address, number, hook),
        }
    }

    pub(crate) fn unwatch(&self, address: SocketAddr, number: u64) {
        match &self.way {
            Way::Sockets(sockets) => sockets.unwatch(address, number),
            Way::Own(own) => own.unwatch(address, number),
        }
    }

    /// Replaces the connection to an address, if there is one.
    fn reconnect(&self, address: SocketAddr) {
        match &self.way {
            Way::Sockets(sockets) => sockets.reconnect(address),
            Way::Own(own) => own.reconnect(address),
        }
    }

    /// Makes no new connections, and waits a little for those there are to send what waits, before it
    /// ends them.
    pub(crate) async fn close(&self) {
        match &self.way {
            Way::Sockets(sockets) => sockets.close().await,
            Way::Own(own) => own.close(),
        }
    }
}

impl Sockets {
    async fn close(&self) {
        {
            let mut peers = self.peers.lock();
            peers.closed = true;
            peers.by_address.values().for_each(|peer| peer.signals.work.notify_one()); // They need not rest.
        }
        if tokio::time::timeout(CLOSE_WAIT_MAX, self.tasks.closed()).await.is_err() {
            let peers = self.peers.lock();
            peers.by_address.values().for_each(|peer| peer.signals.cut.notify_one());
        }
    }

    fn send(self: &Arc<Self>, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        let trace = trace::outgoing();
        let long = (body.len() >= LONG_BODY_BYTES_MIN)
            .then(|| encode_traced(&from.to_string(), to.id(), name, body, trace));
        let cut_off = self.with_peer(to.address(), |peer| match long {
            Some(message) => peer.push(message),
            None => peer.append(from, to.id(), name, body, trace),
        });
        if cut_off == Some(true) {
            warn!(to = %to, "cutting off a peer that takes in no messages");
        }
    }

    /// Runs `f` on the peer at `address`, connecting to it if need be; `None` when the node is closed.
    fn with_peer<R>(self: &Arc<Self>, address: SocketAddr, f: impl FnOnce(&mut Peer) -> R) -> Option<R> {
        let mut peers = self.peers.lock();
        if peers.closed {
            return None;
        }
        if let Some(peer) = peers.by_address.get_mut(&address) {
            return Some(f(peer));
        }
        let mut peer = Peer::default();
        let result = f(&mut peer);
        let task = self.connection(address, peers.next(), &mut peer);
        peers.by_address.insert(address, peer);
        drop(peers);
        self.runtime.spawn(task.run());
        Some(result)
    }

    /// Makes a connection, of which nothing is known yet, that of a peer.
    fn connection(self: &Arc<Self>, address: SocketAddr, connection: u64, peer: &mut Peer) -> Task {
        let (predecessor, ends) = peer.connect(connection);
        Task {
            address,
            connection,
            sockets: Arc::clone(self),
            signals: peer.signals.clone(),
            predecessor: Mutex::new(predecessor),
            _ends: ends,
            _alive: self.tasks.subscribe(),
        }
    }
}

impl Peers {
    /// The number of a new connection.
    fn next(&mut self) -> u64 {
        self.connections += 1;
        self.connections
    }
}

impl Node {
    /// Takes a message in that came from another node; says whether its process was there.
    pub(crate) fn receive(&self, from: &Upid, id: &str, name: &str, body: Bytes) -> bool {
        let deliver = |body| self.deliver(from.clone(), id, name.to_owned(), body);
        let Some((faults, clock)) = &self.remote().faults else { return deliver(body) };
        let to = Upid::new(id, self.address());
        match faults.strike(&Passing { direction: Direction::Received, from, to: &to, name, body: &body }) {
            None => deliver(body),
            Some(Fault::Drop) => true,
            Some(Fault::Duplicate) => deliver(body.clone()) && deliver(body),
            Some(Fault::Delay(wait)) => {
                let (node, from, name) = (self.downgrade(), from.clone(), name.to_owned());
                let origin = trace::origin();
                clock.after(wait, move || {
                    let _there = origin.as_deref().map(trace::Origin::enter);
                    if let Some(node) = node.upgrade() {
                        node.deliver(from, to.id(), name, body);
                    }
                });
                true
            }
        }
    }
}
