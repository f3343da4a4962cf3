//! Messages to, and links with, processes on other nodes.
//!
//! There is at most one connection to an address at a time. It is made when there is something to
//! send or a link is set, and closed some time after nothing waits and no link holds it; whoever linked
//! hears of its end. What follows on a new connection is sent when the other side has read all that
//! the old one brought, so that messages arrive in the order in which they were sent.
//!
//! [`Faults`] are for tests: they lose, delay and double messages between nodes.

mod faults;
mod links;
mod peer;
mod queue;
mod room;
mod task;
#[cfg(test)]
mod tests;

pub use faults::{Direction, Fault, Faults, Passing, Rule};

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::warn;

use crate::http::{MESSAGE_BYTES_MAX, encode_message};
use crate::tls::Tls;
use crate::{Clock, Node, Upid};
use peer::Peer;
use task::Task;

/// How long a node that shuts down waits for what was sent to be on its way. Real time, as the other
/// side of a socket has it.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(1);

/// From this length on a message is made before others are kept from sending, and not copied again.
const LONG_BODY_BYTES_MIN: usize = 16 << 10;

pub(crate) struct Remote {
    network: Arc<Network>,
    /// With the clock of delays.
    faults: Option<(Faults, Clock)>,
}

/// The connections of a node.
struct Network {
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

impl Remote {
    pub(crate) fn new(
        runtime: tokio::runtime::Handle,
        tls: Option<Tls>,
        faults: Option<(Faults, Clock)>,
    ) -> Self {
        let network = Network { runtime, tls, peers: Mutex::default(), tasks: watch::Sender::new(()) };
        Self { network: Arc::new(network), faults }
    }

    pub(crate) fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        if body.len() > MESSAGE_BYTES_MAX {
            warn!(name, to = %to, bytes = body.len(), "dropping a message that is too long to be received");
            return;
        }
        let Some((faults, clock)) = &self.faults else { return self.network.send(from, to, name, body) };
        match faults.strike(&Passing { direction: Direction::Sent, from, to, name, body }) {
            None => self.network.send(from, to, name, body),
            Some(Fault::Drop) => {}
            Some(Fault::Duplicate) => {
                self.network.send(from, to, name, body);
                self.network.send(from, to, name, body);
            }
            Some(Fault::Delay(wait)) => {
                let (from, to, name, body) = (from.clone(), to.clone(), name.to_owned(), body.to_vec());
                let network = Arc::downgrade(&self.network);
                clock.after(wait, move || {
                    if let Some(network) = network.upgrade() {
                        network.send(&from, &to, &name, &body);
                    }
                });
            }
        }
    }

    /// Makes no new connections, and waits a little for those there are to send what waits, before it
    /// ends them.
    pub(crate) async fn close(&self) {
        {
            let mut peers = self.network.peers.lock();
            peers.closed = true;
            peers.by_address.values().for_each(|peer| peer.signals.work.notify_one()); // They need not rest.
        }
        if tokio::time::timeout(CLOSE_WAIT_MAX, self.network.tasks.closed()).await.is_err() {
            let peers = self.network.peers.lock();
            peers.by_address.values().for_each(|peer| peer.signals.cut.notify_one());
        }
    }
}

impl Network {
    fn send(self: &Arc<Self>, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        let long = (body.len() >= LONG_BODY_BYTES_MIN)
            .then(|| encode_message(&from.to_string(), to.id(), name, body));
        let cut_off = self.with_peer(to.address(), |peer| match long {
            Some(message) => peer.push(message),
            None => peer.append(from, to.id(), name, body),
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
            network: Arc::clone(self),
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
                clock.after(wait, move || {
                    if let Some(node) = node.upgrade() {
                        node.deliver(from, to.id(), name, body);
                    }
                });
                true
            }
        }
    }
}
