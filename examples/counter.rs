//! An actor: closures run on its state one at a time, so it needs no lock; a timer ticks on the clock
//! of its node; and a route shows its state over HTTP.
//!
//! ```text
//! cargo run --example counter
//! ```

use std::error::Error;
use std::time::Duration;

use libprocess::http::{Client, HeaderMap, Method, Request, Response};
use libprocess::{Clock, Context, Node, Process, Time};

/// Counts, on its own once a minute and whenever it is told to.
#[derive(Default)]
struct Counter {
    count: u64,
}

impl Process for Counter {
    const ID_PREFIX: &'static str = "counter";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route("count", "How far the counter is.", |counter, _cx, _request: Request| {
            Response::text(counter.count.to_string())
        });
        Self::tick_later(cx);
    }
}

impl Counter {
    /// A delay happens once: each tick asks for the next one.
    fn tick_later(cx: &mut Context<Self>) {
        cx.delay(Duration::from_secs(60), |counter, cx| {
            counter.count += 1;
            Self::tick_later(cx);
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A clock that stands still until it is told to go on: an hour passes in no time.
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await?;
    let counter = node.spawn_as("counter", Counter::default())?;

    // Telling does not wait; asking waits for the answer, which comes after all that was told before.
    counter.tell(|counter, _cx| counter.count += 100);
    println!("told:     {}", counter.ask(|counter, _cx| counter.count).await?);

    clock.advance(Duration::from_secs(3600)).await;
    println!("an hour:  {}", counter.ask(|counter, _cx| counter.count).await?);

    let url = format!("http://{}/counter/count", node.address());
    let answer = Client::new().request(Method::GET, &url, HeaderMap::new(), Vec::<u8>::new()).await?;
    println!("by HTTP:  {}", String::from_utf8_lossy(&answer.bytes(1024).await?));

    node.shutdown().await;
    Ok(())
}
