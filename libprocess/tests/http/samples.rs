//! Requests to, and messages from, a libprocess server of C++, replayed against ours.

use libprocess::http::{Limits, encode_message};
use serde_json::Value;

use super::support::{Head, Raw, Server};

fn samples(kind: &str) -> Vec<Value> {
    let lines = include_str!("../samples/libprocess.jsonl").lines();
    let samples = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    samples.filter(|sample| sample["kind"] == kind).collect()
}

/// The samples hold bytes as the characters of the same numbers.
fn bytes(text: &Value) -> Vec<u8> {
    text.as_str().unwrap().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[tokio::test]
async fn requests_are_answered_as_measured() {
    replay(usize::MAX).await;
}

#[tokio::test]
async fn requests_that_come_byte_by_byte_are_answered_alike() {
    replay(1).await;
}

/// Sends every request in pieces of that many bytes.
async fn replay(piece_bytes: usize) {
    let server = Server::start().await;
    let mut limits = Limits::default();
    limits.require_peer_address_ip_match = true;
    let strict_server = Server::with(limits).await;
    let samples = samples("request");
    assert_eq!(samples.len(), 36);
    for sample in &samples {
        eprintln!("{}", sample["id"]);
        let strict = sample.get("server_flag").is_some();
        let mut raw = if strict { strict_server.raw().await } else { server.raw().await };
        for piece in bytes(&sample["request"]).chunks(piece_bytes) {
            raw.send(piece).await;
            tokio::task::yield_now().await;
        }
        if sample["status"].is_null() {
            // Different on purpose: the C++ server closes without a word, ours says what it is.
            assert_eq!(raw.answer().await.0.status, "400 Bad Request");
        } else {
            check(sample, &mut raw).await;
        }
        match sample["connection"].as_str() {
            Some("kept open") => raw.assert_kept_open().await,
            _ => raw.assert_closed().await,
        }
    }
}

async fn check(sample: &Value, raw: &mut Raw) {
    let (head, body) = raw.answer().await;
    assert_eq!(head.status, sample["status"]);
    check_headers(sample, &head);
    if head.header("transfer-encoding") == Some("chunked") {
        return check_stream(sample, raw).await;
    }
    let port = raw.0.get_ref().local_addr().unwrap().port();
    let expected = sample["body"].as_str().unwrap().replace("PORT", &port.to_string());
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

fn check_headers(sample: &Value, head: &Head) {
    let expected = sample["headers"].as_object().unwrap();
    for (name, value) in expected {
        assert_eq!(head.header(name), value.as_str(), "{name}");
    }
    assert!(head.header("date").is_some_and(|date| date.ends_with(" GMT")));
    if !expected.contains_key("Content-Type") {
        assert_eq!(head.header("content-type"), None);
    }
}

/// The sample's body is all that follows: the chunks, byte by byte, and the answer to the request
/// behind the stream, of which only the order of the headers may differ.
async fn check_stream(sample: &Value, raw: &mut Raw) {
    let expected = bytes(&sample["body"]);
    let expected = String::from_utf8(expected).unwrap();
    let (chunks, behind) = expected.split_once("HTTP/1.1 ").unwrap();
    assert_eq!(String::from_utf8(raw.exactly(chunks.len()).await).unwrap(), chunks);
    let (head, _) = raw.answer().await;
    assert_eq!(head.status, behind.lines().next().unwrap());
}

#[test]
fn messages_are_the_bytes_that_were_measured() {
    for sample in samples("sent") {
        let from = "slave-observer(1)@127.0.0.1:5050";
        let ping = encode_message(from, "you(1)", "mesos.internal.PingSlaveMessage", &[8, 1]);
        let pong = encode_message(from, "you(1)", "mesos.internal.PongSlaveMessage", b"");
        let sent = [ping, pong].concat();
        assert_eq!(String::from_utf8(sent).unwrap(), String::from_utf8(bytes(&sample["bytes"])).unwrap());
    }
}

#[tokio::test]
async fn message_reaches_the_service_as_it_was_sent() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send(encode_message("me(1)@127.0.0.1:5051", "slave-observer(1)", "some.Name", b"abc")).await;
    raw.send("POST /master HTTP/1.0\r\nLibprocess-From: me\r\nContent-Length: 0\r\n\r\n").await;
    let messages = server.delivered(2).await;
    assert_eq!(messages[0].from, "me(1)@127.0.0.1:5051");
    assert_eq!(messages[0].id, "slave-observer(1)");
    assert_eq!(messages[0].name, "some.Name");
    assert_eq!(messages[0].body, "abc");
    assert_eq!((messages[1].id.as_str(), messages[1].name.as_str()), ("master", ""));
}
