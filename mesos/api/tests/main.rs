//! The public face of the crate, held against the tables and samples in `tests/wire`.

mod descriptors;
mod dialect;
mod golden;
mod random;
mod recordio;
mod required;
mod support;
mod wire_messages;
