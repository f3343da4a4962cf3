//! A service whose answers a test decides, on an actor.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use libprocess::{Future, Node, Pid, Process, Promise};
use libprocess_grpc::{Server, ServerBuilder, Status, ask_future};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Answers by the name that is asked for.
pub(crate) struct Answers {
    /// What comes in is told here.
    seen: mpsc::UnboundedSender<Seen>,
    /// Calls that hang until their client is gone.
    hanging: Vec<Promise<Result<i32, Status>>>,
}

/// What the service has seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Called { name: String, token: Option<String>, deadline: bool },
    Cancelled(String),
}

impl Process for Answers {}

impl Answers {
    fn answer(&mut self, name: &str) -> Future<Result<i32, Status>> {
        match name {
            "hang" => {
                let promise = Promise::new();
                let future = promise.future();
                self.hanging.push(promise);
                future
            }
            "fail" => Future::failed("on purpose"),
            "missing" => Future::ready(Err(Status::not_found("no such thing"))),
            _ => Future::ready(Ok(1)),
        }
    }

    /// Lets the calls that hang come to their end.
    pub(crate) fn release(&mut self) {
        self.hanging.drain(..).for_each(|promise| promise.set(Ok(1)));
    }
}

pub(crate) struct Service {
    process: Pid<Answers>,
    seen: mpsc::UnboundedSender<Seen>,
}

/// Tells that a call was dropped before its answer.
struct Watch {
    name: String,
    seen: mpsc::UnboundedSender<Seen>,
    answered: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.answered {
            let _ = self.seen.send(Seen::Cancelled(self.name.clone()));
        }
    }
}

#[tonic::async_trait]
impl Health for Service {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let header = |name: &str| request.metadata().get(name).and_then(|value| value.to_str().ok());
        let token = header("token").map(str::to_owned);
        let deadline = header("grpc-timeout").is_some();
        let name = request.get_ref().service.clone();
        let mut watch = Watch { name: name.clone(), seen: self.seen.clone(), answered: false };
        let called = Seen::Called { name: name.clone(), token, deadline };
        let answer = ask_future(&self.process, move |answers, _cx| {
            let _ = answers.seen.send(called);
            answers.answer(&name)
        });
        let status = answer.await;
        watch.answered = true;
        Ok(Response::new(HealthCheckResponse { status: status? }))
    }

    type WatchStream = Pin<Box<ReceiverStream<Result<HealthCheckResponse, Status>>>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let name = request.into_inner().service;
        let (sender, receiver) = mpsc::channel(1);
        let seen = self.seen.clone();
        tokio::spawn(async move {
            for status in 0.. {
                if sender.send(Ok(HealthCheckResponse { status: status % 3 })).await.is_err() {
                    let _ = seen.send(Seen::Cancelled(name));
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// A node with the service.
pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) process: Pid<Answers>,
    pub(crate) seen: mpsc::UnboundedReceiver<Seen>,
    sender: mpsc::UnboundedSender<Seen>,
    pub(crate) dir: Arc<tempfile::TempDir>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(Node::builder().start().await.unwrap())
    }

    pub(crate) fn on(node: Node) -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let process = node.spawn(Answers { seen: sender.clone(), hanging: Vec::new() });
        Self { node, process, seen, sender, dir: Arc::new(tempfile::tempdir().unwrap()) }
    }

    pub(crate) fn server(&self) -> ServerBuilder {
        let service = Service { process: self.process.clone(), seen: self.sender.clone() };
        Server::builder().add_service(HealthServer::new(service))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("grpc.sock")
    }

    pub(crate) async fn next(&mut self) -> Seen {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), self.seen.recv()).await;
        next.expect("the service sees something").unwrap()
    }
}
