//! What master and agent share.

#![forbid(unsafe_code)]

pub mod flags;
pub mod media;
