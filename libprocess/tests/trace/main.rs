//! What a subscriber sees of messages. A program of its own: the subscriber is that of the whole program.

#![cfg(feature = "remote")]

mod actors;
mod machines;
mod requests;
mod support;
