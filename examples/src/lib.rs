//! Small programs, each a file at the top of this package: `cargo run --example NAME`.
//!
//! | example | shows |
//! | --- | --- |
//! | `counter` | an actor: messages to it, its timer, its HTTP route, and a clock that is told to go on |
//! | `ping_pong` | messages and links between two nodes |
//! | `simulation` | a test of actors that runs many nodes from a seed, and finds the one that shows a fault |
//! | `framework` | a framework that launches tasks: on a cluster that it makes, or with `-- --master HOST:PORT` |
//! | `executor` | a custom executor, started by `framework -- --executor PROGRAM` |

#![forbid(unsafe_code)]
