//! Server-sent events, which browsers read with `EventSource`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Response, Writer, pipe};
use crate::Node;

/// A stream of events for a browser: what writes them, and the response to answer with.
///
/// At most `bytes_max` bytes wait for a browser that does not read; then it is cut off, and connects
/// anew by itself. It tells the id of the last event that it got in the header `Last-Event-ID`.
///
/// ```
/// use std::time::Duration;
///
/// use libprocess::http::{Event, Events, Response, events};
/// use libprocess::{Context, Process};
///
/// /// Tells every browser what is printed.
/// #[derive(Default)]
/// struct Printer {
///     watchers: Vec<Events>,
/// }
///
/// impl Printer {
///     fn print(&mut self, page: u64) {
///         let event = Event::new(format!("page {page}")).name("printed").id(page.to_string());
///         self.watchers.retain(|watcher| watcher.send(&event));
///     }
/// }
///
/// impl Process for Printer {
///     fn initialize(&mut self, cx: &mut Context<Self>) {
///         cx.route("watch", "What is printed, as server-sent events.", |printer, cx, _request| {
///             let (watcher, response) = events(64 << 10);
///             watcher.keep_alive(cx.node(), Duration::from_secs(15));
///             printer.watchers.push(watcher);
///             response
///         });
///     }
/// }
/// ```
pub fn events(bytes_max: usize) -> (Events, Response) {
    let (writer, reader) = pipe(bytes_max);
    let response = Response::stream("text/event-stream", reader).with_header("cache-control", "no-store");
    (Events { writer: Arc::new(writer) }, response)
}

/// Writes the events of one stream, which ends when this is dropped.
#[derive(Debug)]
pub struct Events {
    writer: Arc<Writer>,
}

impl Events {
    /// Sends an event. False says that the browser is gone, or was cut off, and this is of no use any
    /// more.
    pub fn send(&self, event: &Event) -> bool {
        self.writer.write(event.to_string())
    }

    /// Sends what browsers pass over, a line of text; returns as [`Events::send`] does.
    pub fn comment(&self, text: &str) -> bool {
        self.writer.write(format!(": {}\n\n", one_line(text)))
    }

    /// Sends an empty comment from time to time for as long as the stream lasts, so that nothing on the
    /// way takes it for dead, and a browser that has gone silently is noticed.
    pub fn keep_alive(&self, node: &Node, every: Duration) {
        let clock = node.clock().clone();
        let closed = self.writer.closed();
        let writer = Arc::downgrade(&self.writer);
        let beats = async move {
            // Ends when the writer has gone, or cannot be written to.
            while clock.sleep(every).await.is_ok()
                && writer.upgrade().is_some_and(|writer| writer.write(":\n\n"))
            {}
        };
        // It ends with the stream: nobody waits for it.
        let _running = node.run(async move {
            tokio::select! {
                () = closed => {}
                () = beats => {}
            }
        });
    }

    /// Whether writing is of no use any more.
    pub fn is_closed(&self) -> bool {
        self.writer.is_closed()
    }

    /// Waits until writing is of no use any more. The future does not borrow the stream.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.writer.closed()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // The keep-alive may hold the writer at this moment.
        self.writer.close();
    }
}

/// One event of a stream. Its text is as it goes over the wire.
///
/// ```
/// use libprocess::http::Event;
///
/// let event = Event::new("two\nlines").name("log").id("7");
/// assert_eq!(event.to_string(), "event: log\nid: 7\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
    data: String,
}

impl Event {
    /// An event with data, which may have several lines.
    pub fn new(data: impl Into<String>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    /// What kind of event it is, in one line; browsers call it `message` when nothing is said.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(one_line(name));
        self
    }

    /// What the browser tells when it connects anew, in one line.
    #[must_use]
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        self.id = Some(one_line(id.as_ref()));
        self
    }

    /// How long the browser is to wait before it connects anew, from now on.
    #[must_use]
    pub fn retry(mut self, wait: Duration) -> Self {
        self.retry = Some(wait);
        self
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            writeln!(f, "event: {name}")?;
        }
        if let Some(id) = &self.id {
            writeln!(f, "id: {id}")?;
        }
        if let Some(wait) = self.retry {
            writeln!(f, "retry: {}", wait.as_millis())?;
        }
        for line in self.data.replace("\r\n", "\n").split(['\n', '\r']) {
            writeln!(f, "data: {line}")?;
        }
        writeln!(f)
    }
}

/// Text without what would end its line, or make browsers pass over it.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n', '\0'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use crate::http::Body;
    use stout::Time;

    #[test]
    fn text_cannot_make_fields_of_its_own() {
        let event = Event::new("a\r\nid: 8\rb").name("x\ndata: y").id("1\0").retry(Duration::from_secs(2));
        let expected = "event: x data: y\nid: 1 \nretry: 2000\ndata: a\ndata: id: 8\ndata: b\n\n";
        assert_eq!(event.to_string(), expected);
        assert_eq!(Event::new("").to_string(), "data: \n\n");
    }

    #[tokio::test]
    async fn stream_is_kept_alive_and_ends_with_its_writer() {
        let clock = Clock::paused(Time::EPOCH);
        let node = Node::builder().clock(clock.clone()).start().await.unwrap();
        let (events, response) = events(1024);
        assert_eq!(response.headers["content-type"], "text/event-stream");
        let Body::Stream(mut reader) = response.body else { panic!("no stream") };
        events.keep_alive(&node, Duration::from_secs(15));
        assert!(events.send(&Event::new("1")));
        assert!(events.comment("hello"));
        clock.settle().await;
        clock.advance(Duration::from_secs(15)).await;
        clock.settle().await;
        for expected in ["data: 1\n\n", ": hello\n\n", ":\n\n"] {
            assert_eq!(reader.read().await.unwrap().unwrap(), expected);
        }
        drop(events);
        assert_eq!(reader.read().await, None);
        node.shutdown().await;
    }
}
