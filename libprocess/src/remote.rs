//! Messages to, and links with, processes on other nodes.
//!
//! There is at most one connection to an address at a time. It is made when there is something to
//! send or a link is set, and shut down when nothing waits and no link holds it; whoever linked
//! hears of its end.

mod peer;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tracing::warn;

use crate::Upid;
use crate::http::{MESSAGE_BYTES_MAX, encode_message};
use crate::pid::{AnyProcess, Link};
use crate::tls::Tls;

/// So many bytes at most wait for one peer. One that takes nothing in any more is cut off there,
/// and those who linked to it hear that it exited.
const PENDING_BYTES_MAX: usize = 256 << 20;

/// How long a node that shuts down waits for what was sent to be on its way. Real time, as the other
/// side of a socket has it.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(1);

pub(crate) struct Remote {
    runtime: tokio::runtime::Handle,
    tls: Option<Tls>,
    peers: Arc<Mutex<Peers>>,
    /// Each connection's task holds a receiver.
    tasks: watch::Sender<()>,
}

#[derive(Default)]
struct Peers {
    by_address: HashMap<SocketAddr, Peer>,
    connections: u64,
    closed: bool,
}

/// What waits for an address, and who cares about the connection to it.
struct Peer {
    /// Which connection this is: a task that ends must not touch its successor.
    connection: u64,
    pending: Vec<Bytes>,
    pending_bytes: usize,
    work: Arc<Notify>,
    cut: Arc<Notify>,
    /// Whether it is being cut off: a message was dropped, so that none may follow it.
    cut_off: bool,
    /// By who is linked to and who linked.
    links: HashMap<(Upid, Upid), Arc<dyn AnyProcess>>,
}

impl Remote {
    pub(crate) fn new(runtime: tokio::runtime::Handle, tls: Option<Tls>) -> Self {
        Self { runtime, tls, peers: Arc::default(), tasks: watch::Sender::new(()) }
    }

    pub(crate) fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        if body.len() > MESSAGE_BYTES_MAX {
            warn!(name, to = %to, bytes = body.len(), "dropping a message that is too long to be received");
            return;
        }
        let bytes = Bytes::from(encode_message(&from.to_string(), to.id(), name, body));
        let cut_off = self.with_peer(to.address(), |peer| peer.push(bytes));
        if cut_off == Some(true) {
            warn!(to = %to, "cutting off a peer that takes in no messages");
        }
    }

    pub(crate) fn link(&self, pid: &Upid, linker: Arc<dyn AnyProcess>) -> Link {
        let key = (pid.clone(), linker.shared().upid().clone());
        let link = self.with_peer(pid.address(), |peer| match peer.links.entry(key) {
            Entry::Occupied(_) => Link::Known,
            Entry::Vacant(free) => {
                free.insert(linker);
                Link::Set
            }
        });
        link.unwrap_or(Link::Gone)
    }

    pub(crate) fn unlink(&self, pid: &Upid, linker: &Upid) {
        let mut peers = self.peers.lock();
        let Some(peer) = peers.by_address.get_mut(&pid.address()) else { return };
        let removed = peer.links.remove(&(pid.clone(), linker.clone()));
        peer.work.notify_one(); // Without links and work the connection may end.
        drop(peers);
        drop(removed); // After the lock: it may be the last that is known of a process.
    }

    /// Makes no new connections, and waits a little for those there are to send what waits, before it
    /// ends them.
    pub(crate) async fn close(&self) {
        self.peers.lock().closed = true;
        if tokio::time::timeout(CLOSE_WAIT_MAX, self.tasks.closed()).await.is_err() {
            self.peers.lock().by_address.values().for_each(|peer| peer.cut.notify_one());
        }
    }

    /// Runs `f` on the peer at `address`, connecting to it if need be; `None` when the node is closed.
    fn with_peer<R>(&self, address: SocketAddr, f: impl FnOnce(&mut Peer) -> R) -> Option<R> {
        let mut peers = self.peers.lock();
        if peers.closed {
            return None;
        }
        if let Some(peer) = peers.by_address.get_mut(&address) {
            return Some(f(peer));
        }
        peers.connections += 1;
        let mut peer = Peer {
            connection: peers.connections,
            pending: Vec::new(),
            pending_bytes: 0,
            work: Arc::default(),
            cut: Arc::default(),
            cut_off: false,
            links: HashMap::new(),
        };
        let result = f(&mut peer);
        let task = peer::Task {
            address,
            connection: peer.connection,
            tls: self.tls.clone(),
            peers: Arc::clone(&self.peers),
            work: Arc::clone(&peer.work),
            cut: Arc::clone(&peer.cut),
            _alive: self.tasks.subscribe(),
        };
        peers.by_address.insert(address, peer);
        drop(peers);
        self.runtime.spawn(task.run());
        Some(result)
    }
}

impl Peer {
    /// Adds what is to be sent; says whether the peer is cut off because of it.
    fn push(&mut self, bytes: Bytes) -> bool {
        if self.cut_off {
            return false;
        }
        if self.pending_bytes.saturating_add(bytes.len()) > PENDING_BYTES_MAX {
            self.cut_off = true;
            self.pending = Vec::new();
            self.cut.notify_one();
            return true;
        }
        self.pending_bytes += bytes.len();
        self.pending.push(bytes);
        self.work.notify_one();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_that_is_cut_off_gets_nothing_after_the_message_that_was_dropped() {
        let mut peer = Peer {
            connection: 1,
            pending: Vec::new(),
            pending_bytes: 0,
            work: Arc::default(),
            cut: Arc::default(),
            cut_off: false,
            links: HashMap::new(),
        };
        let quarter = Bytes::from(vec![0; PENDING_BYTES_MAX / 4]);
        assert!((0..4).all(|_| !peer.push(quarter.clone())));
        assert!(peer.push(Bytes::from_static(b"x")));
        assert!(peer.pending.is_empty());
        assert!(!peer.push(Bytes::from_static(b"y")));
        assert!(peer.pending.is_empty());
    }
}
