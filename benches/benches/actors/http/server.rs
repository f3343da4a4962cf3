//! The servers: bare hyper, hyper whose service asks an actor, and a route of ours.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use libprocess::{Context, Node, Process, http};
use tokio::net::TcpListener;

use super::answer_for_cpu_time;
use super::load::{ACTOR, ANSWER, PATH};
use crate::bare::Tokio;
use crate::library::{Actor, Gate, Library, Worker};
use crate::local::runtime;
use crate::ours::Libprocess;

pub(super) const HYPER: &str = "hyper";
pub(super) const HYPER_AND_OURS: &str = "hyper, our actor";
pub(super) const OURS: &str = "libprocess";
const HYPER_AND_TASK: &str = "hyper, a task";
pub(super) const NAMES: [&str; 4] = [HYPER, HYPER_AND_TASK, HYPER_AND_OURS, OURS];

/// Serves until standard input ends.
pub(crate) fn child(name: &str) -> ExitCode {
    let runtime = runtime();
    match name {
        HYPER => {
            let seen = Arc::new(AtomicU64::new(0));
            let answer = move || std::future::ready(seen.fetch_add(1, Ordering::Relaxed));
            answer_for_cpu_time(runtime.block_on(hyper_server(answer)))
        }
        HYPER_AND_TASK => {
            let library = Tokio::start(runtime.handle());
            answer_for_cpu_time(runtime.block_on(hyper_asks(&library)))
        }
        HYPER_AND_OURS => {
            let library = Libprocess::start(runtime.handle());
            answer_for_cpu_time(runtime.block_on(hyper_asks(&library)))
        }
        OURS => {
            let node = runtime.block_on(Node::builder().start()).expect("a node starts on loopback");
            let site = node.spawn_as(ACTOR, Site { seen: 0 }).expect("the id is free");
            runtime.block_on(site.ask(|_, _| ())).expect("the site runs");
            answer_for_cpu_time(node.address())
        }
        _ => {
            eprintln!("there is no server '{name}'");
            ExitCode::FAILURE
        }
    }
}

struct Site {
    seen: u64,
}

impl Process for Site {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route_with(http::Route::new(PATH).quick(), |site: &mut Self, _cx, _request| {
            site.seen += 1;
            http::Response::text(ANSWER)
        });
    }
}

async fn hyper_asks<L: Library>(library: &L) -> SocketAddr {
    let actor = library.spawn(0, Worker::new(&Gate::new(1))).await;
    hyper_server(move || {
        let actor = actor.clone();
        async move { actor.bump().await }
    })
    .await
}

/// Answers each request when `count` has counted it.
async fn hyper_server<F>(count: impl Fn() -> F + Clone + Send + 'static) -> SocketAddr
where
    F: Future<Output = u64> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket has this option");
            let count = count.clone();
            let service = service_fn(move |_request| {
                let counted = count();
                async move {
                    counted.await;
                    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
                    let kind = http::header::HeaderValue::from_static("text/plain");
                    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
                    Ok::<_, Infallible>(response)
                }
            });
            let serving =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(serving);
        }
    });
    address
}
