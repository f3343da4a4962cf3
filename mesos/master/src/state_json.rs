//! The JSON documents of the endpoints that came before the v1 API.
//!
//! Each type writes one document from a [`View`](crate::view::View), without what its reader may not
//! see, and without building it in memory first.

mod agent;
mod framework;
mod mapping;
mod roles;
mod seq;
mod state;
mod summary;
mod tasks;

pub(crate) use agent::Agents;
pub(crate) use framework::Frameworks;
pub(crate) use roles::Roles;
pub(crate) use state::State;
pub(crate) use summary::Summary;
pub(crate) use tasks::{Order, Tasks};

use serde::Serialize;

/// A document as bytes.
pub(crate) fn to_vec(document: &impl Serialize) -> Vec<u8> {
    // Writing into memory cannot fail, and every key is a text.
    serde_json::to_vec(document).unwrap_or_default()
}
