//! What stands behind a server.

use super::{Arrival, Delivery, Incoming, Intake, Reply, Request, Response};
use crate::Future;

/// Takes the messages and requests that a [server](super::serve) receives.
///
/// All methods are called on the task of a connection, in the order in which that connection
/// brought what they get, and must not block: what takes time is a [`Reply::Later`].
pub trait Service: Send + Sync + 'static {
    /// Puts a message into the queue of its process.
    fn message(&self, message: Incoming) -> Delivery;

    /// Does what [`message`](Self::message) does, without the copies that it would need. Most messages
    /// come this way.
    fn deliver(&self, arrival: Arrival<'_>) -> Delivery {
        self.message(arrival.into())
    }

    /// What has to be waited for before a request can be looked at, because who answers it has only begun to
    /// exist.
    fn ready(&self, _request: &Request) -> Option<Future<()>> {
        None
    }

    /// Looks at the head of a request to a route, before any of its body is read, and says what is
    /// wanted of that.
    ///
    /// # Errors
    ///
    /// The answer to a request that is not to get further.
    fn admit(&self, _request: &mut Request) -> Result<Intake, Response> {
        Ok(Intake::default())
    }

    /// Answers a request to a route that was admitted.
    ///
    /// Its path starts with `/` and does not climb (`/..`). Authentication has not been done.
    fn route(&self, request: Request) -> Reply;
}
