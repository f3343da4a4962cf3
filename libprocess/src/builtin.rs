//! The pages that every node has.

use serde_json::json;

use crate::http::{Reply, Request, Response};
use crate::metrics;
use crate::node::WeakNode;
use crate::{Context, Node, Process};

/// Spawns the processes behind `/metrics`, `/help` and `/__processes__`.
pub(crate) fn spawn(node: &Node) {
    let snapshot = node.metrics().clone();
    let pages = [
        Page::new("metrics", "snapshot", "All metrics of this node as JSON.", move |request| {
            metrics::snapshot(&snapshot, request)
        }),
        Page::new("help", "", "What can be asked of this node.", help(node.downgrade())),
        Page::new("__processes__", "", "The processes of this node and what waits for them.", {
            let node = node.downgrade();
            move |_| processes(&node)
        }),
    ];
    for page in pages {
        let id = page.id;
        // The node is new: nothing has these ids.
        node.spawn_as(id, page).expect("the ids of the built-in pages are free on a new node");
    }
}

struct Page {
    id: &'static str,
    path: &'static str,
    help: &'static str,
    handler: std::sync::Arc<dyn Fn(Request) -> Reply + Send + Sync>,
}

impl Page {
    fn new(
        id: &'static str,
        path: &'static str,
        help: &'static str,
        handler: impl Fn(Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self { id, path, help, handler: std::sync::Arc::new(handler) }
    }
}

impl Process for Page {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        let handler = std::sync::Arc::clone(&self.handler);
        cx.serve(self.path, self.help, move |request| handler(request));
    }
}

fn help(node: WeakNode) -> impl Fn(Request) -> Reply + Send + Sync {
    move |_| {
        let Some(node) = node.upgrade() else { return Response::service_unavailable("shutting down").into() };
        let mut text = String::from("What can be asked of this node:\n\n");
        for process in node.processes() {
            for (path, help) in process.shared().routes().map(|routes| routes.help()).unwrap_or_default() {
                let id = process.shared().upid().id();
                let slash = if path.is_empty() { "" } else { "/" };
                text.push_str(&format!("/{id}{slash}{path}\n    {help}\n"));
            }
        }
        Response::text(text).into()
    }
}

fn processes(node: &WeakNode) -> Reply {
    let Some(node) = node.upgrade() else { return Response::service_unavailable("shutting down").into() };
    let rows: Vec<_> = node
        .processes()
        .iter()
        .map(|process| {
            let queued = process.queued();
            json!({
                "id": process.shared().upid().id(),
                "dispatches": queued.dispatches,
                "messages": queued.messages,
                "http_requests": queued.http_requests,
                "handled": process.handled(),
                "busy_secs": process.shared().busy().as_secs_f64(),
            })
        })
        .collect();
    Response::json(json!(rows).to_string()).into()
}
