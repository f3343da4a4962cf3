//! Calls, their ends, and the end of the runtime.

use std::time::Duration;

use libprocess::{Clock, FutureError, Node, Time};
use libprocess_grpc::{CallOptions, Channel, Code, Runtime, Streaming};
use tokio_stream::StreamExt;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::support::{Seen, World};

const CHECK: &str = "/grpc.health.v1.Health/Check";

fn request(name: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: name.to_owned() }
}

fn called(name: &str) -> Seen {
    Seen::Called { name: name.to_owned(), token: None, deadline: true }
}

#[tokio::test]
async fn answers_and_statuses_come_back() {
    let mut world = World::new().await;
    let server = world.server().bind_unix(world.socket(), &world.node).await.unwrap();
    let (runtime, channel) = (Runtime::new(&world.node), Channel::unix(world.socket()));
    let call = |name: &str| {
        runtime.call::<_, HealthCheckResponse>(&channel, CHECK, request(name), CallOptions::default())
    };
    assert_eq!(call("ok").await.unwrap().unwrap().status, 1);
    assert_eq!(world.next().await, called("ok"));
    let status = call("missing").await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "no such thing"));
    let status = call("fail").await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "on purpose"));

    let wrong =
        |path| runtime.call::<_, HealthCheckResponse>(&channel, path, request(""), CallOptions::default());
    assert_eq!(wrong("/no.Such/Method").await.unwrap().unwrap_err().code(), Code::Unimplemented);
    assert_eq!(wrong("no path").await.unwrap().unwrap_err().code(), Code::InvalidArgument);

    // The process that answers is gone.
    world.process.terminate();
    world.process.wait().await.unwrap();
    assert_eq!(call("ok").await.unwrap().unwrap_err().code(), Code::Unavailable);
    server.shutdown().await;
    assert!(!world.socket().exists());
    world.node.shutdown().await;
}

#[tokio::test]
async fn discarding_cancels_the_call_at_the_server() {
    let mut world = World::new().await;
    let server = world.server().bind_unix(world.socket(), &world.node).await.unwrap();
    let (runtime, channel) = (Runtime::new(&world.node), Channel::unix(world.socket()));
    let options = CallOptions::default().without_deadline();
    let future = runtime.call::<_, HealthCheckResponse>(&channel, CHECK, request("hang"), options);
    let seen = world.next().await;
    assert_eq!(seen, Seen::Called { name: "hang".to_owned(), token: None, deadline: false });
    future.discard();
    assert_eq!(future.await.unwrap_err(), FutureError::Discarded);
    assert_eq!(world.next().await, Seen::Cancelled("hang".to_owned()));
    server.shutdown().await;
    world.node.shutdown().await;
}

/// The deadline of a call to a server that is not there, on the clock of the node.
#[tokio::test]
async fn call_without_a_server_ends_at_its_deadline() {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    let world = World::on(node);
    let (runtime, channel) = (Runtime::new(&world.node), Channel::unix(world.socket()));
    let future =
        runtime.call::<_, HealthCheckResponse>(&channel, CHECK, request("ok"), CallOptions::default());
    clock.settle().await;
    clock.advance(Duration::from_millis(4999)).await;
    assert!(future.is_pending());
    clock.advance(Duration::from_millis(1)).await;
    assert_eq!(future.await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
    world.node.shutdown().await;
}

#[tokio::test]
async fn call_that_does_not_wait_fails_with_the_cause() {
    let world = World::new().await;
    let (runtime, channel) = (Runtime::new(&world.node), Channel::unix(world.socket()));
    let options = CallOptions::default().fail_fast();
    let future = runtime.call::<_, HealthCheckResponse>(&channel, CHECK, request("ok"), options);
    let status = future.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("grpc.sock: No such file"), "{status}");
    world.node.shutdown().await;
}

#[tokio::test]
async fn terminated_runtime_drains_and_makes_no_calls() {
    let mut world = World::new().await;
    let server = world.server().bind_unix(world.socket(), &world.node).await.unwrap();
    let (runtime, channel) = (Runtime::new(&world.node), Channel::unix(world.socket()));
    let call = |name: &str| {
        runtime.call::<_, HealthCheckResponse>(&channel, CHECK, request(name), CallOptions::default())
    };
    let hanging = call("hang");
    assert_eq!(world.next().await, called("hang"));
    runtime.terminate();
    let FutureError::Failed(failure) = call("ok").await.unwrap_err() else { panic!("no failure") };
    assert_eq!(failure.to_string(), "Runtime has been terminated.");
    let drained = runtime.wait();
    assert!(drained.is_pending() && hanging.is_pending());
    world.process.tell(|answers, _cx| answers.release());
    assert_eq!(hanging.await.unwrap().unwrap().status, 1);
    drained.await.unwrap();
    runtime.wait().await.unwrap();
    server.shutdown().await;
    world.node.shutdown().await;
}

#[tokio::test]
async fn streams_flow_as_they_are_read_and_end_when_dropped() {
    let mut world = World::new().await;
    let server = world.server().bind_unix(world.socket(), &world.node).await.unwrap();
    let (runtime, channel) = (Runtime::new(&world.node), Channel::unix(world.socket()));
    let path = "/grpc.health.v1.Health/Watch";
    let opened = runtime.call_streaming(&channel, path, request("all"), CallOptions::default());
    let stream: Streaming<HealthCheckResponse> = opened.await.unwrap().unwrap();
    let first: Vec<_> = stream.take(4).map(|answer| answer.unwrap().status).collect().await;
    assert_eq!(first, [0, 1, 2, 0]);
    assert_eq!(world.next().await, Seen::Cancelled("all".to_owned()));
    server.shutdown().await;
    world.node.shutdown().await;
}

#[tokio::test]
async fn generated_clients_metadata_and_interceptors_work_together() {
    let mut world = World::new().await;
    let server = world.server().bind_unix(world.socket(), &world.node).await.unwrap();
    let channel = Channel::unix(world.socket()).with_interceptor(|metadata| match metadata.remove("who") {
        Some(who) => {
            metadata.insert("token", who);
            Ok(())
        }
        None => Err(libprocess_grpc::Status::unauthenticated("who is it?")),
    });
    let runtime = Runtime::new(&world.node);
    let mut metadata = libprocess_grpc::MetadataMap::new();
    metadata.insert("who", "me".parse().unwrap());
    let answer = runtime.run(&channel, CallOptions::default().metadata(metadata), |transport| async move {
        Ok(HealthClient::new(transport).check(request("ok")).await?.into_inner().status)
    });
    assert_eq!(answer.await.unwrap().unwrap(), 1);
    let token = Some("me".to_owned());
    assert_eq!(world.next().await, Seen::Called { name: "ok".to_owned(), token, deadline: true });
    let refused =
        runtime.call::<_, HealthCheckResponse>(&channel, CHECK, request("ok"), CallOptions::default());
    assert_eq!(refused.await.unwrap().unwrap_err().code(), Code::Unauthenticated);
    server.shutdown().await;
    world.node.shutdown().await;
}
