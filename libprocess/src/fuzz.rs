//! What fuzzing feeds: a function for each parser of what others send. Each takes any bytes, and panics when a
//! parser panics or breaks a promise.
//!
//! `cargo test` feeds them the corpus in `tests/corpus` and random changes of it; `.ci/fuzz` looks for more.

use crate::Upid;
use crate::http::fuzz as http;
use crate::sync::Rate;
use crate::trace::TraceContext;

/// Gives a parser some bytes.
pub type Feed = fn(&[u8]);

/// The parsers, by the name of their corpus.
pub const TARGETS: [(&str, Feed); 10] = [
    ("upid", upid),
    ("rate", rate),
    ("traceparent", traceparent),
    ("url", http::url),
    ("head", http::head),
    ("connection", http::connection),
    ("range", http::range),
    ("gzip", http::gzip),
    ("accept", http::accept),
    ("credentials", http::credentials),
];

/// A PID is written as it was read.
fn upid(bytes: &[u8]) {
    if let Ok(upid) = String::from_utf8_lossy(bytes).parse::<Upid>() {
        assert_eq!(upid.to_string().parse(), Ok(upid));
    }
}

/// A rate that is read has a wait between two.
fn rate(bytes: &[u8]) {
    if let Ok(rate) = String::from_utf8_lossy(bytes).parse::<Rate>() {
        let _ = rate.interval();
    }
}

/// A trace context is written as it was read, as far as version 0 goes.
fn traceparent(bytes: &[u8]) {
    if let Some(context) = TraceContext::from_bytes(bytes) {
        assert_ne!((context.trace_id(), context.span_id()), (0, 0));
        let text = context.to_string();
        assert_eq!(bytes.get(2..53), text.as_bytes().get(2..53));
        assert_eq!(text.parse(), Ok(context));
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::*;

    /// What is stored for a target, in the order of the names.
    fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
        let entries =
            std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    }

    #[test]
    fn every_parser_takes_its_corpus() {
        for (target, feed) in TARGETS {
            for (path, bytes) in corpus(target) {
                let fed = std::panic::catch_unwind(|| feed(&bytes));
                assert!(fed.is_ok(), "{}", path.display());
            }
        }
    }

    /// A change of a text: at a place, to one byte.
    type Edit = (prop::sample::Index, u8, u8);

    fn edited(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
        for (place, kind, byte) in edits {
            if bytes.is_empty() {
                bytes.push(*byte);
                continue;
            }
            let at = place.index(bytes.len());
            match kind % 5 {
                0 => bytes[at] = *byte,
                1 => bytes.insert(at, *byte),
                2 => drop(bytes.remove(at)),
                3 => bytes.truncate(at),
                _ => {
                    let again = bytes[at..].to_vec();
                    bytes.extend_from_slice(&again[..again.len().min(usize::from(*byte))]);
                }
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn no_parser_breaks_a_promise_over_a_changed_text(
            entry in any::<prop::sample::Index>(),
            edits in prop::collection::vec(any::<Edit>(), 0..8),
        ) {
            for (target, feed) in TARGETS {
                let mut corpus = corpus(target);
                let (_, bytes) = corpus.swap_remove(entry.index(corpus.len()));
                feed(&edited(bytes, &edits));
            }
        }

        #[test]
        fn no_parser_breaks_a_promise_over_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            TARGETS.iter().for_each(|(_, feed)| feed(&bytes));
        }
    }
}
