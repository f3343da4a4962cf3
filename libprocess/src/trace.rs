//! Following a message: which one was sent because of which, across actors and machines.
//!
//! When a subscriber of [`tracing`] is interested in [`TARGET`] at level `TRACE`, each message is handled inside a span
//! whose parent is the span in which it was sent: so what a handler sends is below what it handles. A message is here
//! what is told or asked, delayed, deferred, or sent from another process by name, and a request to a route; and what
//! [runs](crate::Context::run) in the background goes on in the span in which it was given away. The span is called
//! `message`, and has these fields:
//!
//! | field | |
//! |---|---|
//! | `pid` | who handles it |
//! | `kind` | `dispatch` for a closure, `message` for one by name, `request` |
//! | `name`, `path` | of a message by name, of a request |
//! | `trace_id`, `span_id` | the [`TraceContext`] in which it is handled, as hexadecimal digits |
//! | `parent_id` | the `span_id` of what it was sent in, unless it begins a trace |
//!
//! Between machines, where a span cannot have a parent, the ids tell what belongs together: messages to other nodes and
//! requests of our [client](crate::http::Client) have a header `traceparent`, as [W3C Trace Context] says, and so may
//! what others ask of a node. One that is not well-formed is ignored. What is sent outside of any trace begins one; to
//! another machine, under a span id that no span has. So does what a process sends when it begins or ends, or when it
//! hears of the end of another.
//!
//! Without such a subscriber none of this happens: a message costs one comparison more, and what goes over the wire is
//! what C++ libprocess sends, to the byte. Both sides need not agree: a node that does not trace ignores the header, and
//! C++ libprocess does so, too. A filter must name the target, as `RUST_LOG=libprocess::message=trace` does for
//! `tracing-subscriber`; one by the name of the span alone is not seen.
//!
//! ```
//! use libprocess::trace::{self, TraceContext};
//! use libprocess::{Node, Process};
//!
//! struct Quiet;
//! impl Process for Quiet {}
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let node = Node::builder().start().await.unwrap();
//! # let quiet = node.spawn(Quiet);
//! // What another system says of the trace that it is in.
//! let context: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?;
//! let asked = context.scope(|| quiet.ask(|_quiet, _cx| trace::current()));
//! // Nobody has subscribed, so that nothing is traced.
//! assert_eq!(asked.await, Ok(None));
//! # Ok::<(), trace::ParseTraceContextError>(())
//! # }).unwrap();
//! ```
//!
//! [W3C Trace Context]: https://www.w3.org/TR/trace-context/

mod context;
#[cfg(feature = "http")]
pub(crate) mod http;
mod ids;
mod origin;

use std::cell::Cell;

use tracing::level_filters::LevelFilter;

pub use context::{ParseTraceContextError, TraceContext};
pub(crate) use origin::{Origin, Scope, dispatch, message, origin};

/// The target of the spans in which messages are handled.
pub const TARGET: &str = "libprocess::message";

/// The header that carries a [`TraceContext`].
#[cfg(feature = "http")]
pub(crate) const TRACEPARENT: &str = "traceparent";

thread_local! {
    static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// The trace that this thread is in: in a handler, that of the message which it handles, if messages are traced.
///
/// It is there, too, where a [`Network`](crate::remote::Network) is given a message to send and a
/// [`Service`](crate::http::Service) one that has come, to be carried along.
pub fn current() -> Option<TraceContext> {
    CURRENT.get()
}

/// Whether somebody wants to see messages.
#[inline(always)]
pub(crate) fn enabled() -> bool {
    LevelFilter::current() >= LevelFilter::TRACE && is_wanted()
}

/// Whether it is these that somebody wants to see, who wants to see everything of something.
#[cold]
#[inline(never)]
fn is_wanted() -> bool {
    tracing::span_enabled!(target: TARGET, tracing::Level::TRACE)
}

/// What a message to another machine takes along.
#[cfg(feature = "http")]
#[inline]
pub(crate) fn outgoing() -> Option<TraceContext> {
    enabled().then(|| current().unwrap_or_else(TraceContext::root))
}

#[cfg(all(test, feature = "remote"))]
mod tests;
