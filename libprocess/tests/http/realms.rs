//! Requests that have to say who sends them, and endpoints that answer nobody.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use libprocess::http::{
    Authentication, Authenticator, BasicAuthenticator, CombinedAuthenticator, Limits, Principal, Request,
    Response, Route,
};
use libprocess::{Clock, Context, Failure, Node, Process, Time};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::support::{PATIENCE, Raw};

/// `ann:hunter2`.
const ANN: &str = "Authorization: Basic YW5uOmh1bnRlcjI=";

/// No header that matters.
const NONE: &str = "X: y";

/// Tells in which order its requests came, and who sent them.
#[derive(Default)]
struct Desk {
    seen: Arc<Mutex<Vec<String>>>,
}

impl Process for Desk {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        for realm in ["staff", "slow", "quick"] {
            cx.route_in(realm, realm, "Who asks.", move |desk, _cx, request: Request| {
                desk.seen.lock().unwrap().push(realm.to_owned());
                Response::text(request.principal.map_or("nobody".to_owned(), |who| who.to_string()))
            });
        }
        cx.serve("look", "Open to anybody.", |_| Response::text("open"));
        cx.serve_with(Route::new("peek").realm("staff"), |_| Response::text("seen"));
    }
}

/// Lets everybody in, each when there is a permit.
struct Gate {
    permits: Semaphore,
    asked: mpsc::UnboundedSender<()>,
}

impl Gate {
    fn new(permits: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<()>) {
        let (asked, asking) = mpsc::unbounded_channel();
        (Arc::new(Self { permits: Semaphore::new(permits), asked }), asking)
    }
}

impl Authenticator for Gate {
    fn scheme(&self) -> String {
        "Gate".to_owned()
    }

    fn authenticate<'a>(&'a self, _request: &'a Request) -> BoxFuture<'a, Result<Authentication, Failure>> {
        async {
            self.asked.send(()).unwrap();
            self.permits.acquire().await.unwrap().forget();
            Ok(Authentication::Authenticated(Principal::new("gate")))
        }
        .boxed()
    }
}

/// Refuses everybody, or fails.
struct Grim(Result<Authentication, Failure>);

impl Authenticator for Grim {
    fn scheme(&self) -> String {
        "Grim".to_owned()
    }

    fn authenticate<'a>(&'a self, _request: &'a Request) -> BoxFuture<'a, Result<Authentication, Failure>> {
        std::future::ready(self.0.clone()).boxed()
    }
}

fn basic() -> Arc<dyn Authenticator> {
    Arc::new(BasicAuthenticator::new("staff", [("ann", "hunter2")]))
}

async fn desk(node: &Node) -> Arc<Mutex<Vec<String>>> {
    let seen = Arc::default();
    let desk = node.spawn_as("desk", Desk { seen: Arc::clone(&seen) }).unwrap();
    desk.ask(|_, _| ()).await.unwrap();
    seen
}

#[tokio::test]
async fn realm_asks_who_is_there_once_it_has_an_authenticator() {
    let node = Node::builder().start().await.unwrap();
    desk(&node).await;
    let mut raw = Raw::to(node.address()).await;
    assert_eq!(raw.get("/desk/staff", NONE).await, (200, "nobody".to_owned()));

    node.set_authenticator("staff", basic());
    for path in ["/desk/staff", "/desk/peek"] {
        let (head, body) = raw.ask(format!("GET {path} HTTP/1.1\r\n\r\n")).await;
        assert_eq!((head.code().as_u16(), body.len()), (401, 0), "{path}");
        assert_eq!(head.header("www-authenticate"), Some("Basic realm=\"staff\""));
    }
    assert_eq!(raw.get("/desk/staff", ANN).await, (200, "ann".to_owned()));
    assert_eq!(raw.get("/desk/peek", ANN).await, (200, "seen".to_owned()));
    assert_eq!(raw.get("/desk/look", NONE).await, (200, "open".to_owned()));

    node.unset_authenticator("staff");
    assert_eq!(raw.get("/desk/staff", NONE).await, (200, "nobody".to_owned()));
    node.shutdown().await;
}

#[tokio::test]
async fn refusals_are_told_and_failures_are_not_taken_for_them() {
    let grim = |result| Arc::new(Grim(result)) as Arc<dyn Authenticator>;
    let forbids = || grim(Ok(Authentication::Forbidden("not today".to_owned())));
    let node = Node::builder()
        .authenticator("slow", forbids())
        .authenticator("quick", grim(Err("the directory is down".into())))
        .authenticator("staff", Arc::new(CombinedAuthenticator::new([forbids(), basic()])))
        .start()
        .await
        .unwrap();
    desk(&node).await;
    let mut raw = Raw::to(node.address()).await;
    assert_eq!(raw.get("/desk/slow", NONE).await, (403, "not today".to_owned()));
    assert_eq!(raw.get("/desk/quick", NONE).await, (500, "the directory is down".to_owned()));
    assert_eq!(raw.get("/desk/staff", NONE).await.0, 401);
    assert_eq!(raw.get("/desk/staff", ANN).await, (200, "ann".to_owned()));
    node.shutdown().await;
}

#[tokio::test]
async fn requests_to_a_process_keep_their_order_behind_a_slow_authenticator() {
    let (slow, mut slow_asked) = Gate::new(0);
    let (quick, mut quick_asked) = Gate::new(100);
    let node = Node::builder().start().await.unwrap();
    node.set_authenticator("slow", Arc::clone(&slow) as Arc<dyn Authenticator>);
    node.set_authenticator("quick", quick);
    let seen = desk(&node).await;

    let mut first = Raw::to(node.address()).await;
    first.send("GET /desk/slow HTTP/1.1\r\n\r\nGET /desk/look HTTP/1.1\r\n\r\n").await;
    timeout(PATIENCE, slow_asked.recv()).await.unwrap();
    let mut second = Raw::to(node.address()).await;
    second.send("GET /desk/quick HTTP/1.1\r\n\r\n").await;
    timeout(PATIENCE, quick_asked.recv()).await.unwrap();
    // What is open to anybody, and other processes, do not wait.
    let mut third = Raw::to(node.address()).await;
    assert_eq!(third.get("/desk/look", NONE).await.0, 200);
    assert_eq!(third.get("/help/desk", NONE).await.0, 200);
    assert!(seen.lock().unwrap().is_empty());

    slow.permits.add_permits(1);
    assert_eq!(second.answer().await.1, b"gate");
    assert_eq!(*seen.lock().unwrap(), ["slow", "quick"]);
    // Nor does a connection answer out of order.
    assert_eq!(first.answer().await.1, b"gate");
    assert_eq!(first.answer().await.1, b"open");
    node.shutdown().await;
}

#[tokio::test]
async fn client_that_leaves_gives_its_place_up() {
    let (slow, mut slow_asked) = Gate::new(0);
    let mut limits = Limits::default();
    limits.half_closed_wait_max = Duration::from_millis(10);
    let node = Node::builder().limits(limits).authenticator("slow", slow).start().await.unwrap();
    desk(&node).await;
    let mut first = Raw::to(node.address()).await;
    first.send("GET /desk/slow HTTP/1.1\r\n\r\n").await;
    timeout(PATIENCE, slow_asked.recv()).await.unwrap();
    let mut second = Raw::to(node.address()).await;
    second.send("GET /desk/quick HTTP/1.1\r\n\r\n").await;
    drop(first);
    assert_eq!(second.answer().await.1, b"nobody");
    node.shutdown().await;
}

#[tokio::test]
async fn authenticator_that_never_answers_is_given_up() {
    let (slow, mut slow_asked) = Gate::new(0);
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).authenticator("slow", slow).start().await.unwrap();
    desk(&node).await;
    let mut raw = Raw::to(node.address()).await;
    raw.send("GET /desk/slow HTTP/1.1\r\n\r\n").await;
    timeout(PATIENCE, slow_asked.recv()).await.unwrap();
    let answered = tokio::spawn(async move { raw.answer().await.0.code().as_u16() });
    while !answered.is_finished() {
        clock.advance(Duration::from_secs(31)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(answered.await.unwrap(), 503);
    node.shutdown().await;
}

#[tokio::test]
async fn disabled_endpoint_is_refused_by_whatever_path() {
    let disabled = ["/desk/staff", "/desk/nothing/", "/metrics/snapshot"];
    let node = Node::builder()
        .disable_endpoints(disabled)
        .delegate("desk")
        .authenticator("staff", basic())
        .start()
        .await
        .unwrap();
    desk(&node).await;
    let mut raw = Raw::to(node.address()).await;
    for path in [
        "/desk/staff",
        "/desk/staff/below",
        "/desk//staff",
        "//desk/staff/",
        "/d%65sk/staff",
        "/staff",
        "/desk/nothing",
        "/metrics/snapshot",
    ] {
        let (status, text) = raw.get(path, ANN).await;
        assert_eq!((status, text), (403, format!("Endpoint '{path}' is disabled")));
    }
    for (path, expected) in
        [("/desk/look", 200), ("/look", 200), ("/desk/peek", 401), ("/nothing", 404), ("/metrics", 200)]
    {
        assert_eq!(raw.get(path, NONE).await.0, expected, "{path}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn pages_of_the_node_belong_to_a_realm_if_that_is_wanted() {
    let node = Node::builder().pages_realm("staff").authenticator("staff", basic()).start().await.unwrap();
    let mut raw = Raw::to(node.address()).await;
    for path in ["/metrics", "/metrics/snapshot", "/__processes__"] {
        assert_eq!(raw.get(path, NONE).await.0, 401, "{path}");
        assert_eq!(raw.get(path, ANN).await.0, 200, "{path}");
    }
    assert_eq!(raw.get("/help", NONE).await.0, 200);

    node.authorize("/metrics/snapshot", |request: &Request| {
        let text = request.principal.as_ref().map_or("nobody".to_owned(), Principal::to_string);
        async move { Err(Response::forbidden(format!("not for {text}"))) }
    });
    assert_eq!(raw.get("/metrics/snapshot", NONE).await.0, 401);
    assert_eq!(raw.get("/metrics//snapshot", ANN).await, (403, "not for ann".to_owned()));
    assert_eq!(raw.get("/metrics", ANN).await.0, 200);
    node.shutdown().await;
}
