//! What fuzzing feeds. `cargo test` feeds the corpus in `tests/corpus`, `.ci/fuzz` looks for more.

use crate::recordio::{Decoder, encode};

/// A stream of records gives the same ones however it is cut, and they make the same stream again, but for zeros in
/// front of a length.
pub fn recordio(bytes: &[u8]) {
    let Some((&size, stream)) = bytes.split_first() else { return };
    let mut whole = Decoder::new(1 << 10);
    let records = whole.push(stream);
    let (mut pieces, mut got) = (Decoder::new(1 << 10), Vec::new());
    let ended = stream.chunks(usize::from(size).max(1)).try_for_each(|piece| {
        got.extend(pieces.push(piece)?);
        Ok(())
    });
    match records {
        Ok(records) => {
            assert_eq!((&got, ended), (&records, Ok(())));
            assert_eq!(pieces.finish(), whole.finish());
            let again = records.iter().flat_map(|record| encode(record)).collect::<Vec<_>>();
            assert!(again.len() <= stream.len());
            assert_eq!(Decoder::new(1 << 10).push(&again), Ok(records));
        }
        Err(error) => assert_eq!(ended, Err(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    #[test]
    fn decoder_takes_its_corpus() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/recordio");
        for entry in std::fs::read_dir(corpus).unwrap() {
            super::recordio(&std::fs::read(entry.unwrap().path()).unwrap());
        }
    }

    proptest! {
        #[test]
        fn decoder_keeps_its_promise_over_any_text(bytes in "[\u{1}-\u{9}]([0-9]{0,3}\n.{0,12}){0,6}") {
            super::recordio(bytes.as_bytes());
        }
    }
}
