//! What the first line of a request names: paths, process ids and query parameters.

use percent_encoding::percent_decode_str;

/// Undoes percent-encoding.
///
/// # Errors
///
/// Says what is wrong with the text: an escape that is not two hex digits, or bytes that are not
/// UTF-8.
pub(super) fn decode(text: &str) -> Result<String, String> {
    let mut parts = text.split('%');
    if parts.next() == Some(text) {
        return Ok(text.to_owned());
    }
    for part in parts {
        let digits = part.get(..2).unwrap_or(part);
        if digits.len() < 2 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("Malformed % escape in '{text}': '%{digits}'"));
        }
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| format!("'{text}' is not UTF-8 once decoded"))
}

/// Splits a path in its first part, which names a process, and the rest with its leading slash.
pub(super) fn split(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    match path.find('/') {
        Some(slash) => path.split_at(slash),
        None => (path, ""),
    }
}

/// Whether a part of the path means the directory above.
pub(super) fn climbs(path: &str) -> bool {
    let (mut dots, mut escapes) = (false, false);
    for byte in path.bytes() {
        dots |= byte == b'.';
        escapes |= byte == b'%';
    }
    (dots && path.contains("/..")) || (escapes && decode(path).is_ok_and(|path| path.contains("/..")))
}

/// The parameters of a query string in their order.
///
/// # Errors
///
/// Says which parameter cannot be decoded.
pub(super) fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let parameter = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
    };
    query.split(['&', ';']).filter(|pair| !pair.is_empty()).map(parameter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_escapes_are_named() {
        assert_eq!(decode("slave%281%29").as_deref(), Ok("slave(1)"));
        assert_eq!(decode("%zz").unwrap_err(), "Malformed % escape in '%zz': '%zz'");
        assert_eq!(decode("a%2").unwrap_err(), "Malformed % escape in 'a%2': '%2'");
        assert_eq!(decode("a%").unwrap_err(), "Malformed % escape in 'a%': '%'");
        assert_eq!(decode("%é").unwrap_err(), "Malformed % escape in '%é': '%é'");
        assert!(decode("%ff").is_err());
    }

    #[test]
    fn first_part_of_a_path_is_the_process() {
        assert_eq!(split("/master/api/v1"), ("master", "/api/v1"));
        assert_eq!(split("/master/"), ("master", "/"));
        assert_eq!(split("/master"), ("master", ""));
        assert_eq!(split("/"), ("", ""));
    }

    #[test]
    fn climbing_is_seen_through_encoding() {
        for path in ["/a/../b", "/..", "/a/%2e%2e/b", "/a%2f../b"] {
            assert!(climbs(path), "{path}");
        }
        for path in ["/a/b", "/a..b", "/%zz"] {
            assert!(!climbs(path), "{path}");
        }
    }

    #[test]
    fn query_is_decoded_in_order() {
        let pairs = parameters("a=1&b=x+y%26&&c").unwrap();
        let expected = [("a", "1"), ("b", "x y&"), ("c", "")];
        assert!(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected));
        assert!(parameters("a=%g1").is_err());
    }
}
