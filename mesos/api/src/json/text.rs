//! Strings: escapes in both directions.

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
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(text.len() + 2);
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[written..index]);
        written = index + 1;
        if escape == b'u' {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// Finds the end of a string. `rest` begins behind the opening quote.
///
/// Returns the offset of the closing quote, and whether there is an escape before it; `Err` holds
/// the offset of a control character, or the length if the quote is missing.
pub(super) fn end(rest: &[u8]) -> Result<(usize, bool), usize> {
    let mut escaped = false;
    let mut index = 0;
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
