//! What a client says it can read.

use hyper::HeaderMap;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, GetAll, HeaderValue};

/// Whether the `Accept` header allows a media type such as `application/json`.
///
/// Without the header everything is acceptable, with an empty one nothing. Case, spaces and
/// parameters make no difference; `type/*` and `*/*` are understood. The most exact entry that fits
/// decides, so that `application/json;q=0, */*` refuses JSON; weights other than 0 do not rank.
///
/// ```
/// use libprocess::http::{HeaderMap, accepts};
///
/// let mut headers = HeaderMap::new();
/// assert!(accepts(&headers, "application/json"));
/// headers.insert("accept", "application/json;q=0, */*".parse()?);
/// assert!(!accepts(&headers, "application/json"));
/// assert!(accepts(&headers, "application/x-protobuf"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn accepts(headers: &HeaderMap, media: &str) -> bool {
    accepts_in(headers, ACCEPT.as_str(), media)
}

/// The same for another header that has the form of `Accept`, such as `Message-Accept`.
pub fn accepts_in(headers: &HeaderMap, header: &str, media: &str) -> bool {
    let Some((kind, _)) = media.split_once('/') else { return false };
    if !headers.contains_key(header) {
        return true;
    }
    decide(&values(headers.get_all(header)), &[media, &format!("{kind}/*"), "*/*"])
}

/// Whether the `Accept-Encoding` header names an encoding such as `gzip`, or `*`. Without the header
/// no encoding is acceptable.
pub fn accepts_encoding(headers: &HeaderMap, encoding: &str) -> bool {
    decide(&values(headers.get_all(ACCEPT_ENCODING)), &[encoding, "*"])
}

/// The readable ones of the values of a header.
fn values<'a>(values: GetAll<'a, HeaderValue>) -> Vec<&'a str> {
    values.iter().filter_map(|value| value.to_str().ok()).collect()
}

/// The verdict of the first entry that fits the first of the candidates that any entry fits.
fn decide(values: &[&str], candidates: &[&str]) -> bool {
    let entries = || values.iter().flat_map(|text| text.split(',')).map(entry);
    let verdict = |candidate: &&str| {
        entries().find(|(name, _)| name.eq_ignore_ascii_case(candidate)).map(|(_, wanted)| wanted)
    };
    candidates.iter().find_map(verdict).unwrap_or(false)
}

/// The name of an entry, and whether it is wanted: its weight is absent, malformed or above zero.
fn entry(text: &str) -> (&str, bool) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or("");
    let weight = parts.filter_map(|parameter| parameter.split_once('=')).find_map(|(key, value)| {
        key.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f64>().ok()).flatten()
    });
    (name, weight.is_none_or(|weight| weight > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn most_exact_entry_decides() {
        let check = |accept: &str, media: &str, expected: bool| {
            assert_eq!(accepts(&headers("accept", accept), media), expected, "{accept} for {media}");
        };
        check("*/*", "application/json", true);
        check("", "application/json", false);
        check("text/html", "application/json", false);
        check("APPLICATION/json ; charset=utf-8", "application/json", true);
        check("application/*;q=0.1", "application/json", true);
        check("application/json;q=0, */*", "application/json", false);
        check("application/*;q=0.0, */*", "application/json", false);
        check("*/*;q=0, application/json", "application/json", true);
        check("application/json; q=high", "application/json", true);
        check("application/json;Q=0", "application/json", false);
        check("application/x-protobuf", "application", false);
        assert!(accepts(&HeaderMap::new(), "application/json"));
    }

    #[test]
    fn entries_may_be_spread_over_headers() {
        let mut headers = headers("message-accept", "text/html");
        headers.append("message-accept", "application/json".parse().unwrap());
        assert!(accepts_in(&headers, "Message-Accept", "application/json"));
        assert!(!accepts_in(&headers, "Message-Accept", "application/x-protobuf"));
    }

    #[test]
    fn encoding_must_be_asked_for() {
        let check = |accept: &str, expected: bool| {
            assert_eq!(accepts_encoding(&headers("accept-encoding", accept), "gzip"), expected, "{accept}");
        };
        check("gzip, deflate", true);
        check("*", true);
        check("deflate", false);
        check("gzip;q=0, *", false);
        check("", false);
        assert!(!accepts_encoding(&HeaderMap::new(), "gzip"));
    }
}
