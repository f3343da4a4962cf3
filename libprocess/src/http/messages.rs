//! The messages of other nodes, which come by the hundred thousand, taken from a connection without
//! much ado.
//!
//! Whole messages in the plain form that nodes give them are delivered straight from what was read, as
//! many as there are, and their answers are written together. At the first thing that is not such a
//! message all that is left goes to the HTTP server, which knows every form that a request or a message
//! may have, and keeps the connection from there on.

mod answers;
#[cfg(all(any(test, fuzzing), feature = "tls"))]
pub(super) mod fuzz;
mod head;
mod sender;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::debug;

use self::answers::Answers;
use self::head::{Found, Head, Part};
use self::sender::Sender;
use super::peer::{Peer, Phase};
use super::{Arrival, Limits, Service};
use crate::trace;

/// How much is read at a time, if it is there.
const READ_BYTES: usize = 64 << 10;

/// A longer body is not copied out of what was read, but keeps it in memory.
const COPIED_BYTES_MAX: usize = 8 << 10;

/// How much of a body that is still to come one makes room for in advance.
const BELIEVED_BYTES_MAX: usize = 1 << 20;

/// What follows the messages of a connection.
pub(super) enum End {
    /// Something else, which was given back to the [`Peer`].
    Other,
    /// Nothing: the server stops.
    Stopped,
    /// Nothing: the peer was told why.
    Refused,
}

/// The messages of one connection, from its first byte on.
pub(super) struct Messages {
    service: Arc<dyn Service>,
    limits: Arc<Limits>,
    peer: Peer,
    address: SocketAddr,
    head: Head,
    sender: Sender,
    /// What was read and not taken yet.
    buffer: BytesMut,
    answers: Answers,
    /// When the body began that is not whole yet.
    body_begun: Option<Instant>,
}

/// What the bytes that are left are a part of.
#[derive(PartialEq, Eq)]
enum Left {
    Nothing,
    Part(Part),
    Other,
}

impl Messages {
    pub(super) fn new(
        service: Arc<dyn Service>,
        limits: Arc<Limits>,
        peer: Peer,
        address: SocketAddr,
    ) -> Self {
        Self {
            service,
            limits,
            peer,
            address,
            head: Head::default(),
            sender: Sender::default(),
            buffer: BytesMut::new(),
            answers: Answers::default(),
            body_begun: None,
        }
    }

    /// Delivers messages until something else comes, or `stopped` becomes true.
    ///
    /// # Errors
    ///
    /// What broke the connection.
    pub(super) async fn run(mut self, stopped: &mut watch::Receiver<bool>) -> io::Result<End> {
        loop {
            let left = self.take();
            let answers = self.answers.take();
            if !answers.is_empty() {
                self.peer.set_phase(Phase::Idle);
                self.body_begun = None;
                self.peer.write_all(&answers).await?;
                self.peer.flush().await?;
            }
            drop(answers); // Before a wait that may be long.
            match left {
                Left::Nothing => {}
                Left::Part(Part::Head) => self.peer.set_phase(Phase::Head),
                Left::Part(Part::Body { .. }) => self.peer.set_phase(Phase::Exchange),
                Left::Other => return Ok(self.give_back()),
            }
            let read = tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(End::Stopped),
                read = self.read(&left) => read?,
            };
            match read {
                Read::Some => {}
                // What comes to no end is a matter for the other one too.
                Read::End => return Ok(self.give_back()),
                Read::Late(text) => {
                    self.peer.refuse_late(text).await;
                    return Ok(End::Refused);
                }
            }
        }
    }

    fn give_back(self) -> End {
        self.peer.set_phase(Phase::Idle);
        self.peer.give_back(self.buffer);
        End::Other
    }

    /// Delivers the whole messages that were read; says what is left.
    fn take(&mut self) -> Left {
        let mut taken = 0;
        let left = loop {
            let bytes = self.buffer.get(taken..).unwrap_or_default();
            if bytes.is_empty() {
                break Left::Nothing;
            }
            let (body, end) = match self.head.find(bytes, &self.limits) {
                Found::Message { body, end } => (body, end),
                Found::Part(part) => break Left::Part(part),
                Found::Other => break Left::Other,
            };
            self.sender.update(&self.head.from, self.address);
            if self.limits.require_peer_address_ip_match && !self.sender.is_from_peer() {
                break Left::Other; // Which says why it is refused.
            }
            let body = if body.len() <= COPIED_BYTES_MAX {
                taken += end;
                Bytes::copy_from_slice(bytes.get(body).unwrap_or_default())
            } else {
                self.buffer.advance(taken + body.start);
                let rest = end - body.end;
                let body = self.buffer.split_to(body.len()).freeze();
                taken = rest;
                body
            };
            self.deliver(body);
        };
        self.buffer.advance(taken);
        left
    }

    fn deliver(&mut self, body: Bytes) {
        let (from, id, name) = (self.sender.pid(), self.head.id.as_str(), self.head.name.as_str());
        debug!(%from, id, name, bytes = body.len(), "received a message");
        let arrival = Arrival { from, sender: &self.head.from, id, name, body };
        let delivery = match self.head.trace {
            Some(trace) if trace::enabled() => trace.scope(|| self.service.deliver(arrival)),
            _ => self.service.deliver(arrival),
        };
        self.answers.add(delivery);
    }

    /// Waits for more: for ever, except for the rest of a body. The [`Peer`] sees to heads.
    async fn read(&mut self, left: &Left) -> io::Result<Read> {
        let Left::Part(Part::Body { head_bytes, bytes_min }) = *left else {
            return self.fill(READ_BYTES).await;
        };
        let begun = *self.body_begun.get_or_insert_with(Instant::now);
        let wanted = bytes_min.saturating_sub(self.buffer.len()).clamp(READ_BYTES, BELIEVED_BYTES_MAX);
        let wait_max = self.limits.body_wait_max;
        match timeout(wait_max, self.fill(wanted)).await {
            Ok(Ok(Read::Some)) => {}
            Ok(ended) => return ended,
            Err(_) => return Ok(Read::Late("the body of the request does not come to its end")),
        }
        let body_bytes = self.buffer.len().saturating_sub(head_bytes);
        if begun.elapsed() > self.limits.body_time_max(body_bytes) && self.buffer.len() < bytes_min {
            return Ok(Read::Late("the body of the request comes too slowly"));
        }
        Ok(Read::Some)
    }

    /// Waits for bytes, of which there are to be `bytes_max` at most.
    async fn fill(&mut self, bytes_max: usize) -> io::Result<Read> {
        let read = poll_fn(|context| {
            self.buffer.reserve(bytes_max);
            let mut free = (&mut self.buffer).limit(bytes_max);
            let read = pin!(self.peer.read_buf(&mut free)).poll(context);
            // Links on which nothing happens are many, and keep no memory for what may come.
            if read.is_pending() && self.buffer.is_empty() {
                self.buffer = BytesMut::new();
            }
            read
        });
        Ok(if read.await? == 0 { Read::End } else { Read::Some })
    }
}

/// What a wait for more ended with.
enum Read {
    Some,
    /// The peer has closed its side.
    End,
    /// Too late, for the reason that it says.
    Late(&'static str),
}
