//! An answer that stays open and carries events.

use std::future::Future;

use bytes::Bytes;
use libprocess::http::{Response, Writer, pipe};
use mesos_api::media::ContentType;
use mesos_api::{Message, recordio};

/// How many bytes of events wait for one client at most: one that does not read is cut off there.
/// A full round of offers of a very large cluster must fit in.
pub(crate) const PENDING_BYTES_MAX: usize = 64 << 20;

/// The writing end of an event stream.
///
/// Every event is one record, every record one chunk: some clients parse chunks.
#[derive(Debug)]
pub(crate) struct EventStream {
    writer: Writer,
    content_type: ContentType,
}

impl EventStream {
    /// A stream, and the answer whose body it is.
    pub(crate) fn open(content_type: ContentType, pending_bytes_max: usize) -> (Self, Response) {
        let (writer, reader) = pipe(pending_bytes_max);
        (Self { writer, content_type }, Response::stream(content_type.name(), reader))
    }

    /// How events are written.
    pub(crate) fn content_type(&self) -> ContentType {
        self.content_type
    }

    /// Sends one event. False when nobody reads any more, or not fast enough.
    pub(crate) fn send<M: Message>(&self, event: &M) -> bool {
        self.send_record(record(self.content_type, event))
    }

    /// Sends one event that is a record already.
    pub(crate) fn send_record(&self, record: Bytes) -> bool {
        self.writer.write(record)
    }

    /// Ends the stream after what was sent.
    pub(crate) fn close(&self) {
        self.writer.close();
    }

    /// Cuts the stream off.
    pub(crate) fn fail(&self, reason: &str) {
        self.writer.fail(reason);
    }

    /// Ready once the client is gone, was cut off, or the stream was closed.
    pub(crate) fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.writer.closed()
    }
}

/// An event as a record.
pub(crate) fn record<M: Message>(content_type: ContentType, event: &M) -> Bytes {
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
        let record = "20\n{\"type\":\"HEARTBEAT\"}";
        for _ in 0..2 {
            assert_eq!(reader.read().await.unwrap().unwrap(), record);
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
