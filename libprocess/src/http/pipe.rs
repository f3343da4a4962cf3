//! A body that is written while it is read.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit};

/// Makes a pipe that holds at most `bytes_max` bytes that were written and not yet read.
///
/// The write that would take it over the bound fails the pipe instead: the reader gets an error, and
/// the connection it belongs to is cut off. A write into an empty pipe is always taken, however long
/// it is, so that the one large event at the start of a stream does not need a bound of its size.
///
/// ```
/// use bytes::Bytes;
/// use libprocess::http::pipe;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (writer, mut reader) = pipe(5);
/// assert!(writer.write(Bytes::from("first")));
/// assert_eq!(reader.read().await, Some(Ok(Bytes::from("first"))));
/// assert!(writer.write(Bytes::from("second")));
/// assert!(!writer.write(Bytes::from("third"))); // nobody has read the second
/// assert!(reader.read().await.unwrap().is_err());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pipe(bytes_max: usize) -> (Writer, Reader) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            pending: VecDeque::new(),
            pending_bytes: 0,
            end: End::Open,
            read_by: None,
            cut_by: None,
        }),
        bytes_max,
        gone: Notify::new(),
        drained: Notify::new(),
    });
    (Writer { shared: Arc::clone(&shared) }, Reader { shared, _kept: None })
}

struct Shared {
    state: Mutex<State>,
    bytes_max: usize,
    gone: Notify,
    drained: Notify,
}

struct State {
    pending: VecDeque<Bytes>,
    pending_bytes: usize,
    end: End,
    read_by: Option<Waker>,
    /// Who cuts the connection when the pipe fails, even while nothing of it can be sent.
    cut_by: Option<Waker>,
}

enum End {
    /// Both sides are there.
    Open,
    /// All was written; what is pending can still be read.
    Closed,
    Failed(PipeError),
    /// The reader does not want any more.
    Gone,
}

impl Shared {
    /// Ends the pipe, unless it has ended before.
    fn end(&self, end: End) {
        let mut state = self.state.lock();
        if !matches!(state.end, End::Open) {
            return;
        }
        if !matches!(end, End::Closed) {
            state.pending.clear();
            state.pending_bytes = 0;
        }
        state.end = end;
        let wakers = [state.read_by.take(), state.cut_by.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        self.gone.notify_waiters();
        self.drained.notify_waiters();
    }
}

/// The end of a pipe into which somebody writes.
///
/// Dropping it closes the pipe, or fails it if that happens in a panic.
pub struct Writer {
    shared: Arc<Shared>,
}

impl Writer {
    /// Writes a chunk; what is written at once is read at once and leaves as one chunk of HTTP. An
    /// empty one changes nothing.
    ///
    /// Returns false when it is of no use to write any more: the pipe was closed, its reader is
    /// gone, or this write would have taken it over its bound, which fails it.
    pub fn write(&self, chunk: impl Into<Bytes>) -> bool {
        let chunk = chunk.into();
        let mut state = self.shared.state.lock();
        if !matches!(state.end, End::Open) {
            return false;
        }
        if chunk.is_empty() {
            return true;
        }
        let bytes = state.pending_bytes.saturating_add(chunk.len());
        if state.pending_bytes > 0 && bytes > self.shared.bytes_max {
            drop(state);
            let reason = format!("more than {} bytes were written and not read", self.shared.bytes_max);
            self.shared.end(End::Failed(PipeError(reason)));
            return false;
        }
        state.pending.push_back(chunk);
        state.pending_bytes = bytes;
        let reader = state.read_by.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    /// Ends the stream well: what was written is still read.
    pub fn close(&self) {
        self.shared.end(End::Closed);
    }

    /// Ends the stream badly: what was not read yet is dropped, and the connection is cut off, so
    /// that the other side can tell.
    pub fn fail(&self, reason: impl Into<String>) {
        self.shared.end(End::Failed(PipeError(reason.into())));
    }

    /// Whether writing is of no use any more.
    pub fn is_closed(&self) -> bool {
        !matches!(self.shared.state.lock().end, End::Open)
    }

    /// Waits until writing is of no use any more: the reader has gone, the pipe has failed, or it
    /// was closed. The future does not borrow the writer.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move {
            loop {
                let mut gone = std::pin::pin!(shared.gone.notified());
                gone.as_mut().enable();
                if !matches!(shared.state.lock().end, End::Open) {
                    return;
                }
                gone.await;
            }
        }
    }

    /// Waits until all that was written is read, or writing is of no use any more: so that a long
    /// body is written no faster than it is read.
    pub async fn drained(&self) {
        loop {
            let mut drained = std::pin::pin!(self.shared.drained.notified());
            drained.as_mut().enable();
            {
                let state = self.shared.state.lock();
                if state.pending.is_empty() || !matches!(state.end, End::Open) {
                    return;
                }
            }
            drained.await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fail("the writer panicked");
        } else {
            self.close();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writer").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// The end of a pipe from which somebody reads, usually the connection of a response.
///
/// Dropping it tells the writer that nobody reads any more.
pub struct Reader {
    shared: Arc<Shared>,
    /// What lasts for as long as the stream does.
    _kept: Option<OwnedSemaphorePermit>,
}

impl Reader {
    /// The next chunk as it was written, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Says why the pipe failed. It does so again when read again.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn read(&mut self) -> Option<Result<Bytes, PipeError>> {
        poll_fn(|context| self.poll_read(context)).await
    }

    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PipeError>>> {
        let mut state = self.shared.state.lock();
        if let Some(chunk) = state.pending.pop_front() {
            state.pending_bytes -= chunk.len();
            let drained = state.pending.is_empty();
            drop(state);
            if drained {
                self.shared.drained.notify_waiters();
            }
            return Poll::Ready(Some(Ok(chunk)));
        }
        match &state.end {
            End::Open => {
                state.read_by = Some(context.waker().clone());
                Poll::Pending
            }
            End::Failed(error) => Poll::Ready(Some(Err(error.clone()))),
            End::Closed | End::Gone => Poll::Ready(None),
        }
    }

    /// Gives the permit back when this is dropped.
    pub(crate) fn keep(&mut self, permit: OwnedSemaphorePermit) {
        self._kept = Some(permit);
    }

    /// A view of the pipe that tells when it fails, without reading it.
    pub(super) fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.shared))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.end(End::Gone);
        let mut state = self.shared.state.lock();
        state.pending = VecDeque::new();
        state.pending_bytes = 0;
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// Tells when a pipe has failed, or its reader was dropped.
pub(super) struct Watch(Arc<Shared>);

impl Watch {
    /// Ready once the pipe has failed.
    pub(super) fn poll_failed(&self, context: &mut Context<'_>) -> Poll<PipeError> {
        let mut state = self.0.state.lock();
        match &state.end {
            End::Failed(error) => Poll::Ready(error.clone()),
            End::Open => {
                state.cut_by = Some(context.waker().clone());
                Poll::Pending
            }
            End::Closed | End::Gone => Poll::Pending,
        }
    }
}

/// Why a pipe ended badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeError(String);

impl PipeError {
    pub(super) fn peer_left() -> Self {
        Self("the peer has closed the connection".to_owned())
    }
}

impl fmt::Display for PipeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "stream failed: {}", self.0)
    }
}

impl std::error::Error for PipeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn what_was_written_is_read_after_the_close() {
        let (writer, mut reader) = pipe(1024);
        assert!(writer.write("one"));
        assert!(writer.write("two"));
        writer.close();
        assert!(!writer.write("three"));
        assert_eq!(reader.read().await, Some(Ok(Bytes::from("one"))));
        assert_eq!(reader.read().await, Some(Ok(Bytes::from("two"))));
        assert_eq!(reader.read().await, None);
    }

    #[tokio::test]
    async fn write_over_the_bound_fails_the_pipe_and_drops_what_is_pending() {
        let (writer, mut reader) = pipe(8);
        assert!(writer.write("12345"));
        assert!(writer.write("678"));
        assert!(!writer.write("9"));
        assert!(writer.is_closed());
        assert_eq!(writer.shared.state.lock().pending_bytes, 0);
        let error = reader.read().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "stream failed: more than 8 bytes were written and not read");
        writer.closed().await;
    }

    #[tokio::test]
    async fn empty_pipe_takes_one_write_over_its_bound() {
        let (writer, mut reader) = pipe(4);
        assert!(writer.write("snapshot"));
        assert_eq!(reader.read().await, Some(Ok(Bytes::from("snapshot"))));
        assert!(writer.write("next"));
        assert!(!writer.write("!"));
    }

    #[tokio::test]
    async fn reader_that_goes_is_noticed_by_those_who_wait() {
        let (writer, reader) = pipe(4);
        let mut closed = Box::pin(writer.closed());
        assert!(closed.as_mut().now_or_never().is_none());
        drop(reader);
        closed.await;
        assert!(!writer.write("late"));
    }

    #[tokio::test]
    async fn writer_can_wait_until_all_is_read() {
        let (writer, mut reader) = pipe(4);
        writer.drained().await;
        writer.write("one");
        let mut drained = Box::pin(writer.drained());
        assert!(drained.as_mut().now_or_never().is_none());
        reader.read().await;
        drained.await;
        writer.write("two");
        let mut drained = Box::pin(writer.drained());
        assert!(drained.as_mut().now_or_never().is_none());
        drop(reader);
        drained.await;
    }

    #[tokio::test]
    async fn dropped_writer_closes_unless_it_panics() {
        let (writer, mut reader) = pipe(4);
        drop(writer);
        assert_eq!(reader.read().await, None);
        let (writer, mut reader) = pipe(4);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _writer = writer;
            std::panic::resume_unwind(Box::new("on purpose"));
        }));
        assert!(panicked.is_err());
        assert!(reader.read().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn failure_reaches_a_watch_that_reads_nothing() {
        let (writer, reader) = pipe(4);
        let watch = reader.watch();
        writer.write("kept");
        let failed = tokio::spawn(poll_fn(move |context| watch.poll_failed(context)));
        tokio::task::yield_now().await;
        writer.fail("on purpose");
        assert_eq!(failed.await.unwrap().to_string(), "stream failed: on purpose");
    }
}
