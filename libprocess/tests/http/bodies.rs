//! Bodies of requests that are read as they come.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use libprocess::http::{BasicAuthenticator, BodyError, BodyReader, Reply, Request, Response, Route, pipe};
use libprocess::{Context, Node, Process};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::support::{PATIENCE, Raw};

type Read = Option<Result<Bytes, BodyError>>;

struct Sink {
    /// What was read of bodies.
    read: mpsc::UnboundedSender<Read>,
    /// The readers of `/sink/held`, which answers at once.
    held: mpsc::UnboundedSender<BodyReader>,
    /// The readers of `/sink/idle`, which does not answer.
    idle: mpsc::UnboundedSender<BodyReader>,
}

impl Process for Sink {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        let route = |path: &str| Route::new(path).stream_body();
        cx.route_with(route("count"), Self::count);
        cx.route_with(route("count/few").body_bytes_max(10), Self::count);
        cx.route_with(route("count/brisk").body_silence_max(Duration::from_millis(50)), Self::count);
        cx.route_with(route("count/private").realm("staff"), Self::count);
        cx.route_with(route("echo"), |_: &mut Self, cx, request| {
            let (writer, reader) = pipe(1024);
            let mut body = request.take_body().unwrap();
            let _running = cx.node().run(async move {
                while let Some(Ok(bytes)) = body.read().await {
                    writer.write(bytes);
                }
            });
            Response::stream("text/plain", reader)
        });
        cx.route_with(route("held"), |sink: &mut Self, _, request| {
            sink.held.send(request.take_body().unwrap()).unwrap();
            Response::accepted()
        });
        cx.route_with(route("idle"), |sink: &mut Self, _, request| {
            sink.idle.send(request.take_body().unwrap()).unwrap();
            Reply::later(std::future::pending())
        });
    }
}

impl Sink {
    fn count(&mut self, _cx: &mut Context<Self>, request: Request) -> Reply {
        let read = self.read.clone();
        Reply::later(async move {
            assert!(request.body.is_empty());
            let mut body = request.clone().take_body().unwrap();
            assert!(request.take_body().is_none());
            let mut count = 0;
            loop {
                let bytes = body.read().await;
                read.send(bytes.clone()).unwrap();
                match bytes {
                    Some(Ok(bytes)) => count += bytes.len(),
                    Some(Err(error)) => return error.into(),
                    None => return Response::text(count.to_string()),
                }
            }
        })
    }
}

struct Rig {
    node: Node,
    read: mpsc::UnboundedReceiver<Read>,
    held: mpsc::UnboundedReceiver<BodyReader>,
    idle: mpsc::UnboundedReceiver<BodyReader>,
}

impl Rig {
    async fn start() -> Self {
        let basic = BasicAuthenticator::new("staff", [("ann", "hunter2")]);
        let node = Node::builder().authenticator("staff", Arc::new(basic)).start().await.unwrap();
        let (reading, read) = mpsc::unbounded_channel();
        let (holding, held) = mpsc::unbounded_channel();
        let (idling, idle) = mpsc::unbounded_channel();
        let sink = node.spawn_as("sink", Sink { read: reading, held: holding, idle: idling }).unwrap();
        sink.ask(|_, _| ()).await.unwrap();
        Self { node, read, held, idle }
    }

    /// A connection over which the head of a request has gone.
    async fn post(&self, path: &str, headers: &str) -> Raw {
        let mut raw = Raw::to(self.node.address()).await;
        raw.send(format!("POST {path} HTTP/1.1\r\n{headers}\r\n\r\n")).await;
        raw
    }

    async fn read(&mut self) -> Read {
        timeout(PATIENCE, self.read.recv()).await.unwrap().unwrap()
    }
}

const CHUNKED: &str = "Transfer-Encoding: chunked";

async fn next<T>(received: &mut mpsc::UnboundedReceiver<T>) -> T {
    timeout(PATIENCE, received.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn handler_reads_what_has_come_while_the_rest_is_still_to_come() {
    let mut rig = Rig::start().await;
    let mut raw = rig.post("/sink/count", CHUNKED).await;
    for chunk in ["3\r\none\r\n", "5\r\nthree\r\n"] {
        raw.send(chunk).await;
        let expected = chunk.split("\r\n").nth(1).unwrap();
        assert_eq!(rig.read().await, Some(Ok(Bytes::from(expected))));
    }
    raw.send("0\r\n\r\n").await;
    let (head, body) = raw.answer().await;
    assert_eq!((head.header("connection"), body.as_slice()), (None, &b"8"[..]));
    // The connection is as good as before; a body that is there, or is none, is read the same way.
    assert_eq!(raw.ask("POST /sink/count HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi").await.1, b"2");
    assert_eq!(raw.get("/sink/count", "X: y").await, (200, "0".to_owned()));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn both_directions_can_go_on_at_once() {
    let rig = Rig::start().await;
    let mut raw = rig.post("/sink/echo", CHUNKED).await;
    raw.send("3\r\none\r\n").await;
    assert_eq!(raw.head().await.code(), 200);
    assert_eq!(raw.chunk().await, b"one");
    for _ in 0..100 {
        raw.send("5\r\nthree\r\n").await;
        assert_eq!(raw.chunk().await, b"three");
    }
    raw.send("0\r\n\r\n").await;
    assert_eq!(raw.chunk().await, b"");
    rig.node.shutdown().await;
}

#[tokio::test]
async fn sender_is_held_up_until_somebody_reads() {
    const LENGTH: usize = 64 << 20;
    let mut rig = Rig::start().await;
    let raw = rig.post("/sink/idle", &format!("Content-Length: {LENGTH}")).await;
    let mut body = next(&mut rig.idle).await;
    let stream = raw.0.into_inner();
    let piece = vec![0; 1 << 16];
    let mut sent = 0;
    while sent < LENGTH {
        if timeout(Duration::from_millis(300), stream.writable()).await.is_err() {
            break;
        }
        sent += stream.try_write(&piece[..piece.len().min(LENGTH - sent)]).unwrap_or(0);
    }
    assert!(sent < LENGTH, "all of the body is somewhere");
    let mut read = 0;
    while read < sent {
        read += body.read().await.unwrap().unwrap().len();
    }
    drop(stream);
    assert_eq!(body.read().await, Some(Err(BodyError::Broken)));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn body_that_breaks_a_bound_ends_badly() {
    let mut rig = Rig::start().await;
    let mut raw = rig.post("/sink/count/few", CHUNKED).await;
    raw.send("6\r\n123456\r\n6\r\n123456\r\n").await;
    let (head, body) = raw.answer().await;
    assert_eq!((head.code().as_u16(), head.header("connection")), (413, Some("close")));
    assert_eq!(body, b"expecting a body of at most 10 bytes");
    raw.assert_closed().await;

    let mut raw = rig.post("/sink/count/few", "Content-Length: 11").await;
    assert_eq!(raw.answer().await.0.code(), 413);

    let mut raw = rig.post("/sink/count/brisk", CHUNKED).await;
    raw.send("3\r\none\r\n").await;
    let (head, body) = raw.answer().await;
    assert_eq!(head.code(), 408);
    assert_eq!(body, b"nothing more of the body of the request came for 50ms");

    let mut raw = rig.post("/sink/count", &format!("{CHUNKED}\r\nContent-Encoding: gzip")).await;
    assert_eq!(raw.answer().await.0.code(), 415);

    while rig.read.try_recv().is_ok() {}
    let mut raw = rig.post("/sink/count", CHUNKED).await;
    raw.send("5\r\nth").await;
    assert_eq!(rig.read().await, Some(Ok(Bytes::from("th"))));
    drop(raw);
    assert_eq!(rig.read().await, Some(Err(BodyError::Broken)));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn body_is_not_read_before_its_sender_is_known() {
    let mut rig = Rig::start().await;
    let mut raw = rig.post("/sink/count/private", CHUNKED).await;
    let (head, _) = raw.answer().await;
    assert_eq!((head.code().as_u16(), head.header("connection")), (401, Some("close")));
    assert!(rig.read.try_recv().is_err());
    rig.node.shutdown().await;
}

#[tokio::test]
async fn body_ends_with_the_answer() {
    let mut rig = Rig::start().await;
    let mut raw = rig.post("/sink/held", CHUNKED).await;
    raw.send("3\r\none\r\n").await;
    assert_eq!(raw.answer().await.0.code(), 202);
    let mut body = next(&mut rig.held).await;
    raw.assert_closed().await;
    loop {
        match timeout(PATIENCE, body.read()).await.unwrap() {
            Some(Ok(_)) => {}
            end => break assert_eq!(end, Some(Err(BodyError::Answered))),
        }
    }
    rig.node.shutdown().await;
}
