//! The allocation as its users see it: inputs go in, offers come out.

mod capabilities;
mod fair;
mod filters;
mod maintenance;
mod operations;
mod quota;
mod random;
mod support;
