//! Making calls.

use std::error::Error;
use std::fmt;
use std::future::Future as StdFuture;
use std::sync::Arc;

use libprocess::{Future, Node, Promise};
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::Notify;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;

use crate::channel::Channel;
use crate::interceptor::Transport;
use crate::options::CallOptions;

/// Makes calls for the processes of a node, and knows which are under way. Clones are the same runtime.
#[derive(Clone)]
pub struct Runtime {
    node: Node,
    calls: Arc<Mutex<Calls>>,
}

#[derive(Default)]
struct Calls {
    terminated: bool,
    under_way: usize,
    waiting: Vec<Promise<()>>,
}

/// The outcome of a call, once it has been made: the answer, or the status that is not OK.
pub type CallResult<T> = Result<T, Status>;

impl Runtime {
    /// A runtime whose calls run on the tokio runtime of `node`, and whose deadlines its clock counts.
    #[must_use]
    pub fn new(node: &Node) -> Self {
        Self { node: node.clone(), calls: Arc::default() }
    }

    /// Calls the method at `path` (`/package.Service/Method`).
    ///
    /// The future is ready with the answer or the status; it fails when the runtime has been terminated.
    /// Discarding it cancels the call.
    ///
    /// ```
    /// # use libprocess::Future;
    /// # use libprocess_grpc::{CallOptions, Channel, Runtime, Status};
    /// #[derive(Clone, PartialEq, prost::Message)]
    /// struct ProbeRequest {}
    /// #[derive(Clone, PartialEq, prost::Message)]
    /// struct ProbeResponse {
    ///     #[prost(bool, tag = "1")]
    ///     ready: bool,
    /// }
    ///
    /// fn probe(runtime: &Runtime, plugin: &Channel) -> Future<Result<ProbeResponse, Status>> {
    ///     runtime.call(plugin, "/csi.v1.Identity/Probe", ProbeRequest {}, CallOptions::default())
    /// }
    /// ```
    pub fn call<Req, Res>(
        &self,
        channel: &Channel,
        path: &'static str,
        request: Req,
        options: CallOptions,
    ) -> Future<CallResult<Res>>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        self.run(channel, options, move |transport| async move {
            let mut grpc = ready(transport).await?;
            let codec = ProstCodec::<Req, Res>::default();
            let response = grpc.unary(Request::new(request), path_of(path)?, codec).await?;
            Ok(response.into_inner())
        })
    }

    /// Calls a method that answers with a stream. Dropping the stream cancels the call.
    pub fn call_streaming<Req, Res>(
        &self,
        channel: &Channel,
        path: &'static str,
        request: Req,
        options: CallOptions,
    ) -> Future<CallResult<Streaming<Res>>>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        // The server would count the deadline against the whole stream.
        self.run_with(channel, options, false, move |transport| async move {
            let mut grpc = ready(transport).await?;
            let codec = ProstCodec::<Req, Res>::default();
            let response = grpc.server_streaming(Request::new(request), path_of(path)?, codec).await?;
            Ok(response.into_inner())
        })
    }

    /// Whether the server says that it serves `service`, by the health protocol of gRPC; the empty name stands
    /// for the server as a whole.
    pub fn healthy(
        &self,
        channel: &Channel,
        service: &str,
        options: CallOptions,
    ) -> Future<CallResult<bool>> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let asked = self.call(channel, "/grpc.health.v1.Health/Check", request, options);
        asked.then(|answer| {
            answer.map(|answer: HealthCheckResponse| answer.status() == ServingStatus::Serving)
        })
    }

    /// Makes any call, with a client that tonic generates: `f` gets what such clients are made from.
    ///
    /// ```
    /// # use libprocess::Future;
    /// # use libprocess_grpc::{CallOptions, Channel, Runtime, Status};
    /// use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    ///
    /// fn check(runtime: &Runtime, channel: &Channel) -> Future<Result<i32, Status>> {
    ///     runtime.run(channel, CallOptions::default(), |transport| async move {
    ///         let answer = HealthClient::new(transport).check(HealthCheckRequest::default()).await?;
    ///         Ok(answer.into_inner().status)
    ///     })
    /// }
    /// ```
    pub fn run<T, F>(
        &self,
        channel: &Channel,
        options: CallOptions,
        f: impl FnOnce(Transport) -> F + Send + 'static,
    ) -> Future<CallResult<T>>
    where
        T: Send + 'static,
        F: StdFuture<Output = CallResult<T>> + Send + 'static,
    {
        self.run_with(channel, options, true, f)
    }

    fn run_with<T, F>(
        &self,
        channel: &Channel,
        options: CallOptions,
        tell_deadline: bool,
        f: impl FnOnce(Transport) -> F + Send + 'static,
    ) -> Future<CallResult<T>>
    where
        T: Send + 'static,
        F: StdFuture<Output = CallResult<T>> + Send + 'static,
    {
        let Some(under_way) = self.begin() else {
            return Future::failed("Runtime has been terminated.");
        };
        let promise = Promise::new();
        let future = promise.future();
        let cancelled = Arc::new(Notify::new());
        let cancel = Arc::clone(&cancelled);
        promise.on_discard(move || cancel.notify_one());
        let (channel, clock) = (channel.clone(), self.node.clock().clone());
        self.node.run(async move {
            let CallOptions { deadline, wait_for_ready, metadata } = options;
            let told = CallOptions { deadline: deadline.filter(|_| tell_deadline), wait_for_ready, metadata };
            let call = async {
                let failing = channel.readiness().clone();
                let transport = channel.transport(told);
                tokio::select! {
                    result = f(transport) => result.map_err(connection_lost),
                    reason = failing.failure(), if !wait_for_ready => Err(Status::unavailable(reason)),
                }
            };
            let limited = async {
                match deadline {
                    None => call.await,
                    Some(deadline) => match clock.timeout(deadline, call).await {
                        Some(result) => result,
                        None => Err(Status::deadline_exceeded("the deadline has passed")),
                    },
                }
            };
            // Before whoever waits for the answer, or for the end of all calls, goes on.
            let outcome = tokio::select! {
                biased;
                () = cancelled.notified() => None,
                result = limited => Some(result),
            };
            match outcome {
                // Also when the answer came before the wish to discard it was seen.
                Some(result) if !promise.discard_requested() => promise.set(result),
                _ => promise.discard(),
            }
            drop(under_way);
        });
        future
    }

    /// Makes no more calls: each one fails. Those under way go on to their end.
    pub fn terminate(&self) {
        let mut calls = self.calls.lock();
        calls.terminated = true;
        calls.tell_if_drained();
    }

    /// A future that is ready once the runtime has been terminated and no call is under way.
    #[must_use]
    pub fn wait(&self) -> Future<()> {
        let promise = Promise::new();
        let future = promise.future();
        let mut calls = self.calls.lock();
        calls.waiting.push(promise);
        calls.tell_if_drained();
        future
    }

    fn begin(&self) -> Option<UnderWay> {
        let mut calls = self.calls.lock();
        if calls.terminated {
            return None;
        }
        calls.under_way += 1;
        Some(UnderWay(Arc::clone(&self.calls)))
    }
}

impl Calls {
    fn tell_if_drained(&mut self) {
        if self.terminated && self.under_way == 0 {
            self.waiting.drain(..).for_each(|waiting| waiting.set(()));
        }
    }
}

/// That a call is under way.
struct UnderWay(Arc<Mutex<Calls>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut calls = self.0.lock();
        calls.under_way -= 1;
        calls.tell_if_drained();
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.calls.lock();
        f.debug_struct("Runtime")
            .field("terminated", &calls.terminated)
            .field("under_way", &calls.under_way)
            .finish_non_exhaustive()
    }
}

async fn ready(transport: Transport) -> CallResult<Grpc<Transport>> {
    let mut grpc = Grpc::new(transport);
    grpc.ready().await.map_err(|error| Status::unavailable(format!("the channel is closed: {error}")))?;
    Ok(grpc)
}

fn path_of(path: &'static str) -> CallResult<PathAndQuery> {
    path.parse()
        .map_err(|error| Status::invalid_argument(format!("'{path}' is no path of a method: {error}")))
}

/// tonic gives a connection that breaks under a call no status of its own; in gRPC that is `UNAVAILABLE`.
fn connection_lost(status: Status) -> Status {
    let source = status.source().filter(|source| source.is::<tonic::transport::Error>());
    let (Code::Unknown, Some(source)) = (status.code(), source) else { return status };
    let mut text = String::from("the connection was lost");
    let mut cause = source.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    Status::unavailable(text)
}
