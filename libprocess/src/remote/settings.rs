//! What is said of a node's way to others before it starts.

use std::fmt;
use std::sync::Arc;

use super::{Faults, Network, Remote, Way};
use crate::tls::Tls;
use crate::{Clock, NodeBuilder};

/// What a builder is told of it.
#[derive(Default)]
pub(crate) struct Settings {
    network: Option<Arc<dyn Network>>,
    faults: Option<Faults>,
}

impl Settings {
    /// Whether something of the node's own takes the place of sockets.
    pub(crate) fn has_network(&self) -> bool {
        self.network.is_some()
    }

    /// The way of a node in the tokio runtime at hand.
    pub(crate) fn open(self, tls: Option<Tls>, clock: &Clock) -> Remote {
        let way = match self.network {
            Some(network) => Way::own(network),
            None => Way::sockets(tokio::runtime::Handle::current(), tls),
        };
        Remote::new(way, self.faults.map(|faults| (faults, clock.clone())))
    }
}

impl NodeBuilder {
    /// What messages and links go over, instead of sockets: for a simulation. The node's address is the one
    /// that it would [listen](NodeBuilder::bind) at. Nothing listens there, so that the node serves no
    /// HTTP, and TLS is of no use to it.
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub fn network(mut self, network: Arc<dyn Network>) -> Self {
        self.remote.network = Some(network);
        self
    }

    /// Has messages to and from other nodes suffer faults: for tests.
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub fn faults(mut self, faults: &Faults) -> Self {
        self.remote.faults = Some(faults.clone());
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = self.network.as_ref().map(|_| "own");
        f.debug_struct("Settings").field("network", &network).field("faults", &self.faults).finish()
    }
}
