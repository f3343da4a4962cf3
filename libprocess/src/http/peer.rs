//! The socket of a connection, with an eye on what the other side does.
//!
//! hyper reads a socket only when it wants a request, and gives up at the first failed write. That
//! is not enough here: a client that leaves a stream must be noticed while nothing is being sent, a
//! head that trickles in must not take for ever although an idle connection may, and a node that
//! sends messages and closes without reading the answers must have all its messages read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;
use super::pipe::{PipeError, Watch};

/// How much is read in advance while nobody wants it, to see behind it the end of the connection.
const AHEAD_BYTES_MAX: usize = 16 << 10;

/// What a connection runs over.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {
    /// Makes the close that follows drop what is still to be sent.
    fn reset(&self);

    /// Waits until there is something to read, or the other side has closed the connection.
    fn first_byte(&self) -> impl Future<Output = ()> + Send
    where
        Self: Sized;
}

#[cfg(feature = "tls")]
impl Transport for tokio_openssl::SslStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().reset();
    }

    /// The handshake was something.
    async fn first_byte(&self) {}
}

impl Transport for TcpStream {
    fn reset(&self) {
        // A close that cannot be made hard is still a close.
        let _ = socket2::SockRef::from(self).set_linger(Some(Duration::ZERO));
    }

    async fn first_byte(&self) {
        // What is wrong shows again when it is read.
        let _ = self.readable().await;
    }
}

/// A handle on the socket that the connection's driver, its requests and its answers share. All of
/// them run on one task.
#[derive(Clone)]
pub(super) struct Peer(Arc<Mutex<State>>);

struct State {
    transport: Box<dyn Transport>,
    /// What was read and nobody wanted yet.
    ahead: BytesMut,
    phase: Phase,
    receiving: Receiving,
    sending: Sending,
    /// The stream that is being sent, if any.
    stream: Option<Watch>,
    head_timer: Deadline,
    /// It has passed.
    head_is_late: bool,
    write_timer: Deadline,
}

/// What is going on between the peer and the server.
pub(super) enum Phase {
    /// Nothing is being asked. This may last.
    Idle,
    /// Part of a head has come.
    Head,
    /// A request is being read or answered.
    Exchange,
}

#[derive(PartialEq)]
enum Receiving {
    Open,
    /// The peer has closed its side.
    Ended,
}

#[derive(PartialEq)]
enum Sending {
    Open,
    /// The peer takes nothing more: what is written is dropped.
    Broken,
}

impl Peer {
    pub(super) fn new(transport: impl Transport + 'static, limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(State {
            transport: Box::new(transport),
            ahead: BytesMut::new(),
            phase: Phase::Idle,
            receiving: Receiving::Open,
            sending: Sending::Open,
            stream: None,
            head_timer: Deadline::new(limits.head_wait_max),
            head_is_late: false,
            write_timer: Deadline::new(limits.write_wait_max),
        })))
    }

    /// Says what is going on where it is not hyper that finds out.
    pub(super) fn set_phase(&self, phase: Phase) {
        let mut state = self.0.lock();
        match phase {
            Phase::Head => state.head_timer.start(),
            Phase::Idle | Phase::Exchange => state.head_timer.stop(),
        }
        state.phase = phase;
    }

    /// Has what was read be read again, before what comes then. Nothing may be read in advance.
    pub(super) fn give_back(&self, bytes: BytesMut) {
        self.0.lock().ahead = bytes;
    }

    /// A request has come; until the guard is dropped, it is being read or answered.
    pub(super) fn exchange(&self) -> Exchange {
        let mut state = self.0.lock();
        state.phase = Phase::Exchange;
        state.head_timer.stop();
        Exchange(self.clone())
    }

    /// Ready once the peer has closed its side or takes nothing more.
    pub(super) fn poll_gone(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.sending == Sending::Broken {
            return Poll::Ready(());
        }
        state.poll_ended(context)
    }

    /// Ready with the reason once the stream that is being sent has failed.
    pub(super) fn poll_stream_failed(&self, context: &mut Context<'_>) -> Poll<PipeError> {
        match &self.0.lock().stream {
            Some(stream) => stream.poll_failed(context),
            None => Poll::Pending,
        }
    }

    /// Reads and drops what comes, and is ready once the peer has closed its side.
    pub(super) fn poll_drained(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        loop {
            state.ahead.clear();
            if state.poll_ended(context).is_ready() {
                return Poll::Ready(());
            }
            if state.ahead.is_empty() {
                return Poll::Pending;
            }
        }
    }

    /// Tells a peer whose head did not come to its end that it took too long; says whether that was why.
    pub(super) async fn refuse_late_head(&self) -> bool {
        if !self.0.lock().head_is_late {
            return false;
        }
        // hyper has given up the connection, and told nothing.
        self.refuse_late("the head of the request is too slow").await
    }

    /// Tells a peer that it was too slow with something; says whether it could be told.
    pub(super) async fn refuse_late(&self, text: &str) -> bool {
        let length = text.len();
        let answer = format!(
            "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{text}"
        );
        tokio::io::AsyncWriteExt::write_all(&mut self.clone(), answer.as_bytes()).await.is_ok()
    }

    /// Makes the close that follows drop what is still to be sent.
    pub(super) fn reset(&self) {
        self.0.lock().transport.reset();
    }
}

impl State {
    /// Ready once the peer has closed its side, as far as can be seen past what it sent before.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 4096];
        while self.receiving == Receiving::Open {
            if self.ahead.len() >= AHEAD_BYTES_MAX {
                return Poll::Pending;
            }
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.transport).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.ahead.extend_from_slice(buffer.filled());
                }
                Poll::Ready(_) => self.receiving = Receiving::Ended,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn received(&mut self) {
        if matches!(self.phase, Phase::Idle) {
            self.phase = Phase::Head;
        }
    }

    /// What hyper gets to see of a write.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.write_timer.stop();
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(_)) => {
                self.sending = Sending::Broken;
                Poll::Ready(Ok(length))
            }
            Poll::Pending => {
                self.write_timer.start();
                if self.write_timer.poll_passed(context).is_pending() {
                    return Poll::Pending;
                }
                Poll::Ready(Err(timed_out("the peer takes nothing of its answer")))
            }
        }
    }
}

fn timed_out(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// Lasts while a request is being read or answered.
pub(super) struct Exchange(Peer);

impl Exchange {
    pub(super) fn peer(&self) -> &Peer {
        &self.0
    }

    /// The answer is this stream.
    pub(super) fn streams(&self, stream: Watch) {
        self.0.0.lock().stream = Some(stream);
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.stream = None;
        state.phase = Phase::Idle;
    }
}

/// A time-out that costs nothing until something has to be waited for.
struct Deadline {
    wait: Duration,
    at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    fn new(wait: Duration) -> Self {
        Self { wait, at: None, sleep: None }
    }

    /// Starts, unless it has started.
    fn start(&mut self) {
        if self.at.is_none() {
            self.at = Instant::now().checked_add(self.wait);
        }
    }

    fn stop(&mut self) {
        self.at = None;
        self.sleep = None;
    }

    fn poll_passed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at))).as_mut().poll(context)
    }
}

impl AsyncRead for Peer {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let state = &mut *self.0.lock();
        if !state.ahead.is_empty() {
            let length = state.ahead.len().min(buffer.remaining());
            buffer.put_slice(&state.ahead[..length]);
            state.ahead.advance(length);
            state.received();
            return Poll::Ready(Ok(()));
        }
        if state.receiving == Receiving::Ended {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut state.transport).poll_read(context, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                state.received();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(result) => {
                state.receiving = Receiving::Ended;
                Poll::Ready(result)
            }
            Poll::Pending if matches!(state.phase, Phase::Head) => {
                // A head that comes in one piece costs no look at the clock.
                state.head_timer.start();
                let late = state.head_timer.poll_passed(context);
                state.head_is_late |= late.is_ready();
                late.map(|()| Err(timed_out("the head of a request took too long")))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let state = &mut *self.0.lock();
        if state.sending == Sending::Broken {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut state.transport).poll_write(context, bytes);
        state.written(context, written, bytes.len())
    }

    fn is_write_vectored(&self) -> bool {
        self.0.lock().transport.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let state = &mut *self.0.lock();
        let length = slices.iter().map(|slice| slice.len()).sum();
        if state.sending == Sending::Broken {
            return Poll::Ready(Ok(length));
        }
        let written = Pin::new(&mut state.transport).poll_write_vectored(context, slices);
        state.written(context, written, length)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.lock();
        if state.sending == Sending::Broken {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut state.transport).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &mut *self.0.lock();
        if state.sending == Sending::Broken {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut state.transport).poll_shutdown(context)
    }
}
