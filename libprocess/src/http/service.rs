//! What stands behind a server.

use super::{Delivery, Incoming, Reply, Request};

/// Takes the messages and requests that a [server](super::serve) receives.
///
/// Both methods are called on the task of a connection, in the order in which that connection
/// brought them, and must not block: what takes time is a [`Reply::Later`].
pub trait Service: Send + Sync + 'static {
    /// Puts a message into the queue of its process.
    fn message(&self, message: Incoming) -> Delivery;

    /// Answers a request to a route.
    ///
    /// Its path starts with `/` and does not climb (`/..`). Authentication has not been done.
    fn route(&self, request: Request) -> Reply;
}
