//! What a real Mesos 1.5.2 does and old clients depend on: `docs/compatibility.md` lists it, with these tests.

mod endpoints;
mod environment;
mod health;
mod json;
mod old_protocol;
mod reconciliation;
mod refused;
mod routing;
mod streams;
mod tasks;
mod updates;
