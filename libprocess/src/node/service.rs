//! What the HTTP server asks of a node.

use crate::http::{Delivery, Incoming, Reply, Request, Response, Service};
use crate::node::WeakNode;
use crate::routes::Handler;
use crate::{Future, Upid};

/// The node as its server sees it. It does not keep the node alive.
pub(super) struct NodeService(WeakNode);

impl NodeService {
    pub(super) fn new(node: WeakNode) -> Self {
        Self(node)
    }
}

impl Service for NodeService {
    fn message(&self, message: Incoming) -> Delivery {
        let Some(node) = self.0.upgrade() else { return Delivery::NoSuchProcess };
        let from = message.from.parse().unwrap_or_else(|_| Upid::nobody());
        if node.deliver(from, &message.id, message.name, message.body) {
            Delivery::Delivered
        } else {
            Delivery::NoSuchProcess
        }
    }

    /// Finds the route of the process that the path names; the delegate has those of no process.
    fn route(&self, request: Request) -> Reply {
        match self.find(&request) {
            Found::Handler(handler) => handler(request),
            Found::Nothing => Response::not_found().into(),
            Found::TooEarly(initialized) => {
                let node = self.0.clone();
                Reply::later(async move {
                    // Abandoned: the process has ended, and there is nothing to be found.
                    let _ = initialized.await;
                    match Self(node).find(&request) {
                        Found::Handler(handler) => handler(request).response().await,
                        Found::Nothing | Found::TooEarly(_) => Response::not_found(),
                    }
                })
            }
        }
    }
}

/// What there is for a request.
enum Found {
    Handler(Handler),
    /// The process is about to set its routes.
    TooEarly(Future<()>),
    Nothing,
}

impl NodeService {
    fn find(&self, request: &Request) -> Found {
        let Some(node) = self.0.upgrade() else { return Found::Nothing };
        let (process, path) = match node.process(&request.process) {
            Some(process) => (Some(process), &request.rest),
            None => (node.delegate().and_then(|id| node.process(id)), &request.path),
        };
        let Some(process) = process else { return Found::Nothing };
        let shared = process.shared();
        // Before the look at the routes: what is initialized has them.
        let initialized = shared.is_initialized();
        match shared.routes().and_then(|routes| routes.find(path)) {
            Some(handler) => Found::Handler(handler),
            None if initialized => Found::Nothing,
            None => Found::TooEarly(process.initialized()),
        }
    }
}
