//! What the HTTP server asks of a node.

use crate::Upid;
use crate::http::{Delivery, Incoming, Reply, Request, Response, Service};
use crate::node::WeakNode;

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
        let Some(node) = self.0.upgrade() else { return Response::not_found().into() };
        let handler = match node.process(&request.process) {
            Some(process) => process.routes().find(&request.rest),
            None => node
                .delegate()
                .and_then(|id| node.process(id))
                .and_then(|delegate| delegate.routes().find(&request.path)),
        };
        match handler {
            Some(handler) => handler(request),
            None => Response::not_found().into(),
        }
    }
}
