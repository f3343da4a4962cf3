//! What holds for the requests to one route.

use std::sync::Arc;
use std::time::Duration;

use libprocess::http::{Limits, Reply, Response, Route, Writer, pipe};
use libprocess::{Clock, Context, Node, Process, Time};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::support::{PATIENCE, Raw};

struct Shop {
    /// Lets `gate` answer.
    gate: Arc<Semaphore>,
    opened: mpsc::UnboundedSender<Writer>,
}

impl Process for Shop {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route_with(Route::new("items/{item}/parts/{part}"), |_, _, request| {
            Response::text(
                request.params.iter().map(|(name, value)| format!("{name}={value};")).collect::<String>(),
            )
        });
        cx.route_with(Route::new("small").body_bytes_max(4), |_, _, request| {
            Response::ok().with_body("a/b", request.body)
        });
        cx.route_with(Route::new("large").body_bytes_max(100), |_, _, request| {
            Response::text(request.body.len().to_string())
        });
        let slow = Route::new("slow").answer_wait_max(Duration::from_secs(5));
        cx.route_with(slow, |_, _, _| Reply::later(std::future::pending()));
        let gate = Arc::clone(&self.gate);
        cx.serve_with(Route::new("gate").concurrent_max(1), move |_| {
            let gate = Arc::clone(&gate);
            Reply::later(async move {
                gate.acquire().await.unwrap().forget();
                Response::text("opened")
            })
        });
        cx.route_with(Route::new("open").concurrent_max(1), |shop: &mut Self, _, _| {
            let (writer, reader) = pipe(1024);
            shop.opened.send(writer).unwrap();
            Response::stream("text/plain", reader)
        });
    }
}

struct Rig {
    node: Node,
    gate: Arc<Semaphore>,
    opened: mpsc::UnboundedReceiver<Writer>,
}

impl Rig {
    async fn start(clock: Clock) -> Self {
        let mut limits = Limits::default();
        limits.request_bytes_max = 50;
        let node = Node::builder().limits(limits).clock(clock).start().await.unwrap();
        let (gate, (opening, opened)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
        let shop = node.spawn_as("shop", Shop { gate: Arc::clone(&gate), opened: opening }).unwrap();
        shop.ask(|_, _| ()).await.unwrap();
        Self { node, gate, opened }
    }

    async fn raw(&self) -> Raw {
        Raw::to(self.node.address()).await
    }
}

#[tokio::test]
async fn parameters_of_the_path_reach_the_handler() {
    let rig = Rig::start(Clock::system()).await;
    let mut raw = rig.raw().await;
    let found = raw.get("/shop/items/a%20b/parts/7?x=y", "X: y").await;
    assert_eq!(found, (200, "item=a b;part=7;".to_owned()));
    let (status, text) = raw.get("/shop/items/%zz/parts/7", "X: y").await;
    assert_eq!((status, text.as_str()), (400, "Malformed % escape in '%zz': '%zz'"));
    assert_eq!(raw.get("/shop/items/7", "X: y").await.0, 404);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn bound_of_a_route_is_in_place_of_that_of_the_server() {
    let rig = Rig::start(Clock::system()).await;
    let ask = async |path: &str, length: usize| {
        let body = "x".repeat(length);
        let request = format!("POST {path} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
        rig.raw().await.ask(request).await.0.code().as_u16()
    };
    assert_eq!(ask("/shop/small", 4).await, 200);
    assert_eq!(ask("/shop/small", 5).await, 413);
    assert_eq!(ask("/shop/large", 100).await, 200);
    assert_eq!(ask("/shop/large", 101).await, 413);
    assert_eq!(ask("/shop/items/1/parts/1", 51).await, 413);
    // Nobody would read it.
    assert_eq!(ask("/shop/nothing", 1000).await, 404);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn short_body_of_a_refused_request_does_not_cost_the_connection() {
    let rig = Rig::start(Clock::system()).await;
    let mut raw = rig.raw().await;
    let (head, _) = raw.ask("POST /shop/nothing HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody").await;
    assert_eq!((head.code().as_u16(), head.header("connection")), (404, None));
    assert_eq!(raw.get("/shop/items/1/parts/2", "X: y").await.0, 200);
    // It will not come, since it is not asked for.
    let (head, _) =
        raw.ask("POST /shop/nothing HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await;
    assert_eq!((head.code().as_u16(), head.header("connection")), (404, Some("close")));
    raw.assert_closed().await;
    rig.node.shutdown().await;
}

#[tokio::test]
async fn answer_that_takes_too_long_is_given_up() {
    let clock = Clock::paused(Time::EPOCH);
    let rig = Rig::start(clock.clone()).await;
    let mut raw = rig.raw().await;
    let answered = tokio::spawn(async move { raw.get("/shop/slow", "X: y").await });
    while !answered.is_finished() {
        clock.advance(Duration::from_secs(5)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(answered.await.unwrap(), (504, "the answer took longer than 5s".to_owned()));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn one_request_too_many_at_a_time_is_refused() {
    let mut rig = Rig::start(Clock::system()).await;
    // Which of the two comes first is theirs to find out.
    let get = |mut raw: Raw| tokio::spawn(async move { raw.get("/shop/gate", "X: y").await });
    let (one, other) = (get(rig.raw().await), get(rig.raw().await));
    let mut both = futures::future::select(one, other);
    let (refused, waiting) = timeout(PATIENCE, &mut both).await.unwrap().factor_first();
    let text = "'/shop/gate' answers 1 requests already, which is its bound";
    assert_eq!(refused.unwrap(), (503, text.to_owned()));
    rig.gate.add_permits(2);
    assert_eq!(waiting.await.unwrap().0, 200);
    assert_eq!(rig.raw().await.get("/shop/gate", "X: y").await.0, 200);

    // A stream is under way until its end.
    let mut streaming = rig.raw().await;
    streaming.send("GET /shop/open HTTP/1.1\r\n\r\n").await;
    let writer = timeout(PATIENCE, rig.opened.recv()).await.unwrap().unwrap();
    assert_eq!(streaming.head().await.code(), 200);
    let mut raw = rig.raw().await;
    assert_eq!(raw.get("/shop/open", "X: y").await.0, 503);
    drop(writer);
    assert!(streaming.chunk().await.is_empty());
    raw.send("GET /shop/open HTTP/1.1\r\n\r\n").await;
    assert_eq!(raw.head().await.code(), 200);
    rig.node.shutdown().await;
}
