//! The built `mesos` command, as its users and their clients meet it: daemons in processes of their own, commands,
//! frameworks and executors over real sockets, in Rust, in Python, and byte by byte.

#![forbid(unsafe_code)]

mod clients;
mod cluster;
mod commands;
mod harness;
mod hostile;
mod lifecycle;
mod observed;
