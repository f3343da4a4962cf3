//! Requests, connections, tasks and accidents that must not do harm: who asks is told what is wrong, everybody else
//! is served as before.

mod connections;
mod crashes;
mod disk;
mod identifiers;
mod messages;
mod mutations;
mod readers;
mod requests;
