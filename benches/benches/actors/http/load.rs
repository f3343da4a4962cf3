//! Clients that know what they are answered, so that reading it costs little.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub(super) const ACTOR: &str = "site";
pub(super) const PATH: &str = "hello";
pub(super) const ANSWER: &str = "hello";

/// Sends requests over so many connections, on each one the next when the last is answered.
pub(super) async fn run(address: &str, connections: u64, requests: u64) {
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        clients.spawn(client(address.to_owned(), requests));
    }
    // Passes panics on.
    clients.join_all().await;
}

async fn client(address: String, requests: u64) {
    let request = format!("GET /{ACTOR}/{PATH} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut stream = TcpStream::connect(&address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket has this option");
    let mut buffer = vec![0; 4096];
    // Every answer is as long as the first one.
    let mut length = None;
    for _ in 0..requests {
        stream.write_all(request.as_bytes()).await.expect("the server lives");
        let mut read = 0;
        while length.map_or(!buffer[..read].ends_with(ANSWER.as_bytes()), |length| read < length) {
            let count = stream.read(&mut buffer[read..]).await.expect("the server lives");
            assert_ne!(count, 0, "the server keeps the connection");
            read += count;
        }
        let answer = &buffer[..read];
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(ANSWER.as_bytes()));
        assert_eq!(*length.get_or_insert(read), read, "answers are as long as the first one");
    }
}
