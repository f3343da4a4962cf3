//! Links: who is to hear of the end of a connection, and connections made anew.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Sockets;
use crate::pid::{AnyProcess, Hook, Link};
use crate::{Context, Exit, Process, Upid};

impl Sockets {
    pub(super) fn link(self: &Arc<Self>, pid: &Upid, linker: Arc<dyn AnyProcess>) -> Link {
        let link = self.with_peer(pid.address(), |peer| peer.link(pid, linker));
        link.unwrap_or(Link::Gone)
    }

    pub(super) fn unlink(&self, pid: &Upid, linker: &Upid) {
        let mut peers = self.peers.lock();
        let Some(peer) = peers.by_address.get_mut(&pid.address()) else { return };
        let removed = peer.links.remove(&(pid.clone(), linker.clone()));
        peer.signals.work.notify_one(); // Without links and work the connection may end.
        drop(peers);
        drop(removed); // After the lock: it may be the last that is known of a process.
    }

    /// Has a hook called when the connection to an address ends; now, if there can be none. Says whether it
    /// waits.
    pub(super) fn watch(self: &Arc<Self>, address: SocketAddr, number: u64, hook: Hook) -> bool {
        let mut hook = Some(hook);
        self.with_peer(address, |peer| {
            if let Some(hook) = hook.take() {
                peer.hooks.insert(number, hook);
                peer.signals.work.notify_one(); // What rests does not close now.
            }
        });
        let waits = hook.is_none();
        if let Some(hook) = hook {
            hook(Exit::ConnectionLost);
        }
        waits
    }

    pub(super) fn unwatch(&self, address: SocketAddr, number: u64) {
        let mut peers = self.peers.lock();
        let Some(peer) = peers.by_address.get_mut(&address) else { return };
        let removed = peer.hooks.remove(number);
        peer.signals.work.notify_one(); // Without links and work the connection may end.
        drop(peers);
        drop(removed); // After the lock: it may be the last that is known of a process.
    }

    /// Replaces the connection to an address, if there is one.
    pub(super) fn reconnect(self: &Arc<Self>, address: SocketAddr) {
        let mut peers = self.peers.lock();
        let connection = peers.next();
        let closed = peers.closed;
        let Some(peer) = peers.by_address.get_mut(&address) else { return };
        if closed || peer.stage == super::peer::Stage::CutOff {
            return;
        }
        let task = self.connection(address, connection, peer);
        drop(peers);
        self.runtime.spawn(task.run());
    }
}

impl<P: Process> Context<P> {
    /// Links to `pid` like [`Context::link`], over a new connection even where there is one: for who has
    /// reason to think that the one there is has died without a word, as it does when a firewall or a
    /// network that was cut in two forgets it.
    ///
    /// All links to that node move to the new connection, and their processes hear nothing of the old
    /// one's end; when the new one cannot be made, all of them hear of the exit. What was sent and did not
    /// arrive within a second over the old connection may be lost; everything else arrives in order.
    pub fn link_anew(&mut self, pid: &Upid) {
        if pid.address() != self.node().address() {
            self.node().remote().reconnect(pid.address());
        }
        self.link(pid);
    }
}
