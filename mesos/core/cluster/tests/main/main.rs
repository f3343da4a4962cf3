//! Scenarios that drive a whole cluster model with a tiny allocator, a registry in memory and an
//! authorizer of the test's choice.

mod agents;
mod converting;
mod groups;
mod harness;
mod invariants;
mod killing;
mod launching;
mod losing;
mod maintenance;
mod offers;
mod operators;
mod quotas;
mod reconciling;
mod recovering;
mod returning;
mod subscribing;
mod updating;
