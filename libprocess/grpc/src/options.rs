//! How one call is to be made.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The deadline of a call that names none, as in Mesos.
const DEADLINE: Duration = Duration::from_secs(5);

/// How one call is to be made.
#[derive(Debug, Clone)]
pub struct CallOptions {
    pub(crate) deadline: Option<Duration>,
    pub(crate) wait_for_ready: bool,
    pub(crate) metadata: MetadataMap,
}

impl Default for CallOptions {
    /// Five seconds, in which it waits for a server that is not there yet.
    fn default() -> Self {
        Self { deadline: Some(DEADLINE), wait_for_ready: true, metadata: MetadataMap::new() }
    }
}

impl CallOptions {
    /// How long the call may take, on the clock of the node; the server is told. After that its status is
    /// `DEADLINE_EXCEEDED`. For a call that streams, this is the time until the stream begins.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Lets the call take as long as it takes.
    #[must_use]
    pub fn without_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// Ends the call with the status `UNAVAILABLE` as soon as connecting fails, instead of waiting for the
    /// server until the deadline.
    #[must_use]
    pub fn fail_fast(mut self) -> Self {
        self.wait_for_ready = false;
        self
    }

    /// Sends this with the call.
    #[must_use]
    pub fn metadata(mut self, metadata: MetadataMap) -> Self {
        self.metadata = metadata;
        self
    }
}
