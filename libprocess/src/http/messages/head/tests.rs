use proptest::prelude::*;

use super::*;
use crate::http::encode_message;

const FROM: &str = "me(1)@127.0.0.1:5051";

fn find(bytes: &[u8]) -> Found {
    Head::default().find(bytes, &Limits::default())
}

fn head(rest: &str) -> String {
    format!("POST /master/some.Name HTTP/1.1\r\nLibprocess-From: {FROM}\r\n{rest}")
}

#[test]
fn message_is_found_with_all_that_it_says() {
    let mut head = Head::default();
    let one = encode_message(FROM, "slave(1)", "some.Name", b"abc");
    let two = encode_message(FROM, "slave(1)", "some.Name", b"");
    let both = [one.as_slice(), &two].concat();
    let Found::Message { body, end } = head.find(&both, &Limits::default()) else { panic!("{both:?}") };
    assert_eq!(&both[body], b"abc");
    assert_eq!((head.from.as_str(), head.id.as_str(), head.name.as_str()), (FROM, "slave(1)", "some.Name"));
    assert_eq!(end, one.len());
    assert_eq!(
        head.find(&two, &Limits::default()),
        Found::Message { body: two.len()..two.len(), end: two.len() }
    );
}

#[test]
fn head_like_the_last_one_says_the_same() {
    let mut head = Head::default();
    for length in [1, 15, 16, 4096, 0, 70_000] {
        let message = encode_message(FROM, "b", "n", &vec![7; length]);
        let found = head.find(&message, &Limits::default());
        assert!(
            matches!(found, Found::Message { body, end } if body.len() == length && end == message.len())
        );
    }
}

#[test]
fn what_is_not_plain_is_left_to_others() {
    let check = |text: &str| assert_eq!(find(text.as_bytes()), Found::Other, "{text}");
    check("GET / HTTP/1.1\r\n\r\n");
    check("G");
    check("POST http://x/ HTTP/1.1\r\nLibprocess-From: a\r\n\r\n");
    check("POST /master HTTP/1.0\r\nLibprocess-From: a\r\n\r\n");
    check("POST /api/v1 HTTP/1.1\r\nUser-Agent: curl\r\n\r\n");
    check("POST /acc HTTP/1.1\r\nUser-Agent: Libprocess/me\r\n\r\n");
    check("POST /a?b HTTP/1.1\r\nLibprocess-From: a\r\n\r\n");
    check("POST /%zz/n HTTP/1.1\r\nLibprocess-From: a\r\n\r\n");
    check("POST /a\r\nLibprocess-From: a\r\n\r\n");
    check(&head("Connection: close\r\n\r\n"));
    check(&head("Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
    check(&head("Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"));
    check(&head("Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"));
    check(&head("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"));
    check(&head("Content-Length: +1\r\n\r\nx"));
    check(&head("Content-Length: \r\n\r\nx"));
    check(&head("Content-Length: 99999999999999999999999999\r\n\r\nx"));
    check(&head("Content-Length: 67108865\r\n\r\n"));
    check(&head("Transfer-Encoding: gzip, chunked\r\n\r\n"));
    check(&head("Transfer-Encoding: chunked\r\n\r\n4000001\r\n"));
    check(&head("Transfer-Encoding: chunked\r\n\r\nhello\r\n"));
    check(&head("Transfer-Encoding: chunked\r\n\r\n1;x=y\r\nz\r\n0\r\n\r\n"));
    check(&head("Transfer-Encoding: chunked\r\n\r\n1\r\nz\r\n1\r\nz\r\n0\r\n\r\n"));
    check(&head("Transfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\nX: y\r\n\r\n"));
    check(&head("Transfer-Encoding: chunked\r\n\r\n1\r\nzz"));
    check(&head("Transfer-Encoding: chunked\r\n\r\n00000000000000001"));
    check(&head(&"X: y\r\n".repeat(40)));
    check(&head(&"x".repeat(5000)));
}

#[test]
fn bounds_are_those_of_the_server() {
    let message = head("X: y\r\nContent-Length: 10\r\n\r\n0123456789");
    let mut limits = Limits::default();
    let found = |limits: &Limits| Head::default().find(message.as_bytes(), limits);
    assert!(matches!(found(&limits), Found::Message { .. }));
    limits.message_bytes_max = 9;
    assert_eq!(found(&limits), Found::Other);
    limits.message_bytes_max = 10;
    limits.headers_max = 2;
    assert_eq!(found(&limits), Found::Other);
}

#[test]
fn part_says_how_much_is_still_to_come() {
    let whole = encode_message(FROM, "b", "n", &[b'x'; 300]);
    let start = whole.len() - 300 - BODY_END.len();
    let part = Found::Part(Part::Body { head_bytes: start - "12c\r\n".len(), bytes_min: whole.len() });
    for end in start..whole.len() {
        assert_eq!(find(&whole[..end]), part, "{end}");
    }
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![Just(0..1usize), Just(1..40usize), Just(200..70_000usize)]
        .prop_flat_map(|lengths| prop::collection::vec(any::<u8>(), lengths));
    (prop::sample::select(vec![FROM, "other@[::1]:1", ""]), "[a-z()%/0-9]{1,12}", "[a-zA-Z.]{0,20}", body)
        .prop_map(|(from, id, name, body)| encode_message(from, &id, &name, &body))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every beginning of a message is a part of one, and never taken for something else.
    #[test]
    fn beginnings_are_parts(message in message(), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(message.len());
        prop_assume!(cut > 0);
        let found = find(&message[..cut]);
        let is_part = match found {
            Found::Part(Part::Body { bytes_min, .. }) => bytes_min > cut && bytes_min <= message.len(),
            Found::Part(Part::Head) => true,
            _ => false,
        };
        prop_assert!(is_part, "{found:?} in {cut} of {} bytes", message.len());
    }

    /// However messages are changed, what is found lies within what came.
    #[test]
    fn what_is_found_lies_within_what_came(
        messages in prop::collection::vec(message(), 1..3),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 0..6),
    ) {
        let mut bytes = messages.concat();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len().min(400));
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        let mut head = Head::default();
        let mut rest = bytes.as_slice();
        while let Found::Message { body, end } = head.find(rest, &Limits::default()) {
            prop_assert!(end > 0 && end <= rest.len());
            prop_assert!(body.start <= body.end && body.end <= end);
            rest = &rest[end..];
        }
    }
}

#[test]
fn trace_is_read_if_it_is_said_once_and_well() {
    let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let check = |headers: &str, expected: Option<&str>| {
        let mut found = Head::default();
        let bytes = head(&format!("{headers}\r\n"));
        assert!(
            matches!(found.find(bytes.as_bytes(), &Limits::default()), Found::Message { .. }),
            "{headers}"
        );
        assert_eq!(found.trace.map(|trace| trace.to_string()).as_deref(), expected, "{headers}");
    };
    check("", None);
    check(&format!("traceparent: {text}\r\n"), Some(text));
    check(&format!("TraceParent:{text}\r\n"), Some(text));
    check("traceparent: garbage\r\n", None);
    check("traceparent:\r\n", None);
    check(&format!("traceparent: {text}\r\ntraceparent: {text}\r\n"), None);
    // The head of the next message may say something else.
    let mut found = Head::default();
    let messages = [head(&format!("traceparent: {text}\r\n\r\n")), head("\r\n")];
    let traces = messages.map(|message| {
        found.find(message.as_bytes(), &Limits::default());
        found.trace.is_some()
    });
    assert_eq!(traces, [true, false]);
}
