//! Connections that come and go.

use libprocess_grpc::{CallOptions, Channel, Code, Runtime};

use crate::support::World;

#[tokio::test]
async fn call_waits_for_a_server_that_starts_later() {
    let world = World::new().await;
    let (runtime, channel) = (Runtime::new(&world.node), Channel::unix(world.socket()));
    let options = CallOptions::default().without_deadline();
    let waiting = runtime.healthy(&channel, "", options);
    // One that does not wait sees that there is none.
    let failed = runtime.healthy(&channel, "", CallOptions::default().fail_fast()).await.unwrap();
    assert_eq!(failed.unwrap_err().code(), Code::Unavailable);
    let server = world.server().bind_unix(world.socket(), &world.node).await.unwrap();
    assert!(waiting.await.unwrap().unwrap());
    server.shutdown().await;
    world.node.shutdown().await;
}

#[tokio::test]
async fn channel_connects_anew_when_the_server_was_restarted() {
    let world = World::new().await;
    let server = world.server().bind("127.0.0.1:0".parse().unwrap(), &world.node).await.unwrap();
    let address = server.address().unwrap();
    let (runtime, channel) = (Runtime::new(&world.node), Channel::new(&address.to_string()).unwrap());
    let options = || CallOptions::default().without_deadline();
    assert!(runtime.healthy(&channel, "", options()).await.unwrap().unwrap());
    server.shutdown().await;
    let server = world.server().bind(address, &world.node).await.unwrap();
    assert!(runtime.healthy(&channel, "", options()).await.unwrap().unwrap());
    server.shutdown().await;
    world.node.shutdown().await;
}

#[tokio::test]
async fn socket_of_a_dead_server_is_replaced_and_that_of_a_live_one_is_not() {
    let world = World::new().await;
    drop(std::os::unix::net::UnixListener::bind(world.socket()).unwrap());
    assert!(world.socket().exists());
    let server = world.server().bind_unix(world.socket(), &world.node).await.unwrap();
    let second = world.server().bind_unix(world.socket(), &world.node).await.unwrap_err().to_string();
    assert!(second.contains("grpc.sock: Address"), "{second}");
    let (runtime, channel) = (Runtime::new(&world.node), Channel::unix(world.socket()));
    assert!(runtime.healthy(&channel, "", CallOptions::default()).await.unwrap().unwrap());
    server.shutdown().await;
    world.node.shutdown().await;
}

#[tokio::test]
async fn address_in_use_is_told() {
    let world = World::new().await;
    let server = world.server().bind("127.0.0.1:0".parse().unwrap(), &world.node).await.unwrap();
    let address = server.address().unwrap();
    let error = world.server().bind(address, &world.node).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot serve gRPC at {address}: ")), "{error}");
    server.shutdown().await;
    world.node.shutdown().await;
}
