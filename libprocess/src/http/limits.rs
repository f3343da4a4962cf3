//! The bounds within which the server works.

use std::time::Duration;

/// The longest body of a message between processes, sent or received: 64 MiB, the default bound of
/// the protobuf parsers on the other side.
pub const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// The longest body of a request to a route, unpacked: 64 MiB. No call of an API comes near it.
pub const REQUEST_BYTES_MAX: usize = 64 << 20;

/// The longest head of a request, from its first line to the empty one: 64 KiB.
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// What a server allows its peers. Start from the default and change what is to be different.
///
/// A connection on which nothing is being asked may stay open for ever: links between processes are
/// such connections, and so are those of schedulers between two calls. What holds them in check is
/// [`connections_max`](Self::connections_max), and TCP keep-alive, which finds the dead ones.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections that may be open at a time; one more is answered with 503.
    pub connections_max: usize,
    /// How long the head of a request may take from its first byte to its last; then 408.
    pub head_wait_max: Duration,
    /// How long a head may be, at least 8 KiB; a longer one is answered with 431.
    pub head_bytes_max: usize,
    /// How many headers a request may have; 431 beyond.
    pub headers_max: usize,
    /// How long a peer may be silent in the middle of a body; then 408.
    pub body_wait_max: Duration,
    /// How many bytes of a body must have come in each second of the time after
    /// [`body_wait_max`](Self::body_wait_max), on the whole; then 408. Otherwise a body that comes drop by drop
    /// would hold what it takes for ever.
    pub body_bytes_per_second_min: usize,
    /// How long the body of a request may be, packed or unpacked; then 413.
    pub request_bytes_max: usize,
    /// How long the body of a message may be, packed or unpacked; then 413.
    pub message_bytes_max: usize,
    /// How long a peer may take nothing of an answer that it was sent; then it is cut off.
    pub write_wait_max: Duration,
    /// How long an answer may still take once the peer has closed its side of the connection.
    pub half_closed_wait_max: Duration,
    /// How long answers under way may take after the server was told to stop.
    pub shutdown_wait_max: Duration,
    /// After how much silence TCP begins to ask whether the peer is still there.
    pub tcp_keepalive: Duration,
    /// Whether messages are refused unless they come from the IP address that their sender's PID
    /// names.
    pub require_peer_address_ip_match: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 65_536,
            head_wait_max: Duration::from_secs(30),
            head_bytes_max: HEAD_BYTES_MAX,
            headers_max: 100,
            body_wait_max: Duration::from_secs(60),
            body_bytes_per_second_min: 1024,
            request_bytes_max: REQUEST_BYTES_MAX,
            message_bytes_max: MESSAGE_BYTES_MAX,
            write_wait_max: Duration::from_secs(120),
            half_closed_wait_max: Duration::from_secs(30),
            shutdown_wait_max: Duration::from_secs(1),
            tcp_keepalive: Duration::from_secs(60),
            require_peer_address_ip_match: false,
        }
    }
}

impl Limits {
    /// How long it may take until so many bytes of a body have come.
    pub(super) fn body_time_max(&self, bytes: usize) -> Duration {
        let seconds = bytes / self.body_bytes_per_second_min.max(1);
        self.body_wait_max.saturating_add(Duration::from_secs(seconds as u64))
    }
}
