//! Answers that go on.

use super::support::{PATIENCE, STREAM_BYTES_MAX, Server};
use bytes::Bytes;
use tokio::time::timeout;

/// Although nothing is being sent that could fail.
#[tokio::test]
async fn client_that_leaves_is_noticed_at_once() {
    let mut server = Server::start().await;
    let (raw, writer) = server.open_stream().await;
    drop(raw);
    timeout(PATIENCE, writer.closed()).await.unwrap();
    assert!(!writer.write("event"));
}

/// The socket takes no more, so that the server cannot learn from it that the stream has failed.
#[tokio::test]
async fn client_that_does_not_read_is_cut_off_at_the_bound() {
    let mut server = Server::start().await;
    let (mut raw, writer) = server.open_stream().await;
    let event = Bytes::from(vec![b'e'; 10_000]);
    let mut written = 0;
    while writer.write(event.clone()) {
        written += event.len();
        tokio::task::yield_now().await;
        // The bound, and what the sockets of the two sides may hold.
        assert!(written < STREAM_BYTES_MAX + (16 << 20), "the pipe takes everything");
    }
    timeout(PATIENCE, writer.closed()).await.unwrap();
    let read = raw.rest().await;
    assert!(read.len() < written);
    assert!(!read.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn failed_stream_ends_without_its_last_chunk() {
    let mut server = Server::start().await;
    let (mut raw, writer) = server.open_stream().await;
    writer.write("event");
    assert_eq!(raw.chunk().await, b"event");
    writer.fail("on purpose");
    raw.assert_closed().await;
}
