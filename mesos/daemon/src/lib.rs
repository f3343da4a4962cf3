//! What master and agent share.
//!
//! - [`media`] reads the calls of the v1 APIs and writes their answers, [`streaming`] does so for the
//!   agent's streams, [`stream`] keeps an answer open for events;
//! - [`check_call!`] says what a call lacks;
//! - [`model`] is the JSON of the older endpoints (`/state` and the like);
//! - [`files`] serves logs and sandboxes at `/files`, [`version`] tells what runs;
//! - [`logging`] sets the log up and lets operators turn it up for a while;
//! - [`flags`] are those that both daemons have, [`network`] makes a node from them;
//! - [`endpoint`] asks the authorizer whether somebody may read an endpoint.

#![forbid(unsafe_code)]
#![allow(clippy::result_large_err, reason = "what refuses a request is its answer, and requests are few")]

mod call;
pub mod endpoint;
pub mod files;
pub mod flags;
pub mod logging;
pub mod media;
pub mod model;
pub mod network;
mod os;
pub mod stream;
pub mod streaming;
pub mod version;
