//! What the crate shows to the outside: its HTTP server on raw sockets, its client, and messages between
//! nodes.

mod http;
mod order;
mod remote;
mod tls;
