//! The reader of plain messages for [`fuzz`](crate::fuzz).

use super::head::{Found, Head, Part};
use crate::http::{Limits, encode_message};

/// What was found stays found when more comes, and is within what there is; and what a node writes is read.
pub(crate) fn head(bytes: &[u8]) {
    let limits = Limits { message_bytes_max: 64 << 10, ..Limits::default() };
    let find = |bytes: &[u8]| Head::default().find(bytes, &limits);
    let whole = find(bytes);
    // One that has seen all of it finds the same anew.
    let mut head = Head::default();
    for length in 1..=bytes.len().min(2048) {
        let part = head.find(&bytes[..length], &limits);
        assert_eq!(find(&bytes[..length]), part, "the head seen before matters, at {length}");
        match part {
            Found::Message { ref body, end } => {
                assert!(body.start <= body.end && body.end <= end && end <= length);
                assert_eq!(part, whole, "a message that was whole at {length} is another one");
            }
            Found::Other => assert_eq!(part, whole, "what was none at {length} is one"),
            Found::Part(Part::Body { bytes_min, .. }) => {
                assert!(bytes_min > length, "waiting for nothing at {length}")
            }
            Found::Part(Part::Head) => {}
        }
    }
    written(bytes);
}

/// Names and a body out of any bytes.
fn written(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(4, '\n');
    let mut next = || parts.next().unwrap_or_default();
    let (from, id, name, body) = (next(), next(), next(), next());
    let message = encode_message(from, id, name, body.as_bytes());
    let mut head = Head::default();
    if let Found::Message { body: place, end } = head.find(&message, &Limits::default()) {
        assert_eq!((&message[place], end), (body.as_bytes(), message.len()));
        if !id.is_empty() {
            assert_eq!(head.id, id);
        }
    }
}
