//! A node without an HTTP server: it listens nowhere.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};

use super::Node;
use crate::tls::Tls;

#[derive(Debug, Default)]
pub(super) struct Settings;

pub(super) struct Listener {
    pub(super) address: SocketAddr,
}

pub(super) struct Server;

pub(super) struct Opening;

impl Listener {
    /// Where no port is given, the nodes of a program are counted: so their processes have different PIDs.
    pub(super) fn bind(mut address: SocketAddr, _listens: bool) -> io::Result<Self> {
        static NODES: AtomicU16 = AtomicU16::new(0);
        if address.port() == 0 {
            address.set_port(NODES.fetch_add(1, Ordering::Relaxed).saturating_add(1));
        }
        Ok(Self { address })
    }
}

impl Server {
    pub(super) fn new(_settings: Settings, _listener: Listener) -> (Self, Opening) {
        (Self, Opening)
    }

    pub(super) fn stop(&self) {}

    pub(super) async fn stopped(&self) {}
}

impl Opening {
    pub(super) fn start(self, _node: &Node, _tls: Option<Tls>) {}
}
