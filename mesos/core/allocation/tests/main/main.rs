//! The allocation as its users see it: inputs go in, offers come out.

mod capabilities;
mod compared;
mod examples;
mod explain;
mod fair;
mod filters;
mod limits;
mod maintenance;
mod naive;
mod operations;
mod quota;
mod random;
mod support;
