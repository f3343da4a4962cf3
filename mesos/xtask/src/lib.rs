//! What `cargo test --workspace` checks of the workspace as a whole: that dependencies point
//! downwards, that each outside crate has its note and each of ours its row, that what is written in
//! two places agrees.
//!
//! A page that is made from the code differs from the committed one? `MESOS_UPDATE_PAGES=1 cargo test
//! -p mesos-xtask` writes it anew.

#![forbid(unsafe_code)]

pub mod arrows;
pub mod features;
pub mod pages;
pub mod readme;
pub mod workspace;
