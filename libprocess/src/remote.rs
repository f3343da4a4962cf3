//! Messages to, and links with, processes on other nodes.
//!
//! There is at most one connection to an address at a time. It is made when there is something to
//! send or a link is set, and shut down when nothing waits and no link holds it; whoever linked
//! hears of its end.

mod peer;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tracing::warn;

use crate::Upid;
use crate::http::{MESSAGE_BYTES_MAX, encode_message};
use crate::pid::AnyProcess;

/// So many bytes at most wait for one peer. One that takes nothing in any more is cut off there,
/// and those who linked to it hear that it exited.
const PENDING_BYTES_MAX: usize = 256 << 20;

#[derive(Clone)]
pub(crate) struct Remote {
    runtime: tokio::runtime::Handle,
    peers: Arc<Mutex<Peers>>,
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
    /// By who is linked to and who linked.
    links: HashMap<(Upid, Upid), Arc<dyn AnyProcess>>,
}

impl Remote {
    pub(crate) fn new(runtime: tokio::runtime::Handle) -> Self {
        Self { runtime, peers: Arc::default() }
    }

    pub(crate) fn send(&self, from: &Upid, to: &Upid, name: &str, body: &[u8]) {
        if body.len() > MESSAGE_BYTES_MAX {
            warn!(name, to = %to, bytes = body.len(), "dropping a message that is too long to be received");
            return;
        }
        let bytes = Bytes::from(encode_message(&from.to_string(), to.id(), name, body));
        self.with_peer(to.address(), |peer| {
            if peer.pending_bytes + bytes.len() > PENDING_BYTES_MAX {
                warn!(to = %to, "cutting off a peer that takes in no messages");
                peer.cut.notify_one();
                return;
            }
            peer.pending_bytes += bytes.len();
            peer.pending.push(bytes);
            peer.work.notify_one();
        });
    }

    pub(crate) fn link(&self, pid: &Upid, linker: Arc<dyn AnyProcess>) {
        let key = (pid.clone(), linker.upid().clone());
        let refused = Arc::clone(&linker);
        let linked = self.with_peer(pid.address(), |peer| {
            peer.links.insert(key, linker);
        });
        if !linked {
            refused.exited(pid.clone());
        }
    }

    pub(crate) fn unlink(&self, pid: &Upid, linker: &Upid) {
        let mut peers = self.peers.lock();
        if let Some(peer) = peers.by_address.get_mut(&pid.address()) {
            peer.links.remove(&(pid.clone(), linker.clone()));
            peer.work.notify_one(); // Without links and work the connection may end.
        }
    }

    /// Ends all connections, and makes no new ones.
    pub(crate) fn close(&self) {
        let mut peers = self.peers.lock();
        peers.closed = true;
        peers.by_address.values().for_each(|peer| peer.cut.notify_one());
    }

    /// Runs `f` on the peer at `address`, connecting to it if need be; says whether it could.
    fn with_peer(&self, address: SocketAddr, f: impl FnOnce(&mut Peer)) -> bool {
        let mut peers = self.peers.lock();
        if peers.closed {
            return false;
        }
        if let Some(peer) = peers.by_address.get_mut(&address) {
            f(peer);
            return true;
        }
        peers.connections += 1;
        let mut peer = Peer {
            connection: peers.connections,
            pending: Vec::new(),
            pending_bytes: 0,
            work: Arc::default(),
            cut: Arc::default(),
            links: HashMap::new(),
        };
        f(&mut peer);
        let task = peer::Task {
            address,
            connection: peer.connection,
            peers: Arc::clone(&self.peers),
            work: Arc::clone(&peer.work),
            cut: Arc::clone(&peer.cut),
        };
        peers.by_address.insert(address, peer);
        drop(peers);
        self.runtime.spawn(task.run());
        true
    }
}
