//! Where in a trace something is.

use std::fmt;
use std::str::FromStr;

use super::{Scope, ids};
use crate::Node;

/// How long the text of version 0 is; later versions may have more.
const TEXT_BYTES: usize = 55;
const SAMPLED: u8 = 1;

/// Where in a trace something is: the trace, and the span in it. Written, and read, it is the header `traceparent` of
/// [W3C Trace Context].
///
/// ```
/// use libprocess::trace::TraceContext;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let context: TraceContext = text.parse()?;
/// assert_eq!(context.span_id(), 0xf067aa0ba902b7);
/// assert!(context.is_sampled());
/// assert_eq!(context.to_string(), text);
/// # Ok::<(), libprocess::trace::ParseTraceContextError>(())
/// ```
///
/// [W3C Trace Context]: https://www.w3.org/TR/trace-context/
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
}

impl TraceContext {
    /// The beginning of a trace, with ids that are there once.
    pub fn root() -> Self {
        Self { trace_id: ids::trace(ids::random), span_id: ids::span(ids::random), sampled: true }
    }

    /// Where a process of this node handles what was sent from there.
    pub(super) fn below(parent: Option<Self>, node: &Node) -> Self {
        let next = || ids::next(node);
        match parent {
            Some(parent) => Self { span_id: ids::span(next), ..parent },
            None => Self { trace_id: ids::trace(next), span_id: ids::span(next), sampled: true },
        }
    }

    /// The id of the trace, which is not 0; written as 32 hexadecimal digits.
    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The id of the span, which is not 0; written as 16 hexadecimal digits.
    pub fn span_id(&self) -> u64 {
        self.span_id
    }

    /// Whether the one that began the trace says that it records it. That is passed on, and changes nothing here.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// Runs `f` in this place of the trace: what it sends, if messages are traced, is below that.
    ///
    /// ```
    /// use libprocess::trace::{TraceContext, current};
    ///
    /// let context = TraceContext::root();
    /// assert_eq!(context.scope(current), Some(context));
    /// assert_eq!(current(), None);
    /// ```
    pub fn scope<R>(self, f: impl FnOnce() -> R) -> R {
        let _scope = Scope::enter(Some(self));
        f()
    }

    /// What a header says, unless it is not well-formed.
    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        let (known, more) = text.split_at_checked(TEXT_BYTES)?;
        let [v1, v2, b'-', rest @ ..] = known else { return None };
        let (trace_id, rest) = rest.split_at_checked(32)?;
        let (span_id, rest) = rest.strip_prefix(b"-")?.split_at_checked(16)?;
        let flags = rest.strip_prefix(b"-")?;
        let version = u8::try_from(hexadecimal(&[*v1, *v2])?).ok()?;
        let is_known = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more.starts_with(b"-"),
        };
        let context = Self {
            trace_id: hexadecimal(trace_id)?,
            span_id: u64::try_from(hexadecimal(span_id)?).ok()?,
            sampled: u8::try_from(hexadecimal(flags)?).ok()? & SAMPLED != 0,
        };
        (is_known && context.trace_id != 0 && context.span_id != 0).then_some(context)
    }
}

/// A number of lower-case digits, of which there are not too many.
fn hexadecimal(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0u128, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((number << 4) | u128::from(digit))
    })
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled) * SAMPLED)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceContext({self})")
    }
}

/// A text is no `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseTraceContextError;

impl fmt::Display for ParseTraceContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expecting a trace context as 00-<32 digits>-<16 digits>-<2 digits>, in lower-case hexadecimal",
        )
    }
}

impl std::error::Error for ParseTraceContextError {}

impl FromStr for TraceContext {
    type Err = ParseTraceContextError;

    fn from_str(text: &str) -> Result<Self, ParseTraceContextError> {
        Self::from_bytes(text.as_bytes()).ok_or(ParseTraceContextError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_well_formed_is_none() {
        let check =
            |text: &str| assert_eq!(text.parse::<TraceContext>(), Err(ParseTraceContextError), "{text}");
        check("");
        check("00");
        check("garbage");
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7");
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0");
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-");
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ");
        check("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01");
        check("00-00000000000000000000000000000000-00f067aa0ba902b7-01");
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01");
        check("00-4bf92f3577b34da6a3ce929d0e0e4736x00f067aa0ba902b7-01");
        check("0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        check("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        check("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x");
        check("00-4bf92f3577b34da6a3ce929d0e0e47\u{e9}-00f067aa0ba902b7-01");
    }

    #[test]
    fn later_version_and_other_flags_are_read_as_far_as_they_are_known() {
        let text = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe-what-the-future-brings";
        let context: TraceContext = text.parse().unwrap();
        assert_eq!(context.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        assert!(!context.is_sampled());
    }

    #[test]
    fn ids_are_there_once() {
        let contexts: Vec<_> = (0..1000).map(|_| TraceContext::root()).collect();
        let traces: std::collections::HashSet<_> = contexts.iter().map(TraceContext::trace_id).collect();
        let spans: std::collections::HashSet<_> = contexts.iter().map(TraceContext::span_id).collect();
        assert_eq!((traces.len(), spans.len()), (1000, 1000));
    }

    proptest! {
        #[test]
        fn context_is_read_as_it_was_written(trace_id in 1u128.., span_id in 1u64.., sampled: bool) {
            let context = TraceContext { trace_id, span_id, sampled };
            prop_assert_eq!(context.to_string().parse(), Ok(context));
        }

        #[test]
        fn text_that_is_read_says_what_it_said(text in "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}") {
            if let Ok(context) = text.parse::<TraceContext>() {
                prop_assert_eq!(&context.to_string()[2..53], &text[2..53]);
            } else {
                prop_assert!(text.starts_with("ff"), "zeroes are not drawn");
            }
        }
    }
}
