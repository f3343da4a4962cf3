//! HTTP as processes see it: requests, responses, streams, the server and the client.
//!
//! A route gets a [`Request`] and gives a [`Reply`]: a [`Response`] now, or a future of one. A
//! response that goes on for as long as something happens has a [`pipe`] for its body: what is
//! written into the [`Writer`] leaves as one chunk a write, and a reader that does not keep up is
//! cut off at the pipe's bound instead of growing it.
//!
//! ```
//! use bytes::Bytes;
//! use libprocess::http::{Reply, Request, Response, pipe};
//!
//! fn count(request: Request) -> Reply {
//!     let Some(limit) = request.query.get("limit").and_then(|limit| limit.parse::<u32>().ok()) else {
//!         return Response::bad_request("expecting a number as 'limit'").into();
//!     };
//!     let (writer, reader) = pipe(1 << 20);
//!     for number in 0..limit {
//!         writer.write(Bytes::from(format!("{number}\n")));
//!     }
//!     writer.close();
//!     Response::stream("text/plain", reader).into()
//! }
//!
//! let reply = count(Request::get("/counter/count?limit=many"));
//! assert!(matches!(reply, Reply::Now(response) if response.status == 400));
//! ```
//!
//! [`serve`] runs a [`Service`] on a listener: it tells the messages of other libprocess nodes from
//! requests to routes, and keeps every part of both within [`Limits`]. [`Client`] asks other
//! servers, and a [`Connection`] does so over one connection that it keeps.

mod accept;
mod body;
mod client;
mod connection;
mod files;
mod gzip;
mod limits;
mod message;
mod peer;
mod pipe;
mod principal;
mod receive;
mod request;
mod response;
mod server;
mod service;
mod target;

pub use accept::{accepts, accepts_encoding, accepts_in};
pub use body::Body;
pub use client::{Client, ClientBuilder, ClientError, ClientResponse, Connection};
pub use files::files;
pub use hyper::header;
pub use hyper::{HeaderMap, Method, StatusCode};
pub use limits::{HEAD_BYTES_MAX, Limits, MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX};
pub use message::{Delivery, Incoming, drain, encode_message};
pub use pipe::{PipeError, Reader, Writer, pipe};
pub use principal::Principal;
pub use request::{Query, Request};
pub use response::{Reply, Response};
pub use server::serve;
pub use service::Service;
