//! A master over its public face: HTTP and the messages of drivers and agents.

mod agents;
mod calls;
mod endpoints;
mod events;
mod metrics;
mod operators;
mod peer;
mod quotas;
mod rig;
mod v0;
