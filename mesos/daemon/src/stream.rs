//! An answer that stays open and carries events.

use bytes::Bytes;
use libprocess::http::{Response, Writer, pipe};
use mesos_api::media::ContentType;
use mesos_api::{Message, recordio};

/// The writing end of an event stream.
///
/// Every event is one record, every record one chunk: some clients parse chunks.
///
/// ```
/// use mesos_api::ContentType;
/// use mesos_api::v1::scheduler::{Event, event};
/// use mesos_daemon::stream::EventStream;
///
/// let (stream, response) = EventStream::open(ContentType::Json, 1 << 20);
/// assert_eq!(response.status, 200);
/// let heartbeat = Event { r#type: Some(event::Type::Heartbeat as i32), ..Event::default() };
/// assert!(stream.send(&heartbeat));
/// ```
#[derive(Debug)]
pub struct EventStream {
    writer: Writer,
    content_type: ContentType,
}

impl EventStream {
    /// A stream, and the answer whose body it is. A client that leaves more than so many bytes
    /// unread is cut off.
    pub fn open(content_type: ContentType, pending_bytes_max: usize) -> (Self, Response) {
        let (writer, reader) = pipe(pending_bytes_max);
        (Self { writer, content_type }, Response::stream(content_type.name(), reader))
    }

    /// How events are written.
    #[must_use]
    pub fn content_type(&self) -> ContentType {
        self.content_type
    }

    /// Sends one event. False when nobody reads any more, or not fast enough.
    pub fn send<M: Message>(&self, event: &M) -> bool {
        self.send_record(record(self.content_type, event))
    }

    /// Sends one event that is a record already.
    pub fn send_record(&self, record: Bytes) -> bool {
        self.writer.write(record)
    }

    /// Ends the stream after what was sent.
    pub fn close(&self) {
        self.writer.close();
    }

    /// Cuts the stream off.
    pub fn fail(&self, reason: &str) {
        self.writer.fail(reason);
    }

    /// Ready once the client is gone, was cut off, or the stream was closed.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.writer.closed()
    }
}

/// An event as a record.
#[must_use]
pub fn record<M: Message>(content_type: ContentType, event: &M) -> Bytes {
    recordio::encode(&content_type.encode(event)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use libprocess::http::Body;
    use mesos_api::v1::scheduler::{Event, event};

    fn heartbeat() -> Event {
        Event { r#type: Some(event::Type::Heartbeat as i32), ..Event::default() }
    }

    #[tokio::test]
    async fn one_event_is_one_record_and_one_chunk() {
        let (stream, response) = EventStream::open(ContentType::Json, 1024);
        assert!(stream.send(&heartbeat()));
        assert!(stream.send(&heartbeat()));
        let Body::Stream(mut reader) = response.body else { panic!("not a stream") };
        for _ in 0..2 {
            assert_eq!(reader.read().await.unwrap().unwrap(), "20\n{\"type\":\"HEARTBEAT\"}");
        }
        stream.close();
        assert!(reader.read().await.is_none());
    }

    #[tokio::test]
    async fn client_that_does_not_read_is_cut_off_at_the_bound() {
        let (stream, _response) = EventStream::open(ContentType::Json, 60);
        let sent = (0..100).take_while(|_| stream.send(&heartbeat())).count();
        assert_eq!(sent, 2);
        stream.closed().await;
    }
}
