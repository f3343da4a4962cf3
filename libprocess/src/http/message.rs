//! Messages between processes as HTTP carries them.

use std::future::poll_fn;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::Bytes;
use hyper::header::USER_AGENT;
use hyper::{HeaderMap, Method};
use tokio::io::{AsyncRead, ReadBuf};

use super::target;
use crate::Upid;
use crate::trace::{TRACEPARENT, TraceContext};

/// The header that makes a POST a message, and says who sends it.
pub(super) const SENDER: &str = "libprocess-from";

/// What a `User-Agent` begins with that does the same.
pub(super) const AGENT_PREFIX: &str = "libprocess/";

/// A message from a process on another node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incoming {
    /// The PID of the sender as it was given, which may be no PID at all.
    pub from: String,
    /// The id of the process that it is for.
    pub id: String,
    /// The name of the message.
    pub name: String,
    /// The message.
    pub body: Bytes,
}

/// A message from a process on another node, as it lies in what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrival<'a> {
    /// The PID of the sender, or [`Upid::nobody`].
    pub from: &'a Upid,
    /// The PID of the sender as it was given, which may be no PID at all.
    pub sender: &'a str,
    /// The id of the process that it is for.
    pub id: &'a str,
    /// The name of the message.
    pub name: &'a str,
    /// The message.
    pub body: Bytes,
}

impl From<Arrival<'_>> for Incoming {
    fn from(arrival: Arrival<'_>) -> Self {
        let Arrival { sender, id, name, body, .. } = arrival;
        Self { from: sender.to_owned(), id: id.to_owned(), name: name.to_owned(), body }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is in the queue of its process, known there or not: 202.
    Delivered,
    /// There is no such process: 404.
    NoSuchProcess,
}

/// The PID of the sender, if the request is a message.
pub(super) fn sender(method: &Method, headers: &HeaderMap) -> Option<String> {
    if method != Method::POST {
        return None;
    }
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    if let Some(from) = headers.get(SENDER) {
        return Some(text(from));
    }
    let agent = text(headers.get(USER_AGENT)?);
    agent.strip_prefix(AGENT_PREFIX).map(str::to_owned)
}

/// The id of the receiver, decoded, and the name of the message, which is not encoded.
///
/// # Errors
///
/// Says why the id cannot be decoded.
pub(super) fn receiver(path: &str) -> Result<(String, String), String> {
    let (id, name) = target::split(path);
    let id = target::decode(id)?;
    Ok((id, name.trim_start_matches('/').to_owned()))
}

/// Whether the PID `from` names the IP address of the peer.
pub(super) fn is_from_peer(from: &str, peer: SocketAddr) -> bool {
    let canonical = |ip: IpAddr| ip.to_canonical();
    let address = from.rsplit_once('@').and_then(|(_, address)| address.parse::<SocketAddr>().ok());
    address.is_some_and(|address| canonical(address.ip()) == canonical(peer.ip()))
}

/// The bytes of a message from the process `from` (a PID) to the process `to_id` of the node at the
/// other end of a connection.
///
/// They are exactly those that C++ libprocess writes, as long as the PID, the id and the name hold
/// what such names hold. Whatever could end the line or change its meaning is percent-encoded, since
/// PIDs also come out of messages that others made.
///
/// ```
/// let bytes = libprocess::http::encode_message("a(1)@10.0.0.1:5050", "b(1)", "Ping", b"hi");
/// assert!(bytes.starts_with(b"POST /b(1)/Ping HTTP/1.1\r\nUser-Agent: libprocess/a(1)@10.0.0.1:5050\r\n"));
/// assert!(bytes.ends_with(b"\r\n\r\n2\r\nhi\r\n0\r\n\r\n"));
/// ```
pub fn encode_message(from: &str, to_id: &str, name: &str, body: &[u8]) -> Vec<u8> {
    encode_traced(from, to_id, name, body, None)
}

/// A message that says, if it belongs to a trace, to which.
pub(crate) fn encode_traced(
    from: &str,
    to_id: &str,
    name: &str,
    body: &[u8],
    trace: Option<TraceContext>,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message_bytes(from, to_id, name, body));
    append_message(&mut bytes, from, to_id, name, body, trace);
    bytes
}

/// About how long a message becomes: longer only where something has to be escaped, or a trace is told.
pub(crate) fn message_bytes(from: &str, to_id: &str, name: &str, body: &[u8]) -> usize {
    192 + 2 * from.len() + to_id.len() + name.len() + body.len()
}

/// Appends what [`encode_message`] makes, and the trace that it belongs to.
pub(crate) fn append_message(
    bytes: &mut Vec<u8>,
    from: &str,
    to_id: &str,
    name: &str,
    body: &[u8],
    trace: Option<TraceContext>,
) {
    bytes.extend_from_slice(b"POST /");
    escape(bytes, to_id, b"/?#%");
    bytes.push(b'/');
    escape(bytes, name, b"?#");
    bytes.extend_from_slice(b" HTTP/1.1\r\nUser-Agent: libprocess/");
    escape(bytes, from, b"");
    bytes.extend_from_slice(b"\r\nLibprocess-From: ");
    escape(bytes, from, b"");
    bytes.extend_from_slice(b"\r\nConnection: Keep-Alive\r\nHost: \r\n");
    if let Some(trace) = trace {
        // A vector takes all that is written to it.
        let _ = write!(bytes, "{TRACEPARENT}: {trace}\r\n");
    }
    if body.is_empty() {
        bytes.extend_from_slice(b"\r\n");
        return;
    }
    let _ = write!(bytes, "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len());
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(b"\r\n0\r\n\r\n");
}

/// Appends a text, percent-encoding the special characters and everything but visible ASCII.
fn escape(bytes: &mut Vec<u8>, text: &str, special: &[u8]) {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !special.contains(byte);
    if text.as_bytes().iter().all(is_plain) {
        bytes.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        if is_plain(&byte) {
            bytes.push(byte);
        } else {
            let _ = write!(bytes, "%{byte:02X}");
        }
    }
}

/// How much of the answers is read at a time.
const ANSWERS_BYTES: usize = 16 << 10;

/// Reads and drops the answers to messages until the other side closes the connection.
///
/// # Errors
///
/// What broke the connection, if it did not end in good order.
pub async fn drain(mut reader: impl AsyncRead + Unpin) -> io::Result<()> {
    poll_fn(|context| {
        // On the stack, and only while there is something to read.
        let mut answers = [const { MaybeUninit::uninit() }; ANSWERS_BYTES];
        loop {
            let mut answers = ReadBuf::uninit(&mut answers);
            ready!(Pin::new(&mut reader).poll_read(context, &mut answers))?;
            if answers.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_body_has_no_length_headers() {
        let bytes = encode_message("a(1)@127.0.0.1:5050", "b(1)", "Pong", b"");
        let expected = "POST /b(1)/Pong HTTP/1.1\r\nUser-Agent: libprocess/a(1)@127.0.0.1:5050\r\n\
            Libprocess-From: a(1)@127.0.0.1:5050\r\nConnection: Keep-Alive\r\nHost: \r\n\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn trace_is_one_header_more() {
        let traced = |body| {
            let trace = TraceContext::root();
            let header = format!("{TRACEPARENT}: {trace}\r\n");
            let bytes = encode_traced("a(1)@127.0.0.1:5050", "b(1)", "Ping", body, Some(trace));
            String::from_utf8(bytes).unwrap().replacen(&header, "", 1)
        };
        for body in [&b""[..], b"hi"] {
            assert_eq!(
                traced(body).into_bytes(),
                encode_message("a(1)@127.0.0.1:5050", "b(1)", "Ping", body)
            );
        }
    }

    #[test]
    fn chunk_size_is_lower_case_hex() {
        let bytes = encode_message("a@127.0.0.1:1", "b", "M", &[7; 0xabc]);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("\r\n\r\nabc\r\n\x07"), "{text}");
    }

    #[test]
    fn forged_names_cannot_end_the_line() {
        let bytes = encode_message("a\r\nX: y@h:1", "b c/d\r\n", "n\r\nY: z?q", b"");
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("POST /b%20c%2Fd%0D%0A/n%0D%0AY:%20z%3Fq HTTP/1.1\r\n"), "{text}");
        assert_eq!(text.matches("\r\n").count(), 6, "{text}");
    }

    #[test]
    fn encoded_id_is_the_id_that_is_decoded() {
        let bytes = encode_message("a@h:1", "100%/(1)", "n", b"");
        let text = String::from_utf8(bytes).unwrap();
        let path = text.split(' ').nth(1).unwrap();
        assert_eq!(receiver(path), Ok(("100%/(1)".to_owned(), "n".to_owned())));
    }

    #[test]
    fn peer_is_compared_by_ip_only() {
        let peer: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        assert!(is_from_peer("a@127.0.0.1:5", peer));
        assert!(is_from_peer("a@b@127.0.0.1:5", "[::ffff:127.0.0.1]:1".parse().unwrap()));
        for from in ["a@10.1.2.3:5", "garbage", "a@", "a@localhost:5", ""] {
            assert!(!is_from_peer(from, peer), "{from}");
        }
    }
}
