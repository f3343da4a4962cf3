//! Who may ask how often: each caller is held to a rate of its own, what is more waits, and what would make too
//! many wait is refused. The program is its own clients, one of which tries again with growing waits.
//!
//! ```text
//! cargo run --example rate_limited
//! ```

use std::error::Error;
use std::time::Duration;

use libprocess::http::{Client, HeaderMap, Method, Reply, Request, Response, StatusCode};
use libprocess::sync::{Limit, Limiter, Rate, RateLimiter};
use libprocess::{Context, Node, Process, collect};

/// Answers with the time of day, but not too often.
struct Oracle {
    limiter: Limiter<&'static str>,
}

impl Process for Oracle {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route("time", "What time it is.", |oracle, cx, request: Request| {
            let who = request.query.get("who").unwrap_or("anybody").to_owned();
            match oracle.limiter.acquire(who.as_str()) {
                // The answer waits for its turn; the actor does not.
                Ok(turn) => {
                    let clock = cx.node().clock().clone();
                    Reply::later(async move {
                        match turn.await {
                            Ok(()) => Response::text(format!("{who}: it is {:?}", clock.now())),
                            Err(error) => Response::service_unavailable(error.to_string()),
                        }
                    })
                }
                Err(over) => Response::service_unavailable(over.to_string()).into(),
            }
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let node = Node::builder().start().await?;
    let clock = node.clock().clone();
    let limit = Limit::new(Rate::new(10, Duration::from_secs(1)));
    let limiter = Limiter::new(clock.clone())
        .exempt("operator")
        .limit("batch", limit)
        // All others share one limit, and nobody waits for it.
        .others(limit.waiting_max(0));
    node.spawn_as("oracle", Oracle { limiter })?;

    let (client, address) = (Client::new(), node.address());
    let ask = async |who: &str| -> Result<StatusCode, Box<dyn Error>> {
        let url = format!("http://{address}/oracle/time?who={who}");
        let answer = client.request(Method::GET, &url, HeaderMap::new(), "").await?;
        let status = answer.status;
        println!("{status}: {}", String::from_utf8_lossy(&answer.bytes(1024).await?));
        Ok(status)
    };
    for who in ["operator", "operator", "batch", "batch", "batch", "someone"] {
        ask(who).await?;
    }

    // Who is refused tries again later, and waits longer each time.
    let mut wait = Duration::from_millis(20);
    while ask("someone-else").await? != StatusCode::OK {
        clock.sleep(wait).await?;
        wait *= 2;
    }

    // The same for what a program itself begins: some at once, and then no more than so many in a time.
    let pace = RateLimiter::with_burst(clock, Rate::new(50, Duration::from_secs(1)), 3);
    collect((1..=5).map(|turn| pace.acquire().then(move |()| println!("turn {turn}")))).await?;
    node.shutdown().await;
    Ok(())
}
