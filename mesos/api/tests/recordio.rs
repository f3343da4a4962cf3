//! Record framing.

use mesos_api::recordio::{Decoder, RecordError, encode};
use proptest::prelude::*;

fn records(stream: &[u8]) -> Result<Vec<Vec<u8>>, RecordError> {
    let mut decoder = Decoder::new(100);
    let records = decoder.push(stream)?;
    decoder.finish()?;
    Ok(records)
}

#[test]
fn record_is_its_length_and_its_bytes() {
    assert_eq!(encode(b"hello"), b"5\nhello");
    assert_eq!(records(b"5\nhello0\n").unwrap(), [b"hello".to_vec(), Vec::new()]);
    assert_eq!(records(b"").unwrap(), Vec::<Vec<u8>>::new());
    assert_eq!(records(b"11\n{\"a\":\n\"b\"}\n").unwrap(), [b"{\"a\":\n\"b\"}\n".to_vec()]);
}

/// Mesos' parser also takes signs and hexadecimal, the last as a huge length.
#[test]
fn only_digits_are_a_length() {
    for (stream, found) in [
        ("+5\nhello", b'+'),
        ("-1\n", b'-'),
        ("0x5\nhello", b'x'),
        (" 5\nhello", b' '),
        ("5\r\nhello", b'\r'),
        ("5.0\n", b'.'),
        ("1e1\n", b'e'),
    ] {
        assert_eq!(records(stream.as_bytes()), Err(RecordError::Length { found }), "{stream}");
    }
    assert_eq!(records(b"\nhello"), Err(RecordError::EmptyLength));
}

#[test]
fn record_above_the_bound_is_refused_by_its_length_alone() {
    let too_long = Err(RecordError::TooLong { limit: 100 });
    assert_eq!(records(b"101"), too_long);
    assert_eq!(records(b"99999999999999999999999999"), too_long);
    assert_eq!(records(&[b'0'; 1000]), too_long);
    assert_eq!(records(&encode(&[7; 100])), Ok(vec![vec![7; 100]]));
}

#[test]
fn failed_decoder_stays_failed() {
    let mut decoder = Decoder::new(100);
    let error = decoder.push(b"1\nax").unwrap_err();
    assert_eq!(decoder.push(b"1\na"), Err(error.clone()));
    assert_eq!(decoder.push(b""), Err(error.clone()));
    assert_eq!(decoder.finish(), Err(error));
}

#[test]
fn end_inside_a_record_is_noticed() {
    for stream in ["5\nhell", "5\n", "5"] {
        assert_eq!(records(stream.as_bytes()), Err(RecordError::Truncated), "{stream}");
    }
}

proptest! {
    #[test]
    fn records_are_the_same_however_the_stream_is_cut(
        sent in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..20),
        cuts in prop::collection::vec(1_usize..30, 1..50),
    ) {
        let stream: Vec<u8> = sent.iter().flat_map(|record| encode(record)).collect();
        let (mut decoder, mut received) = (Decoder::new(100), Vec::new());
        let (mut rest, mut cuts) = (stream.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            received.extend(decoder.push(piece).unwrap());
            rest = behind;
        }
        prop_assert_eq!(decoder.finish(), Ok(()));
        prop_assert_eq!(received, sent);
    }

    #[test]
    fn arbitrary_bytes_never_panic(stream in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = records(&stream);
    }
}
