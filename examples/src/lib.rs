//! Small programs, each a file at the top of this package: `cargo run --example NAME`.
//!
//! | example | shows |
//! | --- | --- |
//! | `counter` | an actor, its timer, its HTTP route and its metric |
//! | `ping_pong` | messages and links between two nodes |
//! | `framework` | a framework that launches tasks on a cluster, its own or a given one |
//! | `executor` | a custom executor, started by `framework --executor` |

#![forbid(unsafe_code)]
