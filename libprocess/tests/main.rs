//! What the crate shows to the outside: its HTTP server on raw sockets, and its client.

mod http;
mod order;
mod tls;
