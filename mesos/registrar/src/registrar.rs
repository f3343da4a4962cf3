//! The handle of the registrar's process.

use std::sync::Arc;
use std::time::Duration;

use libprocess::{Future, Node, Upid};
use mesos_api::internal;
use mesos_api::v1::MasterInfo;
use mesos_registry::{Operation, OperationError};

use crate::Storage;
use crate::process::RegistrarProcess;

/// What a registrar can be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long to wait for the registry to be read.
    pub fetch_timeout: Duration,
    /// How long to wait for the registry to be written.
    pub store_timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { fetch_timeout: Duration::from_mins(1), store_timeout: Duration::from_secs(20) }
    }
}

/// Applies operations to the registry, in order.
///
/// When the registry cannot be read or written, or somebody else wrote it, this and every later
/// call fails: its master no longer leads and must end.
#[derive(Clone, Debug)]
pub struct Registrar {
    pid: libprocess::Pid<RegistrarProcess>,
}

impl Registrar {
    /// Starts a registrar on the node; its contents are shown at `/registrar(N)/registry`.
    pub fn start(node: &Node, storage: impl Storage, options: Options) -> Registrar {
        Registrar { pid: node.spawn(RegistrarProcess::new(Arc::new(storage), options)) }
    }

    /// Reads the registry, writes into it that this master leads, and returns it. Resources are
    /// in the form with a list of reservations.
    ///
    /// Called again, it returns the registry as it is then and writes nothing.
    pub fn recover(&self, info: MasterInfo) -> Future<internal::Registry> {
        self.pid.ask_future(|process, cx| process.recover(cx, info))
    }

    /// Applies the operation and says whether that changed the registry, once the change is
    /// stored; the error says why it does not fit.
    ///
    /// An operation that changes nothing is not written. One that comes before the registry is
    /// read waits; one that comes before [`recover`](Self::recover) is asked for fails.
    pub fn apply(&self, operation: Operation) -> Future<Result<bool, OperationError>> {
        self.pid.ask_future(|process, cx| process.apply(cx, operation))
    }

    /// The address of the registrar's process.
    #[must_use]
    pub fn upid(&self) -> &Upid {
        self.pid.upid()
    }

    /// Ends the process; operations that are not answered yet are abandoned.
    pub fn terminate(&self) {
        self.pid.terminate();
    }
}
