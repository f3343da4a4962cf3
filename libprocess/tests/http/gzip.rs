//! Packed bodies, in both directions.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use libprocess::http::Limits;

use super::support::{Raw, Server};

async fn post_packed(raw: &mut Raw, body: &[u8]) -> (String, Vec<u8>) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    let packed = encoder.finish().unwrap();
    let head =
        format!("POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
    let (head, body) = raw.ask([head.as_bytes(), &packed].concat()).await;
    (head.status, body)
}

#[tokio::test]
async fn bodies_of_1024_bytes_are_packed_for_those_who_take_it() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    for (length, accept, packed) in [
        (1023, "gzip", false),
        (1024, "deflate, GZIP", true),
        (200_000, "*", true),
        (1024, "gzip;q=0", false),
        (1024, "", false),
    ] {
        let request = format!("GET /len?n={length} HTTP/1.1\r\nAccept-Encoding: {accept}\r\n\r\n");
        let (head, body) = raw.ask(request).await;
        assert_eq!(head.header("content-encoding"), packed.then_some("gzip"), "{length} for {accept}");
        let mut text = String::new();
        if packed {
            assert!(body.len() < 1024);
            GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(body).unwrap();
        }
        assert_eq!(text, "x".repeat(length));
    }
}

#[tokio::test]
async fn streams_are_never_packed() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send("GET /large-stream HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n").await;
    assert_eq!(raw.head().await.header("content-encoding"), None);
    for _ in 0..3000 {
        assert_eq!(raw.chunk().await, b"x");
    }
    assert_eq!(raw.chunk().await, b"");
}

#[tokio::test]
async fn packed_request_may_unpack_to_the_bound_and_no_further() {
    let mut limits = Limits::default();
    limits.request_bytes_max = 1 << 20;
    let server = Server::with(limits).await;
    let mut raw = server.raw().await;
    let (status, body) = post_packed(&mut raw, &vec![b'z'; 1 << 20]).await;
    assert_eq!((status.as_str(), body.len()), ("200 OK", (1 << 20) + 2));
    let (status, _) = post_packed(&mut raw, &vec![b'z'; (1 << 20) + 1]).await;
    assert_eq!(status, "413 Payload Too Large");
    raw.assert_kept_open().await;
}
