//! Feeds the parser that `FUZZ_TARGET` names.

#![no_main]

use std::sync::LazyLock;

use libprocess::fuzz::{Feed, TARGETS};

// Of mesos-api, whose generated code takes minutes to build with a sanitizer, no more than this is needed.
#[path = "../../api/src/fuzz.rs"]
mod api;
#[allow(unused)]
#[path = "../../api/src/recordio.rs"]
mod recordio;

static FEED: LazyLock<Feed> = LazyLock::new(|| {
    let target = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names the parser");
    let mut targets = TARGETS.into_iter().chain([("recordio", api::recordio as Feed)]);
    targets.find(|(name, _)| *name == target).expect("FUZZ_TARGET is the name of a parser").1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| FEED(bytes));
