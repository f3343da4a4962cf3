//! Calls and servers, over real sockets.

mod calls;
mod channels;
mod support;
mod tls;
