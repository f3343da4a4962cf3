//! Traces of HTTP requests.

use libprocess::http::{Client, HeaderMap, Method, Reply, Response, Route};
use libprocess::trace::{TraceContext, current};
use libprocess::{Context, Process};

use super::support::{assert_below, handled, handled_by, node};

/// Says in which trace it was asked.
struct Pages;

fn place() -> Response {
    Response::text(current().map_or_else(String::new, |context| context.to_string()))
}

impl Process for Pages {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route("within", "", |_pages, _cx, _request| place());
        cx.route_with(Route::new("quick").quick(), |_pages, _cx, _request| place());
        cx.route("later", "", |_pages, _cx, _request| Reply::later(async { place() }));
        cx.serve("beside", "", |_request| place());
        cx.serve("beside_later", "", |_request| Reply::later(async { place() }));
        cx.route("told", "", |_pages, cx, _request| {
            let told = cx.pid().ask(|_pages, _cx| place());
            Reply::later(async { told.await.unwrap() })
        });
    }
}

/// The answer to a request with these headers.
async fn ask(url: &str, headers: HeaderMap) -> String {
    let response = Client::new().request(Method::GET, url, headers, "").await.unwrap();
    String::from_utf8(response.bytes(1000).await.unwrap().to_vec()).unwrap()
}

fn traceparent(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", value.parse().unwrap());
    headers
}

#[tokio::test]
async fn request_is_handled_below_what_its_header_says() {
    let node = node().await;
    let pages = node.spawn_as("pages", Pages).unwrap();
    for path in ["within", "quick", "later", "beside", "beside_later"] {
        let context = TraceContext::root();
        let url = format!("http://{}/pages/{path}", node.address());
        let place: TraceContext = ask(&url, traceparent(&context.to_string())).await.parse().unwrap();
        assert_eq!(place.trace_id(), context.trace_id(), "{path}");
        let noted = handled_by(context, &pages);
        assert_eq!(noted.field("span_id"), format!("{:016x}", place.span_id()), "{path}");
        assert_eq!(noted.field("parent_id"), format!("{:016x}", context.span_id()), "{path}");
        assert_eq!(
            (noted.field("kind"), noted.field("path")),
            ("request", &url[url.find("/pages").unwrap()..])
        );
    }
}

#[tokio::test]
async fn what_the_handler_of_a_request_asks_is_below_the_request() {
    let node = node().await;
    node.spawn_as("pages", Pages).unwrap();
    let context = TraceContext::root();
    let url = format!("http://{}/pages/told", node.address());
    ask(&url, traceparent(&context.to_string())).await;
    let handled = handled(context);
    let [request, told] = &handled[..] else { panic!("{handled:?}") };
    assert_below(told, request);
    assert_eq!(told.field("kind"), "dispatch");
}

#[tokio::test]
async fn request_with_garbage_begins_a_trace() {
    let node = node().await;
    let pages = node.spawn_as("pages", Pages).unwrap();
    let url = format!("http://{}/pages/within", node.address());
    let mut twice = traceparent(&TraceContext::root().to_string());
    twice.append("traceparent", TraceContext::root().to_string().parse().unwrap());
    for headers in [traceparent("garbage"), traceparent(""), twice] {
        let place = ask(&url, headers).await.parse().unwrap();
        assert!(handled_by(place, &pages).field("parent_id").is_empty());
    }
}

#[tokio::test]
async fn client_tells_the_trace_that_it_is_in() {
    let node = node().await;
    let pages = node.spawn_as("pages", Pages).unwrap();
    let url = format!("http://{}/pages/within", node.address());
    let context = TraceContext::root();
    let asking = context.scope(|| node.run(async move { ask(&url, HeaderMap::new()).await }));
    let place: TraceContext = asking.await.unwrap().parse().unwrap();
    assert_eq!(place.trace_id(), context.trace_id());
    assert_eq!(handled_by(context, &pages).field("parent_id"), format!("{:016x}", context.span_id()));
}
