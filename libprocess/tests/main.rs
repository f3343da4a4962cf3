//! What the crate shows to the outside: its HTTP server on raw sockets, its client, and messages between
//! nodes.

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "remote")]
mod order;
#[cfg(feature = "remote")]
mod remote;
#[cfg(all(feature = "remote", feature = "tls"))]
mod tls;
