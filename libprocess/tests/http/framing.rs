//! How requests and answers share a connection.

use tokio::io::AsyncWriteExt;

use super::support::Server;
use libprocess::http::encode_message;

/// Clients parse records by chunks, so a record must be neither split nor joined with another.
#[tokio::test]
async fn one_write_is_one_chunk() {
    let mut server = Server::start().await;
    let (mut raw, writer) = server.open_stream().await;
    let writes: Vec<String> =
        [1, 15, 16, 4095, 70_000, 300_000, 2, 3].map(|length| "y".repeat(length)).into();
    for write in &writes {
        assert!(writer.write(write.clone()));
    }
    for write in &writes {
        assert_eq!(raw.chunk().await.len(), write.len());
    }
    // Also one by one, and the empty one is none.
    assert!(writer.write(""));
    assert!(writer.write("alone"));
    assert_eq!(raw.chunk().await, b"alone");
    writer.close();
    assert_eq!(raw.chunk().await, b"");
    raw.assert_kept_open().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send("GET /gate HTTP/1.1\r\n\r\nGET /len?n=7 HTTP/1.1\r\n\r\nGET /fail HTTP/1.1\r\n\r\n").await;
    server.sample.gate.notify_one();
    assert_eq!(raw.answer().await.1, b"opened");
    assert_eq!(raw.answer().await.1, b"xxxxxxx");
    assert_eq!(raw.answer().await.1, b"boom");
}

/// What is queued behind an endless stream does not hold it up.
#[tokio::test]
async fn stream_flows_although_a_request_waits_behind_it() {
    let mut server = Server::start().await;
    let (mut raw, writer) = server.open_stream().await;
    raw.send("GET /acc HTTP/1.1\r\n\r\nGET /le").await;
    for number in 0..3 {
        writer.write(format!("event {number}"));
        assert_eq!(raw.chunk().await, format!("event {number}").as_bytes());
    }
    writer.close();
    assert_eq!(raw.chunk().await, b"");
    assert_eq!(raw.answer().await.0.status, "202 Accepted");
    assert_eq!(raw.ask("n?n=2 HTTP/1.1\r\n\r\n").await.1, b"xx");
}

#[tokio::test]
async fn half_closed_connection_still_gets_its_answers() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send("GET /gate HTTP/1.1\r\n\r\nGET /len?n=2 HTTP/1.1\r\n\r\n").await;
    raw.0.shutdown().await.unwrap();
    server.sample.gate.notify_one();
    assert_eq!(raw.answer().await.1, b"opened");
    assert_eq!(raw.answer().await.1, b"xx");
    raw.assert_closed().await;
}

/// As a node does that sends without a link.
#[tokio::test]
async fn all_messages_are_read_although_the_sender_closed_without_reading_answers() {
    const MESSAGES: usize = 100;
    let server = Server::start().await;
    let mut raw = server.raw().await;
    let body = [7; 200];
    for number in 0..MESSAGES {
        raw.send(encode_message("me@127.0.0.1:1", "master", &format!("m{number}"), &body)).await;
    }
    drop(raw);
    let messages = server.delivered(MESSAGES).await;
    assert!(messages.iter().enumerate().all(|(number, message)| message.name == format!("m{number}")));
}

/// Different on purpose: C++ libprocess sends a body.
#[tokio::test]
async fn head_has_no_body() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send("HEAD /len?n=5 HTTP/1.1\r\n\r\n").await;
    let head = raw.head().await;
    assert_eq!(head.header("content-length"), Some("5"));
    raw.assert_kept_open().await;
}

/// Different on purpose: C++ libprocess sends chunks, which HTTP/1.0 does not know.
#[tokio::test]
async fn stream_for_http_1_0_ends_with_the_connection() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send("GET /stream HTTP/1.0\r\n\r\n").await;
    assert_eq!(raw.head().await.header("transfer-encoding"), None);
    assert_eq!(raw.rest().await, b"5\nhello20\n{\"type\":\"HEARTBEAT\"}");
}

#[tokio::test]
async fn http_1_0_connection_is_kept_when_asked_for() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    let (head, body) = raw.ask("GET /len?n=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    assert_eq!(body, b"x");
    assert_eq!(head.header("connection"), Some("keep-alive"));
    raw.assert_kept_open().await;
}

#[tokio::test]
async fn panic_in_a_handler_is_answered_with_500() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    let (head, _) = raw.ask("GET /panic HTTP/1.1\r\n\r\n").await;
    assert_eq!(head.status, "500 Internal Server Error");
    raw.assert_kept_open().await;
}

#[tokio::test]
async fn undecodable_query_is_refused() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    let (head, body) = raw.ask("GET /len?n=%zz HTTP/1.1\r\n\r\n").await;
    assert_eq!(head.status, "400 Bad Request");
    assert_eq!(body, b"Malformed % escape in '%zz': '%zz'");
    raw.assert_kept_open().await;
}
