//! A server with the routes that the samples were measured with, and a client that sees every byte.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libprocess::http::{
    Delivery, Incoming, Limits, Method, Reply, Request, Response, Service, StatusCode, Writer, pipe, serve,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

/// Far longer than anything here takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How much the streams of `/open` hold.
pub(super) const STREAM_BYTES_MAX: usize = 1 << 20;

/// The process `master`, to which everything is delegated, and `slave-observer(1)`.
pub(super) struct Sample {
    pub(super) messages: Mutex<Vec<Incoming>>,
    /// Lets `/gate` answer.
    pub(super) gate: Arc<Notify>,
    /// The streams of `/open`.
    opened: mpsc::UnboundedSender<Writer>,
}

impl Service for Sample {
    fn message(&self, message: Incoming) -> Delivery {
        if message.id != "master" && message.id != "slave-observer(1)" {
            return Delivery::NoSuchProcess;
        }
        self.messages.lock().unwrap().push(message);
        Delivery::Delivered
    }

    fn route(&self, request: Box<Request>) -> Reply {
        let route = request.path.strip_prefix("/master").unwrap_or(&request.path).to_owned();
        match route.as_str() {
            "/api/v1" if request.method != Method::POST => {
                Response::method_not_allowed(&["POST"], &request.method).into()
            }
            "/acc" | "/api/v1" => Response::accepted().into(),
            "/fail" => Response::internal_server_error("boom").into(),
            "/panic" => panic!("on purpose"),
            "/echo" => Response::text(format!("[{}]", String::from_utf8_lossy(&request.body))).into(),
            "/peer" => Response::text(request.peer.to_string()).into(),
            "/len" => {
                let length = request.query.get("n").and_then(|n| n.parse().ok()).unwrap_or(0);
                Response::text("x".repeat(length)).into()
            }
            "/stream" => stream(&["5\nhello", "20\n{\"type\":\"HEARTBEAT\"}"]),
            "/large-stream" => stream(&["x"; 3000]),
            "/open" => {
                let (writer, reader) = pipe(STREAM_BYTES_MAX);
                self.opened.send(writer).unwrap();
                Response::stream("application/json", reader).into()
            }
            "/gate" => {
                let gate = Arc::clone(&self.gate);
                Reply::later(async move {
                    gate.notified().await;
                    Response::text("opened")
                })
            }
            "/auth" => match request.header("authorization") {
                Some("Basic dTpz") => Response::text("p=u").into(),
                _ => Response::unauthorized(["Basic realm=\"realm-x\""]).into(),
            },
            "/auth2" => Response::text("p=none").into(),
            _ => Response::not_found().into(),
        }
    }
}

fn stream(writes: &[&'static str]) -> Reply {
    let (writer, reader) = pipe(STREAM_BYTES_MAX);
    for write in writes {
        assert!(writer.write(*write));
    }
    Response::stream("application/json", reader).into()
}

/// The server of a test, which stops with it.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) sample: Arc<Sample>,
    opened: mpsc::UnboundedReceiver<Writer>,
    stop: Arc<Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (opening, opened) = mpsc::unbounded_channel();
        let gate = Arc::new(Notify::new());
        let sample = Arc::new(Sample { messages: Mutex::default(), gate, opened: opening });
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let service = Arc::clone(&sample);
        let shutdown = async move { stopped.notified().await };
        let task = tokio::spawn(serve(listener, service, limits, None, shutdown));
        Self { address, sample, opened, stop, task }
    }

    pub(super) async fn raw(&self) -> Raw {
        Raw::to(self.address).await
    }

    /// A connection that has asked for `/open`, after the head of the answer, and the other end of
    /// its stream.
    pub(super) async fn open_stream(&mut self) -> (Raw, Writer) {
        let mut raw = self.raw().await;
        raw.send("GET /open HTTP/1.1\r\n\r\n").await;
        let writer = self.opened().await;
        assert_eq!(raw.head().await.status, "200 OK");
        (raw, writer)
    }

    /// The other end of the stream that was asked for.
    pub(super) async fn opened(&mut self) -> Writer {
        timeout(PATIENCE, self.opened.recv()).await.unwrap().unwrap()
    }

    /// Waits until that many messages have been delivered.
    pub(super) async fn delivered(&self, count: usize) -> Vec<Incoming> {
        let all = async {
            while self.sample.messages.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, all).await.unwrap();
        self.sample.messages.lock().unwrap().clone()
    }

    pub(super) async fn stop(self) {
        self.stop.notify_one();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

/// A TCP connection to the server.
pub(super) struct Raw(pub(super) BufReader<TcpStream>);

/// The first line and the headers of an answer; the names of the headers are in lower case.
pub(super) struct Head {
    pub(super) status: String,
    pub(super) headers: HashMap<String, String>,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    pub(super) fn code(&self) -> StatusCode {
        self.status[..3].parse().unwrap()
    }
}

impl Raw {
    pub(super) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends a GET request with one more header, and reads the status and the text of the answer.
    pub(super) async fn get(&mut self, path: &str, header: &str) -> (u16, String) {
        let (head, body) = self.ask(format!("GET {path} HTTP/1.1\r\n{header}\r\n\r\n")).await;
        (head.code().as_u16(), String::from_utf8(body).unwrap())
    }

    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads the head of an answer.
    pub(super) async fn head(&mut self) -> Head {
        let first = self.line().await;
        let status = first.split_once(' ').unwrap_or_else(|| panic!("no status in {first:?}")).1.to_owned();
        let mut headers = HashMap::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return Head { status, headers };
            }
            let (name, value) = line.split_once(':').unwrap();
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }

    /// Reads a line without its end.
    pub(super) async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.0.read_line(&mut line)).await.unwrap().unwrap();
        assert!(line.ends_with("\r\n"), "the connection ended in {line:?}");
        line.trim_end().to_owned()
    }

    pub(super) async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        timeout(PATIENCE, self.0.read_exact(&mut bytes)).await.unwrap().unwrap();
        bytes
    }

    /// Reads one chunk of a chunked body; the last one is empty.
    pub(super) async fn chunk(&mut self) -> Vec<u8> {
        let length = usize::from_str_radix(&self.line().await, 16).unwrap();
        let bytes = self.exactly(length).await;
        assert_eq!(self.exactly(2).await, b"\r\n");
        bytes
    }

    /// Reads an answer whose head tells its length.
    pub(super) async fn answer(&mut self) -> (Head, Vec<u8>) {
        let head = self.head().await;
        let length = head.header("content-length").map_or(0, |length| length.parse().unwrap());
        let body = self.exactly(length).await;
        (head, body)
    }

    /// Asks, and reads an answer whose head tells its length.
    pub(super) async fn ask(&mut self, request: impl AsRef<[u8]>) -> (Head, Vec<u8>) {
        self.send(request).await;
        self.answer().await
    }

    /// Reads until the server closes the connection, in order or not.
    pub(super) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // An error is an end too: what was read before it is there.
        let _ =
            timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("the server keeps the connection");
        rest
    }

    pub(super) async fn assert_kept_open(&mut self) {
        assert_eq!(self.ask("GET /acc HTTP/1.1\r\n\r\n").await.0.status, "202 Accepted");
    }

    pub(super) async fn assert_closed(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.rest().await), "");
    }
}
