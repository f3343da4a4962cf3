//! What a master is put together from.

use std::fmt;
use std::sync::Arc;

use libprocess::{Future, Logging, Node, SpawnError};
use mesos_allocator::{Allocator, Explanation, HierarchicalAllocator, Sink};
use mesos_auth::{Authorizer, Permissive};
use mesos_daemon::files::Files;
use mesos_daemon::logging::{self, Verbosity};
use mesos_daemon::version;
use mesos_registrar::{InMemoryStorage, Registrar};

use crate::flags::Flags;

/// Starts an allocator on a node; what it decides goes into the sink.
pub type StartAllocator =
    Box<dyn FnOnce(&Node, mesos_allocation::Options, Sink) -> Arc<dyn Allocator> + Send>;

/// The parts of a master, for those who want other ones than the flags say.
pub struct Components {
    /// Decides who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// Decides who is offered what.
    pub allocator: StartAllocator,
    /// Keeps the registry.
    pub registrar: Registrar,
    /// Shows files. A node has one of these.
    pub files: Files,
    /// Sets how much is logged. A node has one of these.
    pub logging: Logging,
    /// How many bytes of events wait for one client at most: one that does not read is cut off there.
    pub stream_bytes_max: usize,
}

impl Components {
    /// The parts that the flags ask for. With them the node gets the endpoints that every daemon
    /// has: `/files`, `/logging/toggle` and `/version`.
    ///
    /// # Errors
    ///
    /// The node has them already, or is shutting down.
    pub fn new(node: &Node, flags: &Flags, verbosity: Verbosity) -> Result<Self, SpawnError> {
        let authorizer: Arc<dyn Authorizer> = Arc::new(Permissive);
        let options = mesos_registrar::Options {
            fetch_timeout: flags.registry_fetch_timeout,
            store_timeout: flags.registry_store_timeout,
        };
        version::serve(node)?;
        Ok(Self {
            allocator: Box::new(|node, options, sink| {
                Arc::new(EndsWithMaster(HierarchicalAllocator::start(node, options, sink)))
            }),
            files: Files::start(node, Arc::clone(&authorizer))?,
            logging: logging::serve(node, verbosity, Arc::clone(&authorizer))?,
            registrar: Registrar::start(node, InMemoryStorage::default(), options),
            stream_bytes_max: STREAM_BYTES_MAX,
            authorizer,
        })
    }
}

/// The allocator of one master, which ends with it.
struct EndsWithMaster(HierarchicalAllocator);

impl Allocator for EndsWithMaster {
    fn apply(&self, input: mesos_allocator::Input) {
        self.0.apply(input);
    }

    fn explain(&self, role: &str) -> Option<Future<Explanation>> {
        self.0.explain(role)
    }
}

impl Drop for EndsWithMaster {
    fn drop(&mut self) {
        self.0.terminate();
    }
}

/// A full round of offers of a very large cluster fits in.
const STREAM_BYTES_MAX: usize = 64 << 20;

impl fmt::Debug for Components {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Components").field("registrar", &self.registrar).finish_non_exhaustive()
    }
}
