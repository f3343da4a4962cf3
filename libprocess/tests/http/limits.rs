//! What a server does not put up with.

use std::time::Duration;

use libprocess::http::Limits;

use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::time::timeout;

use super::support::{PATIENCE, Server};

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn head_that_does_not_come_to_its_end_is_cut_and_idle_connections_are_not() {
    let server = Server::with(limits(|limits| limits.head_wait_max = SHORT)).await;
    let mut silent = server.raw().await;
    let mut used = server.raw().await;
    used.assert_kept_open().await;
    let mut slow = server.raw().await;
    let (head, body) = slow.ask("GET /acc HTTP/1.1\r\nX-Slow: ").await;
    assert_eq!(head.status, "408 Request Timeout");
    assert_eq!(body, b"the head of the request is too slow");
    slow.assert_closed().await;
    // A second head is timed like the first.
    let mut second = server.raw().await;
    second.assert_kept_open().await;
    assert_eq!(second.ask("G").await.0.status, "408 Request Timeout");
    second.assert_closed().await;
    silent.assert_kept_open().await;
    used.assert_kept_open().await;
}

#[tokio::test]
async fn head_over_the_bound_is_refused() {
    let server = Server::with(limits(|limits| limits.head_bytes_max = 10_000)).await;
    let mut raw = server.raw().await;
    let request = format!("GET /acc HTTP/1.1\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000));
    let (head, _) = raw.ask(request).await;
    assert_eq!(head.code(), 431);
    raw.assert_closed().await;
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let server = Server::with(limits(|limits| limits.headers_max = 10)).await;
    let mut raw = server.raw().await;
    let (head, _) = raw.ask(format!("GET /acc HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(11))).await;
    assert_eq!(head.code(), 431);
}

/// The length that is told is enough, nothing of the body is waited for.
#[tokio::test]
async fn long_body_is_refused_by_its_length() {
    let server = Server::with(limits(|limits| limits.request_bytes_max = 1000)).await;
    let mut raw = server.raw().await;
    let (head, body) = raw.ask("POST /echo HTTP/1.1\r\nContent-Length: 1001\r\n\r\n").await;
    assert_eq!(head.status, "413 Payload Too Large");
    assert_eq!(body, b"expecting a body of at most 1000 bytes");
    raw.assert_closed().await;
    let mut raw = server.raw().await;
    let (_, body) =
        raw.ask(format!("POST /echo HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{}", "z".repeat(1000))).await;
    assert_eq!(body.len(), 1002);
    raw.assert_kept_open().await;
}

#[tokio::test]
async fn long_body_is_refused_while_it_comes() {
    let server = Server::with(limits(|limits| limits.message_bytes_max = 1000)).await;
    let mut raw = server.raw().await;
    let chunk = format!("100\r\n{}\r\n", "z".repeat(256));
    let head = "POST /master/name HTTP/1.1\r\nLibprocess-From: me\r\nTransfer-Encoding: chunked\r\n\r\n";
    // Far more than the server reads, so that a careless close would reset the connection.
    let (head, _) = raw.ask(format!("{head}{}", chunk.repeat(2000))).await;
    assert_eq!(head.status, "413 Payload Too Large");
    raw.assert_closed().await;
    assert!(server.sample.messages.lock().unwrap().is_empty());
}

#[tokio::test]
async fn body_that_stops_coming_is_given_up() {
    let server = Server::with(limits(|limits| limits.body_wait_max = SHORT)).await;
    let mut raw = server.raw().await;
    let (head, body) = raw.ask("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf").await;
    assert_eq!(head.status, "408 Request Timeout");
    assert_eq!(body, b"the body of the request does not come to its end");
    raw.assert_closed().await;
}

#[tokio::test]
async fn body_that_comes_drop_by_drop_is_given_up() {
    let change = |limits: &mut Limits| {
        limits.body_wait_max = SHORT * 4;
        limits.body_bytes_per_second_min = 1000;
    };
    let server = Server::with(limits(change)).await;
    let mut raw = server.raw().await;
    raw.send("POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\n").await;
    let drops = async {
        loop {
            raw.0.get_mut().write_all(b" ").await.unwrap();
            tokio::time::sleep(SHORT / 5).await;
            let mut ready = [0];
            if raw.0.get_ref().try_read(&mut ready).is_ok() {
                break;
            }
        }
    };
    timeout(PATIENCE, drops).await.expect("it is given up");
    let rest = String::from_utf8(raw.rest().await).unwrap();
    assert!(rest.starts_with("TTP/1.1 408 Request Timeout"), "{rest}");
    assert!(rest.ends_with("the body of the request comes too slowly"), "{rest}");
}

#[tokio::test]
async fn badly_framed_body_is_refused() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    let (head, _) = raw.ask("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n").await;
    assert_eq!(head.status, "400 Bad Request");
    raw.assert_closed().await;
}

#[tokio::test]
async fn one_connection_too_many_is_refused_until_another_closes() {
    let server = Server::with(limits(|limits| limits.connections_max = 1)).await;
    let mut first = server.raw().await;
    first.assert_kept_open().await;
    let mut second = server.raw().await;
    assert_eq!(second.answer().await.0.status, "503 Service Unavailable");
    drop(first);
    loop {
        let mut next = server.raw().await;
        next.send("GET /acc HTTP/1.1\r\n\r\n").await;
        if next.head().await.code() == 202 {
            break;
        }
    }
}

/// The answer does not fit the buffers of the sockets, and nobody reads it.
#[tokio::test]
async fn answer_that_nobody_reads_is_given_up() {
    let server = Server::with(limits(|limits| limits.write_wait_max = SHORT)).await;
    let mut raw = server.raw().await;
    raw.send("GET /len?n=50000000 HTTP/1.1\r\n\r\n").await;
    // The server gives up by resetting the connection, which shows without reading.
    let reset = raw.0.get_ref().ready(Interest::ERROR);
    timeout(PATIENCE, reset).await.unwrap().unwrap();
    assert!(raw.rest().await.len() < 50_000_000);
}

#[tokio::test]
async fn handler_is_dropped_some_time_after_its_client_left() {
    let server = Server::with(limits(|limits| limits.half_closed_wait_max = SHORT)).await;
    let mut raw = server.raw().await;
    raw.send("GET /gate HTTP/1.1\r\n\r\n").await;
    raw.0.shutdown().await.unwrap();
    raw.assert_closed().await;
}

#[tokio::test]
async fn stopping_cuts_off_what_does_not_end() {
    let mut server = Server::with(limits(|limits| limits.shutdown_wait_max = SHORT)).await;
    let mut idle = server.raw().await;
    idle.assert_kept_open().await;
    let (mut raw, writer) = server.open_stream().await;
    server.stop().await;
    raw.assert_closed().await;
    idle.assert_closed().await;
    writer.closed().await;
}

/// Bytes, and lines that begin like a request but go on as they like.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let start = prop::sample::select(vec![
        "",
        "GET / HTTP/1.1\r\n",
        "POST /master/m HTTP/1.1\r\nLibprocess-From: ",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: ",
        "GET /",
    ]);
    let rest = prop::collection::vec(any::<u8>(), 0..200);
    (start, rest).prop_map(|(start, rest)| [start.as_bytes(), &rest].concat())
}

#[test]
fn garbage_stops_neither_the_server_nor_its_own_connection_for_ever() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::with(limits(|limits| limits.body_wait_max = SHORT)));
    proptest!(ProptestConfig::with_cases(128), |(garbage in garbage())| {
        runtime.block_on(async {
            let mut raw = server.raw().await;
            // The server may have seen enough before it has seen all.
            let _ = raw.0.write_all(&garbage).await;
            let _ = raw.0.shutdown().await;
            raw.rest().await;
            server.raw().await.assert_kept_open().await;
        });
    });
}
