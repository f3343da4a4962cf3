//! What the HTTP server asks of a node.

use std::sync::Arc;

use super::firewall::Firewall;
use crate::http::{Arrival, Delivery, Incoming, Intake, Reply, Request, Response, Service};
use crate::node::WeakNode;
use crate::pid::AnyProcess;
use crate::routes::Admitted;
use crate::{Future, Node, Upid};

/// The node as its server sees it. It does not keep the node alive.
pub(super) struct NodeService {
    node: WeakNode,
    firewall: Firewall,
}

impl NodeService {
    pub(super) fn new(node: WeakNode, firewall: Firewall) -> Self {
        Self { node, firewall }
    }

    /// Finds the route of the process that the path names; the delegate has those of no process.
    fn find(&self, node: &Node, request: &mut Request) -> Result<Admitted, Response> {
        let disabled = || Response::forbidden(format!("Endpoint '{}' is disabled", request.path));
        if self.firewall.refuses(request) {
            return Err(disabled());
        }
        let (process, path) = addressee(node, request).ok_or_else(Response::not_found)?;
        let routes = process.shared().routes();
        let endpoint = routes.and_then(|routes| routes.find(path)).ok_or_else(Response::not_found)?;
        let id = process.shared().upid().id();
        if self.firewall.refuses_endpoint(id, &endpoint) {
            return Err(disabled());
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

    fn ready(&self, request: &Request) -> Option<Future<()>> {
        let node = self.node.upgrade()?;
        let (process, _) = addressee(&node, request)?;
        // It is about to set its routes.
        (!process.shared().is_initialized()).then(|| process.initialized())
    }

    fn admit(&self, request: &mut Request) -> Result<Intake, Response> {
        let node = self.node.upgrade().ok_or_else(Response::not_found)?;
        let admitted = self.find(&node, request)?;
        let intake = admitted.endpoint.intake();
        request.admitted = Some(admitted);
        Ok(intake)
    }

    fn route(&self, mut request: Request) -> Reply {
        let Some(node) = self.node.upgrade() else { return Response::not_found().into() };
        // What was not admitted is for nobody.
        let Some(admitted) = request.admitted.take() else { return Response::not_found().into() };
        admitted.endpoint.answer(admitted.guard, node.clock(), request)
    }
}
