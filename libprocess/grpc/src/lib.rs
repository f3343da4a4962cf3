//! gRPC for libprocess actors.
//!
//! A [`Runtime`] makes calls and gives back [`Future`](libprocess::Future)s: discarding one cancels the
//! call, the node's clock counts the deadline, and [`Runtime::terminate`] lets what is under way come to
//! its end. A [`Channel`] is a server's address, over TCP, TLS or a unix socket; it connects when it is
//! first used, and anew with growing waits when the connection is lost. A [`Server`] hosts services that
//! tonic generates, whose handlers [`ask`] an actor.
//!
//! As in Mesos' gRPC client, a status that is not OK is an answer: the future is ready with `Err(status)`.
//! It fails only when no call was made.
//!
//! ```
//! use libprocess::{Node, Process};
//! use libprocess_grpc::{CallOptions, Channel, Runtime, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let node = Node::builder().start().await?;
//! // A server that only says that it is well.
//! let server = Server::builder().with_health().bind("127.0.0.1:0".parse()?, &node).await?;
//!
//! let runtime = Runtime::new(&node);
//! let channel = Channel::new(&format!("http://{}", server.address().unwrap()))?;
//! let healthy = runtime.healthy(&channel, "", CallOptions::default()).await?;
//! assert!(healthy?);
//!
//! runtime.terminate();
//! runtime.wait().await?;
//! server.shutdown().await;
//! node.shutdown().await;
//! # Ok(()) })
//! # }
//! ```
//!
//! Clients that tonic generates work as they are: [`Runtime::run`] hands them the transport.

#![forbid(unsafe_code)]

mod backoff;
mod channel;
mod connector;
mod error;
mod handler;
mod interceptor;
mod options;
mod readiness;
mod runtime;
mod server;
mod target;
mod tls;

pub use channel::Channel;
pub use error::{ChannelError, ServerError};
pub use handler::{ask, ask_future};
pub use interceptor::{CallInterceptor, Transport};
pub use options::CallOptions;
pub use runtime::{CallResult, Runtime};
pub use server::{Server, ServerBuilder};
pub use tls::Tls;
pub use tonic::{Code, Status, Streaming, metadata::MetadataMap};
