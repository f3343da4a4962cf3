//! The allocation cycle: sorters, quota arithmetic, offer filters.

#![forbid(unsafe_code)]

mod input;
mod options;
mod output;

pub use input::Input;
pub use options::Options;
pub use output::Output;
