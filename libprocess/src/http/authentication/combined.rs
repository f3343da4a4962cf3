//! Several ways to authenticate at once.

use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};

use super::{Authentication, Authenticator};
use crate::Failure;
use crate::http::Request;

/// Asks several authenticators in turn; the first that knows the sender decides.
///
/// When none does, the sender gets the challenges of all (401), or, where none had one, the reasons of
/// those that forbid (403). One that fails is passed over, unless nobody else has an answer.
pub struct CombinedAuthenticator {
    authenticators: Vec<Arc<dyn Authenticator>>,
}

impl CombinedAuthenticator {
    /// Combines authenticators, in the order in which they are to be asked.
    pub fn new(authenticators: impl IntoIterator<Item = Arc<dyn Authenticator>>) -> Self {
        Self { authenticators: authenticators.into_iter().collect() }
    }

    async fn ask(&self, request: &Request) -> Result<Authentication, Failure> {
        let mut challenges = Vec::new();
        let mut unauthorized = false;
        let mut reasons: Vec<String> = Vec::new();
        let mut forbidden = false;
        let mut failures = Vec::new();
        for authenticator in &self.authenticators {
            let quote =
                |text: &str| format!("\"{}\" authenticator returned:\n{text}", authenticator.scheme());
            match authenticator.authenticate(request).await {
                Ok(Authentication::Unauthorized(more)) => {
                    unauthorized = true;
                    challenges.extend(more);
                }
                Ok(Authentication::Forbidden(reason)) => {
                    forbidden = true;
                    reasons.extend((!reason.is_empty()).then(|| quote(&reason)));
                }
                Ok(authenticated) => return Ok(authenticated),
                Err(failure) => failures.push(quote(&failure.to_string())),
            }
        }
        if unauthorized {
            Ok(Authentication::Unauthorized(challenges))
        } else if forbidden {
            Ok(Authentication::Forbidden(reasons.join("\n\n")))
        } else if failures.is_empty() {
            Err("there is no authenticator to ask".into())
        } else {
            Err(failures.join("\n\n").into())
        }
    }
}

impl Authenticator for CombinedAuthenticator {
    /// The schemes of all, with spaces between them.
    fn scheme(&self) -> String {
        let mut schemes: Vec<String> = self.authenticators.iter().map(|one| one.scheme()).collect();
        schemes.sort();
        schemes.dedup();
        schemes.join(" ")
    }

    fn authenticate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Authentication, Failure>> {
        self.ask(request).boxed()
    }
}

impl fmt::Debug for CombinedAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CombinedAuthenticator").field(&self.scheme()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Principal;

    struct Fixed(&'static str, Result<Authentication, Failure>);

    impl Authenticator for Fixed {
        fn scheme(&self) -> String {
            self.0.to_owned()
        }

        fn authenticate<'a>(&'a self, _: &'a Request) -> BoxFuture<'a, Result<Authentication, Failure>> {
            std::future::ready(self.1.clone()).boxed()
        }
    }

    fn check(results: Vec<Result<Authentication, Failure>>, expected: Result<Authentication, Failure>) {
        let fixed = results.into_iter().map(|result| Arc::new(Fixed("S", result)) as Arc<dyn Authenticator>);
        let combined = CombinedAuthenticator::new(fixed);
        let found = combined.authenticate(&Request::get("/x")).now_or_never().unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn first_success_wins_and_refusals_are_told_together() {
        let yes = |name: &str| Ok(Authentication::Authenticated(Principal::new(name)));
        let ask = |challenge: &str| Ok(Authentication::unauthorized(challenge));
        let no = |reason: &str| Ok(Authentication::Forbidden(reason.to_owned()));
        let broken = || Err(Failure::from("down"));
        check(vec![ask("A"), broken(), no("never"), yes("ann"), yes("bob")], yes("ann"));
        let both = Authentication::Unauthorized(vec!["A".to_owned(), "B".to_owned()]);
        check(vec![ask("A"), no("never"), broken(), ask("B")], Ok(both));
        check(vec![no("never"), broken(), no("")], no("\"S\" authenticator returned:\nnever"));
        check(vec![broken()], Err("\"S\" authenticator returned:\ndown".into()));
        check(vec![], Err("there is no authenticator to ask".into()));
    }

    #[test]
    fn scheme_names_each_once() {
        let fixed = ["Bearer", "Basic", "Basic"]
            .map(|scheme| Arc::new(Fixed(scheme, Err("unused".into()))) as Arc<dyn Authenticator>);
        assert_eq!(CombinedAuthenticator::new(fixed).scheme(), "Basic Bearer");
    }
}
