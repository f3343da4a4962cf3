//! A gRPC service that an actor answers, and an actor that calls it. The messages are written by hand here, so that
//! the program is one file; mostly they are generated, and so is the service (tonic-build and protox).
//!
//! ```text
//! cargo run --example grpc_service
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use libprocess::{Context, Future, Node, Pid, Process};
use libprocess_grpc::{CallOptions, CallResult, Channel, Runtime, Server, Status, ask};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Knows which parts of a machine are well: the state behind the service.
struct Machine {
    parts: BTreeMap<String, bool>,
}

impl Process for Machine {}

/// What tonic calls, from any thread. It holds a handle on the actor and no state, so it needs no lock.
struct Service(Pid<Machine>);

#[tonic::async_trait]
impl Health for Service {
    type WatchStream = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        let part = request.into_inner().service;
        let status = ask(&self.0, move |machine, _cx| match machine.parts.get(&part) {
            Some(true) => Ok(ServingStatus::Serving),
            Some(false) => Ok(ServingStatus::NotServing),
            None => Err(Status::not_found(format!("there is no '{part}'"))),
        });
        Ok(tonic::Response::new(HealthCheckResponse { status: status.await?.into() }))
    }

    async fn watch(
        &self,
        _request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("nothing is watched"))
    }
}

/// Asks the service about one part after the other.
struct Doctor {
    runtime: Runtime,
    channel: Channel,
}

impl Process for Doctor {}

impl Doctor {
    fn examine(&mut self, _cx: &mut Context<Self>, part: &str) -> Future<CallResult<bool>> {
        // The deadline runs on the clock of the node; discarding the future would cancel the call.
        let options = CallOptions::default().deadline(Duration::from_secs(5));
        self.runtime.healthy(&self.channel, part, options)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let node = Node::builder().start().await?;
    let parts = [("engine".to_owned(), true), ("radio".to_owned(), false)].into();
    let machine = node.spawn(Machine { parts });
    let service = HealthServer::new(Service(machine.clone()));
    let server = Server::builder().add_service(service).bind("127.0.0.1:0".parse()?, &node).await?;

    let address = server.address().ok_or("a TCP server has an address")?;
    let (runtime, channel) = (Runtime::new(&node), Channel::new(&format!("http://{address}"))?);
    let doctor = node.spawn(Doctor { runtime: runtime.clone(), channel });
    for part in ["engine", "radio", "wings"] {
        // A status that is not OK is an answer like any other.
        match doctor.ask_future(move |doctor, cx| doctor.examine(cx, part)).await? {
            Ok(well) => println!("{part}: {}", if well { "well" } else { "not well" }),
            Err(status) => println!("{part}: {:?}, {}", status.code(), status.message()),
        }
    }

    // The end in its order: no new calls, the end of those under way, then the server.
    runtime.terminate();
    runtime.wait().await?;
    server.shutdown().await;
    node.shutdown().await;
    Ok(())
}
