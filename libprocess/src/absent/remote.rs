//! A node that reaches no other: what is sent there is dropped, and who links to a process there hears at
//! once that it is gone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tracing::debug;

use crate::pid::{AnyProcess, Hook, Link};
use crate::tls::Tls;
use crate::{Clock, Exit, Node, Upid};

#[derive(Debug, Default)]
pub(crate) struct Settings;

pub(crate) struct Remote;

impl Settings {
    pub(crate) fn has_network(&self) -> bool {
        false
    }

    pub(crate) fn open(self, _tls: Option<Tls>, _clock: &Clock) -> Remote {
        Remote
    }
}

impl Remote {
    pub(crate) fn start(&self, _node: &Node) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn send(&self, _from: &Upid, to: &Upid, name: &str, _body: &[u8]) {
        debug!(name, %to, "dropping a message to another node: the program lacks libprocess' feature `remote`");
    }

    pub(crate) fn link(&self, _pid: &Upid, _linker: Arc<dyn AnyProcess>) -> Link {
        Link::Gone
    }

    pub(crate) fn unlink(&self, _pid: &Upid, _linker: &Upid) {}

    pub(crate) fn watch(&self, _address: SocketAddr, _number: u64, hook: Hook) -> bool {
        hook(Exit::ConnectionLost);
        false
    }

    pub(crate) fn unwatch(&self, _address: SocketAddr, _number: u64) {}

    pub(crate) async fn close(&self) {}
}

#[cfg(feature = "http")]
impl Node {
    /// Takes in no message of another node.
    pub(crate) fn receive(&self, _from: &Upid, _id: &str, _name: &str, _body: bytes::Bytes) -> bool {
        false
    }
}
