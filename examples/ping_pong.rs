//! Two nodes, as if on two machines: messages there and back, and the news that the other is gone.
//!
//! Actors on one node are handed closures; between nodes travel messages, which have a name and bytes.
//!
//! ```text
//! cargo run --example ping_pong
//! ```

use std::error::Error;

use libprocess::{Context, Node, Process, Promise, Upid};

/// Answers each `ping` with a `pong` to whoever sent it.
struct Ponger;

impl Process for Ponger {
    const ID_PREFIX: &'static str = "ponger";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        // The answer goes to whoever asked, wherever that is.
        cx.install_raw("ping", |_ponger, cx, from, body| cx.send_raw(from, "pong", body.to_vec()));
    }
}

/// Sends pings until it has had enough pongs, and waits for the end of the other one.
struct Pinger {
    ponger: Upid,
    pongs: u32,
    enough: Option<Promise<u32>>,
    alone: Option<Promise<()>>,
}

const ENOUGH: u32 = 1000;

impl Process for Pinger {
    const ID_PREFIX: &'static str = "pinger";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        // Linked, all messages to the other node travel over one connection, in order.
        let ponger = self.ponger.clone();
        cx.link(&ponger);
        cx.install_raw("pong", |pinger, cx, _from, _body| pinger.pong(cx));
        cx.send_raw(&ponger, "ping", b"1".to_vec());
    }

    fn exited(&mut self, _cx: &mut Context<Self>, pid: &Upid) {
        println!("{pid} is gone");
        if let Some(alone) = self.alone.take() {
            alone.set(());
        }
    }
}

impl Pinger {
    fn pong(&mut self, cx: &mut Context<Self>) {
        self.pongs += 1;
        if self.pongs < ENOUGH {
            cx.send_raw(&self.ponger, "ping", self.pongs.to_string().into_bytes());
        } else if let Some(enough) = self.enough.take() {
            enough.set(self.pongs);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (here, there) = (Node::builder().start().await?, Node::builder().start().await?);
    let ponger = there.spawn(Ponger);
    // What the actor will tell us: that it has had enough, and that the other one is gone.
    let (enough, alone) = (Promise::new(), Promise::new());
    let (pongs, end) = (enough.future(), alone.future());
    here.spawn(Pinger { ponger: ponger.upid().clone(), pongs: 0, enough: Some(enough), alone: Some(alone) });
    println!("{} pongs from {}", pongs.await?, ponger.upid());
    there.shutdown().await;
    end.await?;
    here.shutdown().await;
    Ok(())
}
