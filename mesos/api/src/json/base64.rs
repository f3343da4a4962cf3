//! `bytes` fields: standard base64.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

/// Writes padding; reads with or without it, and does not mind bits set behind the last byte.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Appends the quoted base64 form, with `/` escaped as in any string.
pub(super) fn write(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = ENGINE.encode_slice(bytes, &mut out[start..]).expect("base64 takes four bytes for three");
    out.truncate(start + written);
    escape_slashes(out, start);
    out.push(b'"');
}

/// Puts a backslash before each slash from `start` on, moving what is there from the end.
fn escape_slashes(out: &mut Vec<u8>, start: usize) {
    let slashes = out[start..].iter().filter(|byte| **byte == b'/').count();
    let mut from = out.len();
    let mut to = from + slashes;
    out.resize(to, 0);
    while from < to {
        (from, to) = (from - 1, to - 1);
        out[to] = out[from];
        if out[from] == b'/' {
            to -= 1;
            out[to] = b'\\';
        }
    }
}

/// The bytes that a text stands for, or `None` if it is not base64.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_escaped_wherever_they_are() {
        for (bytes, text) in [
            (&[0xff, 0xff, 0xff, 0][..], r#"x"\/\/\/\/AA==""#),
            (&[0, 0xff, 0xc0], r#"x"AP\/A""#),
            (&[], r#"x"""#),
            (&[0], r#"x"AA==""#),
        ] {
            let mut out = vec![b'x'];
            write(bytes, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn padding_may_be_missing_and_nothing_else() {
        for text in ["aGk=", "aGk", "aGl="] {
            assert_eq!(read(text).as_deref(), Some(b"hi".as_slice()), "{text}");
        }
        for text in ["aG k", "aGk\n", "-_8=", "aGk=a", "a", "=", "aGk=="] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
