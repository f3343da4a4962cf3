//! What simulations promise.

mod chatter;
mod clocks;
mod crashes;
mod many;
mod network;
mod replay;
mod support;
