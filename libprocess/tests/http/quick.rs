//! Requests that are handled where they come in.

use std::time::Duration;

use libprocess::http::{Response, Route};
use libprocess::{Context, Node, Pid, Process};

use super::support::Raw;

/// Answers with the name of the thread that asks it.
struct Teller {
    seen: u32,
}

impl Process for Teller {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route_with(Route::new("where").quick(), |teller: &mut Self, _, _| {
            teller.seen += 1;
            Response::text(std::thread::current().name().unwrap_or("none"))
        });
        cx.route_with(Route::new("slow").quick(), |_, _, _| {
            std::thread::sleep(Duration::from_millis(100));
            Response::ok()
        });
        cx.route_with(Route::new("panic").quick(), |_, _, _| -> Response { panic!("on purpose") });
    }
}

async fn start() -> (Node, Pid<Teller>) {
    let node = Node::builder().start().await.unwrap();
    let teller = node.spawn_as("teller", Teller { seen: 0 }).unwrap();
    teller.ask(|_, _| ()).await.unwrap();
    (node, teller)
}

async fn text(node: &Node, path: &str) -> (u16, String) {
    Raw::to(node.address()).await.get(&format!("/teller/{path}"), "X: y").await
}

fn is_worker(thread: &str) -> bool {
    thread.starts_with("worker-")
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_process_with_a_quick_route_runs_where_the_request_comes_in() {
    let (node, teller) = start().await;
    let mut asked = 0;
    loop {
        // The worker may still be about to leave the process.
        let (_, thread) = text(&node, "where").await;
        asked += 1;
        if !is_worker(&thread) {
            break;
        }
    }
    assert_eq!(teller.ask(|teller, _| teller.seen).await.unwrap(), asked);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn process_that_was_slow_is_left_to_the_workers() {
    let (node, _teller) = start().await;
    assert_eq!(text(&node, "slow").await.0, 200);
    for _ in 0..20 {
        let (_, thread) = text(&node, "where").await;
        assert!(is_worker(&thread), "{thread}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn only_thread_of_tokio_is_kept_free() {
    let (node, _teller) = start().await;
    for _ in 0..20 {
        let (_, thread) = text(&node, "where").await;
        assert!(is_worker(&thread), "{thread}");
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn panic_ends_the_process_and_not_the_connection() {
    let (node, teller) = start().await;
    assert_eq!(text(&node, "panic").await.0, 500);
    teller.wait().await.unwrap();
    assert_eq!(text(&node, "where").await.0, 404);
    node.shutdown().await;
}
