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
//!
//! What holds for the requests to a path is said by its [`Route`]: the realm whose [`Authenticator`]
//! finds out who asks, bounds, parameters in the path, and whether the handler reads the body as it
//! comes, with a [`BodyReader`].

mod accept;
mod answer;
mod authentication;
mod body;
mod body_reader;
mod client;
mod connection;
mod event_stream;
mod files;
#[cfg(all(any(test, fuzzing), feature = "tls"))]
pub(crate) mod fuzz;
mod gzip;
mod intake;
mod limits;
mod message;
mod messages;
mod peer;
mod pipe;
mod principal;
mod receive;
mod request;
mod response;
mod route;
mod server;
mod service;
mod target;

pub use accept::{accepts, accepts_encoding, accepts_in};
#[cfg(feature = "tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub use authentication::BasicAuthenticator;
pub use authentication::{Authentication, Authenticator, CombinedAuthenticator};
pub use body::Body;
pub use body_reader::{BodyError, BodyReader};
pub use client::{Client, ClientBuilder, ClientError, ClientResponse, Connection};
pub use event_stream::{Event, Events, events};
pub use files::files;
pub use hyper::header;
pub use hyper::{HeaderMap, Method, StatusCode};
pub use intake::{Admission, Intake};
pub use limits::{HEAD_BYTES_MAX, Limits, MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX};
pub use message::{Arrival, Delivery, Incoming, drain, encode_message};
#[cfg(feature = "remote")]
pub(crate) use message::{append_message, encode_traced, message_bytes};
pub use pipe::{PipeError, Reader, Writer, pipe};
pub use principal::Principal;
pub use request::{Params, Query, Request};
pub use response::{Reply, Response};
pub use route::Route;
pub use server::serve;
pub use service::Service;
