//! What a process is asked over HTTP, and what the pages of its node tell of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shared::{Shared, push_and};
use crate::http::{Reply, Request, Response, Route};
use crate::mailbox::Cell;
use crate::routes::{ActorHandler, Endpoint, Handler, Routes};
use crate::runner::Body;
use crate::{Process, trace};

impl Shared {
    /// Adds a route, whose handler may run inside the process.
    pub(crate) fn add_route(&self, route: Route, in_process: bool, handler: Handler) {
        let routes = Arc::clone(&self.more.lock().get_or_insert_default().routes);
        routes.add(route, in_process, handler);
    }

    /// The routes, if there are any.
    pub(crate) fn routes(&self) -> Option<Arc<Routes>> {
        self.more.lock().as_ref().map(|more| Arc::clone(&more.routes))
    }

    /// What answers a path of the process.
    pub(crate) fn endpoint(&self, path: &str) -> Option<Arc<Endpoint>> {
        self.more.lock().as_ref()?.routes.find(path)
    }

    pub(crate) fn is_initialized(&self) -> bool {
        self.initialized.load(Ordering::Acquire)
    }
}

/// Queues a request; the reply comes when the process has handled it. If its handlers are said to be quick
/// and it is idle, that is now.
pub(crate) fn request<P: Process>(
    cell: &Cell<Shared, Body<P>>,
    handler: ActorHandler<P>,
    request: Box<Request>,
    quick: bool,
) -> Reply {
    let handler = if trace::enabled() { trace::http::handler(handler, &request) } else { handler };
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    cell.requests.fetch_add(1, Ordering::Relaxed);
    let handle = move |body: &mut Body<P>| {
        body.cx.pid_ref().shared.requests.fetch_sub(1, Ordering::Relaxed);
        // Whoever asked may have hung up meanwhile.
        let _ = reply.send(handler(&mut body.process, &mut body.cx, request));
    };
    let here = quick && cell.is_welcome_anywhere();
    let pushed = push_and(cell, handle, |runtime, work| match here {
        true => runtime.run_here(work),
        false => runtime.schedule(work),
    });
    if pushed.is_err() {
        cell.requests.fetch_sub(1, Ordering::Relaxed);
        return Response::not_found().into();
    }
    if let Ok(reply) = answer.try_recv() {
        return reply;
    }
    Reply::later(async move {
        match answer.await {
            Ok(Reply::Now(response)) => response,
            Ok(Reply::Later(response)) => response.await,
            Err(_) => Response::internal_server_error("the process ended before it answered"),
        }
    })
}
