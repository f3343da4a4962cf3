//! Strings: escapes in both directions.

use std::borrow::Cow;

/// What a byte becomes inside a string: itself (0), `\u00xx` (`u`), or a backslash and this letter.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x7f] = b'u';
    escapes[0x08] = b'b';
    escapes[0x0c] = b'f';
    escapes[b'\n' as usize] = b'n';
    escapes[b'\r' as usize] = b'r';
    escapes[b'\t' as usize] = b't';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes[b'/' as usize] = b'/';
    escapes
};

/// Appends a string with its quotes.
pub(super) fn write(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_prefix(rest);
        let (before, special) = rest.split_at(plain);
        out.extend_from_slice(before);
        let Some((&byte, behind)) = special.split_first() else { break };
        write_escape(byte, out);
        rest = behind;
    }
    out.push(b'"');
}

/// How many bytes need no escape.
#[inline]
fn plain_prefix(bytes: &[u8]) -> usize {
    let plain_words = words(bytes).take_while(|word| {
        let special =
            has_byte(*word, b'"') | has_byte(*word, b'\\') | has_byte(*word, b'/') | has_byte(*word, 0x7f);
        special | has_control(*word) == 0
    });
    let start = plain_words.count() * 8;
    let rest = bytes.iter().skip(start);
    start + rest.take_while(|byte| ESCAPES[usize::from(**byte)] == 0).count()
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match ESCAPES[usize::from(byte)] {
        b'u' => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
        }
        letter => out.extend_from_slice(&[b'\\', letter]),
    }
}

/// Finds the end of a string. `rest` begins behind the opening quote.
///
/// Returns the offset of the closing quote, and whether there is an escape before it; `Err` holds
/// the offset of a control character, or the length if the quote is missing.
pub(super) fn end(rest: &[u8]) -> Result<(usize, bool), usize> {
    let plain_words = words(rest)
        .take_while(|word| has_byte(*word, b'"') | has_byte(*word, b'\\') | has_control(*word) == 0);
    let mut index = plain_words.count() * 8;
    let mut escaped = false;
    while let Some(&byte) = rest.get(index) {
        match byte {
            b'"' => return Ok((index, escaped)),
            b'\\' => {
                escaped = true;
                index += 2;
            }
            0..0x20 => return Err(index),
            _ => index += 1,
        }
    }
    Err(rest.len())
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Eight bytes at a time, without those that are left over.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.as_chunks().0.iter().map(|chunk: &[u8; 8]| u64::from_le_bytes(*chunk))
}

/// Not zero if one of the bytes is this one.
fn has_byte(word: u64, byte: u8) -> u64 {
    let zero_if_equal = word ^ (ONES * u64::from(byte));
    zero_if_equal.wrapping_sub(ONES) & !zero_if_equal & HIGH_BITS
}

/// Not zero if one of the bytes is below a space.
fn has_control(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGH_BITS
}

/// The text as an error message repeats it: not without end.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    const CHARACTERS_MAX: usize = 64;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// Resolves the escapes of what stands between two quotes. `None` if one is not valid.
pub(super) fn unescape(quoted: &str) -> Option<String> {
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let letter = escape.chars().next()?;
        rest = escape.get(letter.len_utf8()..)?;
        text.push(match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => character(&mut rest)?,
            _ => return None,
        });
    }
    text.push_str(rest);
    Some(text)
}

/// The character of a `\u` escape, or of two that are a surrogate pair.
fn character(rest: &mut &str) -> Option<char> {
    let first = hex(rest)?;
    if !(0xd800..0xe000).contains(&first) {
        return char::from_u32(first);
    }
    *rest = rest.strip_prefix("\\u")?;
    let second = hex(rest)?;
    let is_pair = first < 0xdc00 && (0xdc00..0xe000).contains(&second);
    let combined = is_pair.then(|| 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
    char::from_u32(combined)
}

fn hex(rest: &mut &str) -> Option<u32> {
    let (digits, behind) = rest.split_at_checked(4)?;
    *rest = behind;
    let all_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all_digits.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        write(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn slash_and_delete_are_escaped_and_other_unicode_is_not() {
        assert_eq!(
            written("a/b\"\\\u{8}\u{c}\n\r\t\u{1}\u{7f}é😀"),
            r#""a\/b\"\\\b\f\n\r\t\u0001\u007fé😀""#
        );
        assert_eq!(written(""), "\"\"");
    }

    /// At each place in a word of eight bytes, and behind the last.
    #[test]
    fn special_characters_are_found_wherever_they_are() {
        for special in (0..0x20).chain(*b"\"\\/\x7f") {
            for before in 0..20 {
                let text = format!("{}{}é0123456789", "a".repeat(before), char::from(special));
                let json = written(&text);
                assert_eq!(unescape(&json[1..json.len() - 1]).as_deref(), Some(text.as_str()));
                assert_eq!(end(&json.as_bytes()[1..]), Ok((json.len() - 2, true)), "{json}");
                let raw = end(text.as_bytes());
                match special {
                    b'"' => assert_eq!(raw, Ok((before, false))),
                    0..0x20 => assert_eq!(raw, Err(before)),
                    _ => assert_eq!(raw, Err(text.len())),
                }
            }
        }
    }

    #[test]
    fn escapes_are_resolved() {
        let text = unescape(r"\u00e9\ud83d\ude00\/\n\u0000x").unwrap();
        assert_eq!(text, "é😀/\n\0x");
    }

    #[test]
    fn bad_escapes_are_refused() {
        for bad in [
            r"\x",
            r"\u12",
            r"\u12g4",
            r"\u+123",
            r"\ud83d",
            r"\ud83dx",
            r"\ud83d\u0041",
            r"\ude00",
            r"\",
            r"\uéé",
        ] {
            assert_eq!(unescape(bad), None, "{bad}");
        }
    }
}
