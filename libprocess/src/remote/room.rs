//! Waiting for a slow peer.

use super::Way;
use super::peer::ROOM_BYTES;
use crate::{Node, Upid};

impl Node {
    /// Waits until little of what was sent to the node of `pid` is still to be written, or the
    /// connection to it has ended: what sends more than a network carries sends some, waits for room, and
    /// goes on. Who does not is cut off from a peer for which more than 256 MiB wait.
    pub async fn room(&self, pid: &Upid) {
        let Way::Sockets(sockets) = &self.remote().way else { return };
        loop {
            let room = {
                let peers = sockets.peers.lock();
                match peers.by_address.get(&pid.address()) {
                    Some(peer) if peer.queue.bytes() > ROOM_BYTES => peer.room.clone().notified_owned(),
                    _ => return,
                }
            };
            room.await;
        }
    }
}
