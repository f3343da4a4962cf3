//! Where a message was sent, and the span in which it is handled.

use std::future::poll_fn;
use std::pin::Pin;

use tracing::{Span, field, span, trace_span};

use super::{CURRENT, TARGET, TraceContext, current, enabled};
use crate::Process;
use crate::pid::Shared;
use crate::runner::Body;

/// A future whose type does not matter.
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Has the thread be at a place of a trace, until it is dropped.
#[must_use]
pub(crate) struct Scope {
    before: Option<TraceContext>,
}

impl Scope {
    pub(super) fn enter(context: Option<TraceContext>) -> Self {
        Self { before: CURRENT.replace(context) }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// The place from which something is sent.
pub(crate) struct Origin {
    context: Option<TraceContext>,
    span: Span,
}

/// What is handled, and the name or path that it has.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    Dispatch,
    Message(&'a str),
    #[cfg(feature = "http")]
    Request(&'a str),
}

/// This place, if it is one and messages are traced: for what happens later because of what happens now.
#[inline]
pub(crate) fn origin() -> Option<Box<Origin>> {
    if enabled() { Origin::somewhere() } else { None }
}

impl Origin {
    fn here() -> Self {
        Self { context: current(), span: Span::current() }
    }

    /// What somebody outside of this program has begun.
    #[cfg(feature = "http")]
    pub(super) fn outside(context: TraceContext) -> Self {
        Self { context: Some(context), span: Span::none() }
    }

    #[cfg(feature = "http")]
    pub(super) fn of_request(context: Option<TraceContext>) -> Self {
        context.map_or_else(Self::here, Self::outside)
    }

    #[cold]
    #[inline(never)]
    fn somewhere() -> Option<Box<Self>> {
        let here = Self::here();
        (here.context.is_some() || !here.span.is_none()).then(|| Box::new(here))
    }

    /// Has this thread be there.
    pub(crate) fn enter(&self) -> (span::Entered<'_>, Scope) {
        (self.span.enter(), Scope::enter(self.context))
    }

    /// Has a future be there whenever it is polled.
    #[cold]
    pub(crate) fn carry<T: 'static>(self: Box<Self>, mut future: BoxFuture<T>) -> BoxFuture<T> {
        Box::pin(poll_fn(move |context| {
            let _here = self.enter();
            future.as_mut().poll(context)
        }))
    }

    /// Where a process handles what was sent from here.
    pub(super) fn below(&self, to: &Shared, kind: Kind<'_>) -> Self {
        let context = TraceContext::below(self.context, &to.node);
        let (kind, name, path): (_, _, Option<&str>) = match kind {
            Kind::Dispatch => ("dispatch", None, None),
            Kind::Message(name) => ("message", Some(name), None),
            #[cfg(feature = "http")]
            Kind::Request(path) => ("request", None, Some(path)),
        };
        let parent_id = self.context.map(|parent| field::display(format!("{:016x}", parent.span_id())));
        let span = trace_span!(
            target: TARGET,
            parent: &self.span,
            "message",
            pid = %to.upid(),
            kind,
            name,
            path,
            trace_id = format_args!("{:032x}", context.trace_id()),
            span_id = format_args!("{:016x}", context.span_id()),
            parent_id,
        );
        Self { context: Some(context), span }
    }
}

/// What runs in a process.
type Job<P> = Box<dyn FnOnce(&mut Body<P>) + Send>;

/// Has a closure run in a span below this place.
#[cold]
#[inline(never)]
pub(crate) fn dispatch<P: Process>(job: Job<P>) -> impl FnOnce(&mut Body<P>) + Send + use<P> {
    in_span(None, job)
}

/// Has the handling of a message of that name run in a span below this place.
#[cold]
#[inline(never)]
pub(crate) fn message<P: Process>(name: &str, job: Job<P>) -> impl FnOnce(&mut Body<P>) + Send + use<P> {
    in_span(Some(name.into()), job)
}

fn in_span<P: Process>(name: Option<Box<str>>, job: Job<P>) -> impl FnOnce(&mut Body<P>) + Send + use<P> {
    let sent = Box::new((Origin::here(), name));
    move |body: &mut Body<P>| {
        let (origin, name) = &*sent;
        let kind = name.as_deref().map_or(Kind::Dispatch, Kind::Message);
        let handled = origin.below(&body.cx.pid_ref().shared, kind);
        let _here = handled.enter();
        job(body);
    }
}
