//! Where a message begins and ends in the bytes of a connection.

use std::ops::Range;

use httparse::{Header, Status};

use crate::http::{Limits, message};
use crate::trace::{TRACEPARENT, TraceContext};

/// What every plain message begins with.
const BEGINNING: &[u8] = b"POST /";

/// The head of a message is far shorter.
const HEAD_BYTES_MAX: usize = 4096;

const HEADERS_MAX: usize = 32;

/// What may follow the length of a chunk, and what follows the only one.
const LINE_END: &[u8] = b"\r\n";
const BODY_END: &[u8] = b"\r\n0\r\n\r\n";

/// The longest line that tells the length of a chunk.
const CHUNK_LINE_BYTES_MAX: usize = 16;

/// The head of the message that was found last.
///
/// A sender repeats itself: the head of the next message is mostly the same, byte by byte, and then
/// there is nothing to parse.
#[derive(Default)]
pub(super) struct Head {
    bytes: Vec<u8>,
    pub(super) from: String,
    /// The id of the receiver.
    pub(super) id: String,
    pub(super) name: String,
    /// The trace that it belongs to.
    pub(super) trace: Option<TraceContext>,
    framing: Framing,
}

/// What says how long the body is.
#[derive(Default, Clone, Copy, PartialEq, Eq, Debug)]
enum Framing {
    #[default]
    Empty,
    Length(usize),
    Chunked,
}

/// What the bytes of a connection begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole message, whose head says the rest.
    Message { body: Range<usize>, end: usize },
    /// The first part of something that may become a message.
    Part(Part),
    /// Something else: a request, or a message that is framed or packed in a way that nodes do not use.
    Other,
}

/// How much of a message is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Head,
    /// The head and some of the body; it cannot be whole before so many bytes of both are there.
    Body {
        head_bytes: usize,
        bytes_min: usize,
    },
}

impl Head {
    /// Looks at what `bytes` begin with.
    pub(super) fn find(&mut self, bytes: &[u8], limits: &Limits) -> Found {
        if self.bytes.is_empty() || !bytes.starts_with(&self.bytes) {
            match self.read(bytes, limits) {
                Read::Whole => {}
                Read::Part => return Found::Part(Part::Head),
                Read::Other => return Found::Other,
            }
        }
        let head = self.bytes.len();
        match self.framing {
            Framing::Empty => Found::Message { body: head..head, end: head },
            Framing::Length(length) => found(bytes, head, head, length, 0),
            Framing::Chunked => find_chunk(bytes, head, limits.message_bytes_max),
        }
    }

    fn read(&mut self, bytes: &[u8], limits: &Limits) -> Read {
        if !is_beginning(bytes, BEGINNING) {
            return Read::Other;
        }
        let mut headers = [const { std::mem::MaybeUninit::uninit() }; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut []);
        let length = match request.parse_with_uninit_headers(bytes, &mut headers) {
            Ok(Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
            Ok(Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Read::Part,
            _ => return Read::Other,
        };
        if request.version != Some(1) || request.headers.len() > limits.headers_max {
            return Read::Other;
        }
        let (Some(path), Some(head)) = (request.path, bytes.get(..length)) else { return Read::Other };
        let Some(said) = Said::by(request.headers) else { return Read::Other };
        let Some(from) = said.from() else { return Read::Other };
        let Some(framing) = said.framing().filter(|it| it.fits(limits.message_bytes_max)) else {
            return Read::Other;
        };
        if !path.bytes().all(is_plain) {
            return Read::Other;
        }
        let Ok((id, name)) = message::receiver(path) else { return Read::Other };
        (self.id, self.name, self.framing) = (id, name, framing);
        self.trace = said.trace();
        self.from.clear();
        self.from.push_str(from);
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        Read::Whole
    }
}

/// What became of the attempt to read a head.
enum Read {
    Whole,
    Part,
    Other,
}

/// What of the headers matters.
#[derive(Default)]
struct Said<'a> {
    sender: Option<&'a [u8]>,
    agent: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    chunked: bool,
    traces: Traces<'a>,
}

/// What is said of traces.
#[derive(Default)]
enum Traces<'a> {
    #[default]
    None,
    One(&'a [u8]),
    Several,
}

impl<'a> Traces<'a> {
    fn add(&mut self, text: &'a [u8]) {
        *self = if matches!(self, Self::None) { Self::One(text) } else { Self::Several };
    }
}

impl<'a> Said<'a> {
    /// Nothing where a header calls for more than is done here.
    fn by(headers: &[Header<'a>]) -> Option<Self> {
        let mut said = Self::default();
        for header in headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            match header.name.len() {
                15 if is(message::SENDER) => said.sender = said.sender.or(Some(header.value)),
                10 if is("user-agent") => said.agent = said.agent.or(Some(header.value)),
                11 if is(TRACEPARENT) => said.traces.add(header.value),
                10 if is("connection") && !header.value.eq_ignore_ascii_case(b"keep-alive") => return None,
                14 if is("content-length") && said.length.replace(header.value).is_some() => return None,
                17 if is("transfer-encoding") => {
                    if said.chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                        return None;
                    }
                    said.chunked = true;
                }
                6 if is("expect") => return None,
                7 if is("upgrade") || is("trailer") => return None,
                16 if is("content-encoding") => return None,
                _ => {}
            }
        }
        Some(said)
    }

    /// The PID of the sender, if this is a message.
    fn from(&self) -> Option<&'a str> {
        let from = match self.sender {
            Some(sender) => sender,
            None => self.agent?.strip_prefix(message::AGENT_PREFIX.as_bytes())?,
        };
        std::str::from_utf8(from).ok()
    }

    /// The trace that it belongs to, unless it says several.
    fn trace(&self) -> Option<TraceContext> {
        match self.traces {
            Traces::One(text) => TraceContext::from_bytes(text),
            Traces::None | Traces::Several => None,
        }
    }

    fn framing(&self) -> Option<Framing> {
        match (self.length, self.chunked) {
            (None, false) => Some(Framing::Empty),
            (None, true) => Some(Framing::Chunked),
            (Some(length), false) if length.iter().all(u8::is_ascii_digit) => {
                std::str::from_utf8(length).ok()?.parse().ok().map(Framing::Length)
            }
            (Some(_), _) => None,
        }
    }
}

impl Framing {
    fn fits(self, bytes_max: usize) -> bool {
        !matches!(self, Self::Length(length) if length > bytes_max)
    }
}

/// What a path is made of in which nothing has a meaning of its own but `/` and `%`.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/%-._~!$&'()*+,;=:@".contains(&byte)
}

/// Whether `bytes` begin as `whole` does, as far as they go.
fn is_beginning(bytes: &[u8], whole: &[u8]) -> bool {
    bytes.iter().zip(whole).all(|(byte, wanted)| byte == wanted)
}

/// A body of one chunk, or none, and the end of all chunks.
fn find_chunk(bytes: &[u8], head: usize, bytes_max: usize) -> Found {
    let rest = bytes.get(head..).unwrap_or_default();
    let part = |bytes_min| Found::Part(Part::Body { head_bytes: head, bytes_min });
    let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits > CHUNK_LINE_BYTES_MAX {
        return Found::Other;
    }
    let (number, line_end) = rest.split_at_checked(digits).unwrap_or_default();
    if line_end.len() < LINE_END.len() && is_beginning(line_end, LINE_END) {
        return part(bytes.len() + 1);
    }
    let number = std::str::from_utf8(number).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
    let Some(length) = number.filter(|length| *length <= bytes_max && line_end.starts_with(LINE_END)) else {
        return Found::Other;
    };
    let start = head + digits + LINE_END.len();
    if length > 0 {
        return found(bytes, head, start, length, BODY_END.len());
    }
    // No more than the end of the chunks.
    match bytes.get(start..).unwrap_or_default() {
        rest if rest.starts_with(LINE_END) => {
            Found::Message { body: start..start, end: start + LINE_END.len() }
        }
        rest if is_beginning(rest, LINE_END) => part(bytes.len() + 1),
        _ => Found::Other,
    }
}

/// A body that is `length` bytes from `start`, and then `end_bytes` of [`BODY_END`].
fn found(bytes: &[u8], head_bytes: usize, start: usize, length: usize, end_bytes: usize) -> Found {
    let body = start..start.saturating_add(length);
    let end = body.end.saturating_add(end_bytes);
    let behind = bytes.get(body.end..).unwrap_or_default();
    if end_bytes > 0 && !is_beginning(behind, BODY_END) {
        return Found::Other;
    }
    if bytes.len() < end {
        return Found::Part(Part::Body { head_bytes, bytes_min: end });
    }
    Found::Message { body, end }
}

#[cfg(test)]
mod tests;
