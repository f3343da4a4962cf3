//! Messages between nodes, and links.

mod addresses;
mod connections;
mod faults;
mod support;
