//! Who sends the messages of a connection.

use std::net::SocketAddr;

use crate::Upid;
use crate::http::message;

/// The sender of the last message: mostly that of the next one too.
pub(super) struct Sender {
    text: String,
    pid: Upid,
    from_peer: bool,
}

impl Default for Sender {
    fn default() -> Self {
        Self { text: String::new(), pid: Upid::nobody(), from_peer: false }
    }
}

impl Sender {
    /// Makes this the sender that a message tells, over a connection from `peer`.
    pub(super) fn update(&mut self, text: &str, peer: SocketAddr) {
        if text == self.text {
            return;
        }
        self.text.clear();
        self.text.push_str(text);
        self.pid = text.parse().unwrap_or_else(|_| Upid::nobody());
        self.from_peer = message::is_from_peer(text, peer);
    }

    pub(super) fn pid(&self) -> &Upid {
        &self.pid
    }

    /// Whether its PID names the IP address of the peer.
    pub(super) fn is_from_peer(&self) -> bool {
        self.from_peer
    }
}
