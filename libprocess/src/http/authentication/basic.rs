//! Names and secrets in the `Authorization` header.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::{BoxFuture, FutureExt, ready};
use openssl::sha::sha256;

use super::{Authentication, Authenticator};
use crate::Failure;
use crate::http::{Principal, Request};

/// What the secret of an unknown name is compared with, so that the answer takes as long.
const NO_DIGEST: [u8; 32] = [0; 32];

/// The `Basic` scheme of RFC 7617 over a table of names and secrets.
///
/// A wrong secret takes as long to refuse as a wrong name, whatever the table holds.
///
/// ```
/// use libprocess::http::{Authentication, Authenticator, BasicAuthenticator, Request};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let basic = BasicAuthenticator::new("printers", [("ann", "hunter2")]);
/// let refused = basic.authenticate(&Request::get("/printer/jobs")).await;
/// assert_eq!(refused, Ok(Authentication::unauthorized("Basic realm=\"printers\"")));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct BasicAuthenticator {
    challenge: String,
    /// The secrets are kept as digests: all have one length, and can be compared in one time.
    digests: HashMap<String, [u8; 32]>,
}

impl BasicAuthenticator {
    /// Lets in whoever shows one of the pairs of a name and a secret. `realm` is what people are told
    /// they need credentials for.
    pub fn new<N: Into<String>, S: AsRef<[u8]>>(
        realm: &str,
        credentials: impl IntoIterator<Item = (N, S)>,
    ) -> Self {
        let digest = |(name, secret): (N, S)| (name.into(), sha256(secret.as_ref()));
        let realm = realm.replace('\\', "\\\\").replace('"', "\\\"");
        let digests = credentials.into_iter().map(digest).collect();
        Self { challenge: format!("Basic realm=\"{realm}\""), digests }
    }

    fn check(&self, request: &Request) -> Option<Principal> {
        let (name, secret) = credentials(request.header("authorization")?)?;
        let known = self.digests.get(&name);
        let same = openssl::memcmp::eq(known.unwrap_or(&NO_DIGEST), &sha256(&secret));
        (known.is_some() && same).then(|| Principal::new(name))
    }
}

impl Authenticator for BasicAuthenticator {
    fn scheme(&self) -> String {
        "Basic".to_owned()
    }

    fn authenticate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Authentication, Failure>> {
        let result = match self.check(request) {
            Some(principal) => Authentication::Authenticated(principal),
            None => Authentication::unauthorized(&self.challenge),
        };
        ready(Ok(result)).boxed()
    }
}

/// Tells no secrets.
impl fmt::Debug for BasicAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuthenticator").field("challenge", &self.challenge).finish_non_exhaustive()
    }
}

/// The name and the secret in the value of an `Authorization` header. The secret may hold colons, as
/// the name may not.
fn credentials(value: &str) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim_start()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8(decoded.get(..colon)?.to_vec()).ok()?;
    Some((name, decoded.get(colon + 1..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(authorization: Option<&str>, expected: Option<&str>) {
        let basic = BasicAuthenticator::new("r", [("ann", "hunter2"), ("bob", "a:b"), ("none", "")]);
        let mut request = Request::get("/x");
        if let Some(value) = authorization {
            request.headers.insert("authorization", value.parse().unwrap());
        }
        let found = basic.authenticate(&request).now_or_never().unwrap().unwrap();
        let expected = match expected {
            Some(name) => Authentication::Authenticated(Principal::new(name)),
            None => Authentication::unauthorized("Basic realm=\"r\""),
        };
        assert_eq!(found, expected, "{authorization:?}");
    }

    #[test]
    fn right_pairs_get_in_and_nothing_else() {
        let encode = |pair: &str| STANDARD.encode(pair);
        check(Some(&format!("Basic {}", encode("ann:hunter2"))), Some("ann"));
        check(Some(&format!("basic  {}", encode("bob:a:b"))), Some("bob"));
        check(Some(&format!("Basic {}", encode("none:"))), Some("none"));
        for pair in ["ann:hunter", "ann:hunter22", "ann:", "ann", "bob:a", "eve:hunter2", ":", ""] {
            check(Some(&format!("Basic {}", encode(pair))), None);
        }
        for value in ["Basic", "Basic ", "Basic ?", "Basic YW5u", "Bearer YW5uOmh1bnRlcjI=", ""] {
            check(Some(value), None);
        }
        check(None, None);
    }

    #[test]
    fn realm_is_quoted() {
        let basic = BasicAuthenticator::new("a\"b", [("x", "y")]);
        assert_eq!(basic.challenge, "Basic realm=\"a\\\"b\"");
        assert!(!format!("{basic:?}").contains('y'));
    }
}
