//! Tells the crate when and by whom it is built.
//!
//! `SOURCE_DATE_EPOCH` (seconds) replaces the time, so that a build can be repeated bit by bit.

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|secs| secs.parse().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    println!("cargo::rustc-env=MESOS_BUILD_TIME={}", given.unwrap_or_else(now));
    let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_default();
    println!("cargo::rustc-env=MESOS_BUILD_USER={user}");
}
