//! The pages that every node has.

mod help;

use std::sync::Arc;

use serde_json::json;

use crate::http::{Reply, Request, Response, Route};
use crate::node::WeakNode;
use crate::{Context, Node, Process};

/// Spawns the processes behind `/metrics`, `/help` and `/__processes__`.
pub(crate) fn spawn(node: &Node) {
    let in_realm = |route| node.in_pages_realm(route);
    let manual = {
        let (all, one) = (node.downgrade(), node.downgrade());
        let all_help = "What can be asked of this node; format=json for programs.";
        Pages::new("help")
            .page(Route::new("").help(all_help), move |request| help::page(&all, &request))
            .page(Route::new("{process}").help("What can be asked of a process."), move |request| {
                help::page(&one, &request)
            })
    };
    let table = {
        let node = node.downgrade();
        let help = "The processes of this node: what waits for each, how much it has handled (handled), for how \
            long its handlers have run (busy_secs), and for how long it has had something to do and waited for its \
            turn (waited_secs). Both times are sampled every 10 ms: they are right on average, to about the square \
            root of 10 ms times the time.";
        Pages::new("__processes__").page(in_realm(Route::new("").help(help)), move |_| processes(&node))
    };
    for pages in numbers(node, in_realm).into_iter().chain([manual, table]) {
        let id = pages.id;
        // The node is new: nothing has these ids.
        node.spawn_as(id, pages).expect("the ids of the built-in pages are free on a new node");
    }
}

#[cfg(feature = "metrics")]
fn numbers(node: &Node, in_realm: impl Fn(Route) -> Route) -> Option<Pages> {
    use crate::metrics;

    let (text, json) = (node.metrics().clone(), node.metrics().clone());
    let text_help = "All metrics of this node as text for Prometheus.";
    let json_help = "All metrics of this node as JSON; timeout bounds the wait for slow ones.";
    let pages = Pages::new("metrics")
        .page(in_realm(Route::new("").help(text_help)), move |request| metrics::text(&text, request))
        .page(in_realm(Route::new("snapshot").help(json_help)), move |request| {
            metrics::snapshot(&json, request)
        });
    Some(pages)
}

#[cfg(not(feature = "metrics"))]
fn numbers(_node: &Node, _in_realm: impl Fn(Route) -> Route) -> Option<Pages> {
    None
}

type Handler = Arc<dyn Fn(Request) -> Reply + Send + Sync>;

/// A process that has nothing but routes.
struct Pages {
    id: &'static str,
    pages: Vec<(Route, Handler)>,
}

impl Pages {
    fn new(id: &'static str) -> Self {
        Self { id, pages: Vec::new() }
    }

    fn page(mut self, route: Route, handler: impl Fn(Request) -> Reply + Send + Sync + 'static) -> Self {
        self.pages.push((route, Arc::new(handler)));
        self
    }
}

impl Process for Pages {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        for (route, handler) in self.pages.drain(..) {
            cx.serve_with(route, move |request| handler(request));
        }
    }
}

fn processes(node: &WeakNode) -> Reply {
    let Some(node) = node.upgrade() else { return Response::service_unavailable("shutting down").into() };
    let rows: Vec<_> = node
        .processes()
        .iter()
        .map(|process| {
            let queued = process.queued();
            let mut row = json!({
                "id": process.shared().upid().id(),
                "dispatches": queued.dispatches,
                "messages": queued.messages,
                "http_requests": queued.http_requests,
                "handled": process.handled(),
                "busy_secs": process.shared().busy().as_secs_f64(),
                "waited_secs": process.shared().waited().as_secs_f64(),
            });
            if let Some(asks) = node.asks() {
                let (waits_for, ring) = asks.report(&**process);
                row["waits_for"] = json!(waits_for);
                row["ring"] = json!(ring);
            }
            row
        })
        .collect();
    Response::json(json!(rows).to_string()).into()
}
