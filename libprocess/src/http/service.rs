//! What stands behind a server.

use super::{Admission, Arrival, Delivery, Incoming, Intake, Reply, Request};

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

    /// Looks at the head of a request to a route, before any of its body is read, and says what is
    /// wanted of that. A request that had to wait is looked at once more.
    fn admit(&self, _request: &mut Request) -> Admission {
        Admission::Granted(Intake::default())
    }

    /// Answers a request to a route that was admitted.
    ///
    /// Its path starts with `/` and does not climb (`/..`). Authentication has not been done.
    fn route(&self, request: Box<Request>) -> Reply;
}
