//! Traces of requests.

use std::sync::Arc;

use futures::FutureExt;

use super::origin::{Kind, Origin};
use super::{TRACEPARENT, TraceContext, outgoing};
use crate::Process;
use crate::http::header::HeaderValue;
use crate::http::{HeaderMap, Reply, Request};
use crate::pid::Shared;
use crate::routes::ActorHandler;

/// What the headers say of the trace that something belongs to. Two of them say nothing.
pub(crate) fn context(headers: &HeaderMap) -> Option<TraceContext> {
    let mut values = headers.get_all(TRACEPARENT).into_iter();
    let context = TraceContext::from_bytes(values.next()?.as_bytes());
    if values.next().is_some() { None } else { context }
}

/// Says in the headers of a request which trace it belongs to, unless they do, or nobody traces.
pub(crate) fn add_to(headers: &mut HeaderMap) {
    if let Some(context) = outgoing()
        && !headers.contains_key(TRACEPARENT)
        && let Ok(value) = HeaderValue::from_str(&context.to_string())
    {
        headers.insert(TRACEPARENT, value);
    }
}

/// Has a handler within a process run in a span below what a request says.
#[cold]
#[inline(never)]
pub(crate) fn handler<P: Process>(handler: ActorHandler<P>, request: &Request) -> ActorHandler<P> {
    let origin = Origin::of_request(context(&request.headers));
    Arc::new(move |process, cx, request| {
        let handled = origin.below(&cx.pid_ref().shared, Kind::Request(&request.path));
        in_span(handled, || handler(process, cx, request))
    })
}

/// Runs a handler for a process, but outside of it, in a span below what a request says.
#[cold]
#[inline(never)]
pub(crate) fn serve(process: &Shared, request: Box<Request>, handler: &dyn Fn(Request) -> Reply) -> Reply {
    let origin = Origin::of_request(context(&request.headers));
    let handled = origin.below(process, Kind::Request(&request.path));
    in_span(handled, || handler(*request))
}

/// A reply that is still to come belongs to the span.
fn in_span(handled: Origin, handle: impl FnOnce() -> Reply) -> Reply {
    let reply = {
        let _here = handled.enter();
        handle()
    };
    match reply {
        Reply::Now(response) => Reply::Now(response),
        Reply::Later(response) => Reply::Later(Box::new(handled).carry(response).boxed()),
    }
}
