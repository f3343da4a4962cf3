//! Processes that note what they see, and a peer that sees every byte.

use std::net::SocketAddr;
use std::time::Duration;

use libprocess::{Context, Node, Pid, Process, Upid};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Far longer than anything here takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Notes the messages `note`, and who exits; answers `ask` with a `note` of the same body.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) notes: Vec<(Upid, Vec<u8>)>,
    pub(super) exits: Vec<Upid>,
}

impl Process for Recorder {
    const ID_PREFIX: &'static str = "recorder";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("note", |recorder, _cx, from, body| {
            recorder.notes.push((from.clone(), body.to_vec()))
        });
        cx.install_raw("ask", |_recorder, cx, from, body| cx.send_raw(from, "note", body.to_vec()));
    }

    fn exited(&mut self, _cx: &mut Context<Self>, pid: &Upid) {
        self.exits.push(pid.clone());
    }
}

pub(super) async fn node() -> Node {
    Node::builder().start().await.unwrap()
}

/// Waits until the recorder is as wanted: for what crosses a socket, which no clock covers.
pub(super) async fn until(
    pid: &Pid<Recorder>,
    is_wanted: impl Fn(&mut Recorder) -> bool + Copy + Send + 'static,
) {
    let wanted = async {
        while !pid.ask(move |recorder, _cx| is_wanted(recorder)).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, wanted).await.expect("it does not come to be");
}

pub(super) async fn bodies(pid: &Pid<Recorder>) -> Vec<Vec<u8>> {
    pid.ask(|recorder, _cx| recorder.notes.iter().map(|(_, body)| body.clone()).collect()).await.unwrap()
}

/// Where a node sends to and nobody answers.
pub(super) struct Ear(TcpListener);

impl Ear {
    pub(super) async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub(super) fn upid(&self) -> Upid {
        Upid::new("you(1)", self.address())
    }

    pub(super) async fn accept(&self) -> TcpStream {
        timeout(PATIENCE, self.0.accept()).await.expect("nobody connects").unwrap().0
    }
}

/// Reads until what came ends so.
pub(super) async fn read_to(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reading = async {
        while !bytes.ends_with(end) {
            let count = stream.read_buf(&mut bytes).await.unwrap();
            assert_ne!(count, 0, "the connection ended after {}", String::from_utf8_lossy(&bytes));
        }
    };
    timeout(PATIENCE, reading).await.expect("it does not come");
    bytes
}

/// Waits for the end of the connection, before which nothing may come.
pub(super) async fn assert_ends(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("it is kept");
    assert_eq!(String::from_utf8_lossy(&bytes), "");
}
