//! What the HTTP server asks of a node.

use std::sync::Arc;

use super::firewall::Firewall;
use crate::http::{Admission, Arrival, Delivery, Incoming, Reply, Request, Response, Service};
use crate::node::WeakNode;
use crate::pid::AnyProcess;
use crate::routes::Admitted;
use crate::{Clock, Node, Upid};

/// The node as its server sees it. It does not keep the node alive.
pub(super) struct NodeService {
    node: WeakNode,
    clock: Clock,
    firewall: Firewall,
}

impl NodeService {
    pub(super) fn new(node: &Node, firewall: Firewall) -> Self {
        Self { node: node.downgrade(), clock: node.clock().clone(), firewall }
    }

    /// Finds the route of the process that the path names; the delegate has those of no process.
    fn find(&self, node: &Node, request: &mut Request) -> Result<Admitted, Admission> {
        let disabled = || Response::forbidden(format!("Endpoint '{}' is disabled", request.path));
        if self.firewall.refuses(request) {
            return Err(disabled().into());
        }
        let (process, path) = addressee(node, request).ok_or_else(Response::not_found)?;
        if !process.shared().is_initialized() {
            // It is about to set its routes.
            return Err(Admission::Waits(process.initialized()));
        }
        let endpoint = process.shared().endpoint(path).ok_or_else(Response::not_found)?;
        let id = process.shared().upid().id();
        if self.firewall.refuses_endpoint(id, &endpoint) {
            return Err(disabled().into());
        }
        request.params = endpoint.parameters(path).map_err(Response::bad_request)?;
        let guard = node.guard(id, &endpoint);
        Ok(Admitted { endpoint, guard })
    }
}

/// The process that answers a request, and the path below it: where the path names no process, the delegate.
fn addressee<'a>(node: &Node, request: &'a Request) -> Option<(Arc<dyn AnyProcess>, &'a str)> {
    if let Some(process) = node.process(&request.process) {
        return Some((process, &request.rest));
    }
    let delegate = node.delegate().and_then(|id| node.process(id));
    delegate.map(|process| (process, request.path.as_str()))
}

impl Service for NodeService {
    fn message(&self, message: Incoming) -> Delivery {
        let Incoming { from, id, name, body } = message;
        let pid = from.parse().unwrap_or_else(|_| Upid::nobody());
        self.deliver(Arrival { from: &pid, sender: &from, id: &id, name: &name, body })
    }

    fn deliver(&self, arrival: Arrival<'_>) -> Delivery {
        let Arrival { from, id, name, body, .. } = arrival;
        match self.node.upgrade() {
            Some(node) if node.receive(from, id, name, body) => Delivery::Delivered,
            _ => Delivery::NoSuchProcess,
        }
    }

    fn admit(&self, request: &mut Request) -> Admission {
        let Some(node) = self.node.upgrade() else { return Admission::Refused(Response::not_found()) };
        match self.find(&node, request) {
            Ok(admitted) => {
                let intake = admitted.endpoint.intake();
                request.admitted = Some(admitted);
                Admission::Granted(intake)
            }
            Err(not_now) => not_now,
        }
    }

    fn route(&self, mut request: Box<Request>) -> Reply {
        // What was not admitted is for nobody.
        let Some(admitted) = request.admitted.take() else { return Response::not_found().into() };
        admitted.endpoint.answer(admitted.guard, &self.clock, request)
    }
}
