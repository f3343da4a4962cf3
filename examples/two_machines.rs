//! What holds between two machines: messages from one process to another come in their order and at most once; a
//! link tells of the end of a connection, once for each time that it is set; and setting it anew connects anew.
//!
//! Each side sends numbered messages, and counts what comes, what is missing and how often the link broke.
//!
//! ```text
//! cargo run --example two_machines                                      # both in one program
//! cargo run --example two_machines -- 10.0.0.1:7000 10.0.0.2:7000 500000  # one of them, until Ctrl-C
//! curl http://10.0.0.1:7000/peer/counts
//! ```

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use libprocess::http::Response;
use libprocess::{Context, Node, Pid, Process, Promise, Upid};

/// So many messages are sent at a time, and so long lies between them.
const BATCH: u64 = 200;
const PACE: Duration = Duration::from_millis(20);

/// How long to wait before connecting anew.
const RELINK: Duration = Duration::from_millis(100);

struct Peer {
    other: Upid,
    /// How many are to be sent.
    total: u64,
    linked: bool,
    counts: Counts,
    /// Kept when all has been sent and the other side has said that it has, too.
    complete: Option<Promise<()>>,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    sent: u64,
    received: u64,
    /// The highest number that came.
    last: u64,
    lost: u64,
    /// Came later than one with a higher number, or twice. There are none.
    disordered: u64,
    links: u64,
    exits: u64,
    /// Exits without a link. There are none.
    unpromised: u64,
    ended: bool,
}

impl Process for Peer {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("number", |peer, _cx, _from, body| peer.take(number(body)));
        cx.install_raw("end", |peer, _cx, _from, body| peer.end(number(body)));
        cx.route("counts", "What came and what did not, as JSON.", |peer, _cx, _request| {
            Response::json(peer.counts.to_string())
        });
        self.link(cx);
        self.send(cx);
    }

    fn exited(&mut self, cx: &mut Context<Self>, _pid: &Upid) {
        self.counts.exits += 1;
        self.counts.unpromised += u64::from(!self.linked);
        self.linked = false;
        cx.delay(RELINK, Self::link);
    }
}

impl Peer {
    fn link(&mut self, cx: &mut Context<Self>) {
        self.counts.links += 1;
        self.linked = true;
        cx.link(&self.other);
    }

    /// Sends some, and the rest later: what cannot be sent fast enough waits in memory.
    fn send(&mut self, cx: &mut Context<Self>) {
        let until = self.total.min(self.counts.sent + BATCH);
        for number in self.counts.sent + 1..=until {
            cx.send_raw(&self.other, "number", number.to_string().into_bytes());
        }
        self.counts.sent = until;
        if until == self.total {
            // Again and again: this one may be lost like any other.
            cx.send_raw(&self.other, "end", until.to_string().into_bytes());
        }
        self.check();
        cx.delay(PACE, Self::send);
    }

    fn take(&mut self, number: u64) {
        self.counts.received += 1;
        match number.checked_sub(self.counts.last + 1) {
            Some(missing) => {
                self.counts.lost += missing;
                self.counts.last = number;
            }
            None => self.counts.disordered += 1,
        }
    }

    fn end(&mut self, total: u64) {
        self.counts.lost += total.saturating_sub(self.counts.last);
        self.counts.last = self.counts.last.max(total);
        self.counts.ended = true;
        self.check();
    }

    fn check(&mut self) {
        if self.counts.ended
            && self.counts.sent == self.total
            && let Some(complete) = self.complete.take()
        {
            complete.set(());
        }
    }
}

fn number(body: &Bytes) -> u64 {
    std::str::from_utf8(body).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, received, last: _, lost, disordered, links, exits, unpromised, ended } = self;
        write!(
            f,
            r#"{{"sent": {sent}, "received": {received}, "lost": {lost}, "disordered": {disordered}, "#
        )?;
        write!(f, r#""links": {links}, "exits": {exits}, "unpromised": {unpromised}, "ended": {ended}}}"#)
    }
}

/// Starts one side on a node of its own.
fn start(
    node: &Node,
    other: SocketAddr,
    total: u64,
    complete: Promise<()>,
) -> Result<Pid<Peer>, Box<dyn Error>> {
    let (other, complete) = (Upid::new("peer", other), Some(complete));
    let peer = Peer { other, total, linked: false, counts: Counts::default(), complete };
    Ok(node.spawn_as("peer", peer)?)
}

async fn report(peer: Pid<Peer>) -> Result<(), Box<dyn Error>> {
    let counts = peer.ask(|peer, _cx| peer.counts.clone()).await?;
    println!("{}: {counts}", peer.upid());
    let kept = counts.disordered == 0 && counts.unpromised == 0;
    if kept { Ok(()) } else { Err("a promise was broken".into()) }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, other, messages] = &arguments[..] else {
        // Two nodes in one program behave like two machines.
        let (here, there) = (Node::builder().start().await?, Node::builder().start().await?);
        let ((promise, one), (other_promise, other)) = (Promise::pair(), Promise::pair());
        let near = start(&here, there.address(), 5_000, promise)?;
        let far = start(&there, here.address(), 5_000, other_promise)?;
        one.await?;
        other.await?;
        report(near).await?;
        report(far).await?;
        here.shutdown().await;
        there.shutdown().await;
        return Ok(());
    };
    let node = Node::builder().bind(listen.parse()?).start().await?;
    let peer = start(&node, other.parse()?, messages.parse()?, Promise::new())?;
    tokio::signal::ctrl_c().await?;
    report(peer).await?;
    node.shutdown().await;
    Ok(())
}
