//! Who sends a request: realms and the authenticators that guard them.

#[cfg(feature = "tls")]
mod basic;
mod combined;

#[cfg(feature = "tls")]
pub use basic::BasicAuthenticator;
pub use combined::CombinedAuthenticator;

use futures::future::BoxFuture;

use super::{Principal, Request, Response};
use crate::Failure;

/// Finds out who sends a request.
///
/// A node has one for each realm that [`Node::set_authenticator`](crate::Node::set_authenticator)
/// names, and asks it about every request to a route of that realm before the handler sees it.
/// Where several ways to authenticate are open, [`CombinedAuthenticator`] makes one of them.
///
/// The future may take its time, to ask a directory, say: other requests are not delayed by it, but
/// for those to the same process, which are handled in the order in which they came. One that takes
/// more than 30 seconds is given up, and answered with 503.
///
/// ```
/// use futures::future::{BoxFuture, FutureExt};
/// use libprocess::Failure;
/// use libprocess::http::{Authentication, Authenticator, Principal, Request};
///
/// /// Takes everybody's word for it.
/// struct Trusting;
///
/// impl Authenticator for Trusting {
///     fn scheme(&self) -> String {
///         "Name".to_owned()
///     }
///
///     fn authenticate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Authentication, Failure>> {
///         let name = request.header("authorization").and_then(|value| value.strip_prefix("Name "));
///         let result = match name {
///             Some(name) => Authentication::Authenticated(Principal::new(name)),
///             None => Authentication::unauthorized("Name realm=\"friends\""),
///         };
///         std::future::ready(Ok(result)).boxed()
///     }
/// }
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// The name of the scheme as it stands in the `Authorization` header, such as `Basic`.
    fn scheme(&self) -> String;

    /// Looks at the credentials of a request, which is there with all of its body, unless it is to a
    /// route that streams it.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be found out; the request is answered with 500 and the reason.
    fn authenticate<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Authentication, Failure>>;
}

/// What an [`Authenticator`] found out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// Who sends the request.
    Authenticated(Principal),
    /// There are no credentials, or they are wrong: 401 with what is asked for, each challenge such
    /// as `Basic realm="x"`.
    Unauthorized(Vec<String>),
    /// The credentials are understood and refused: 403 with the reason.
    Forbidden(String),
}

impl Authentication {
    /// No credentials, or wrong ones, where there is one way to show them.
    pub fn unauthorized(challenge: impl Into<String>) -> Self {
        Self::Unauthorized(vec![challenge.into()])
    }

    /// The principal, or the answer that says why there is none.
    pub(crate) fn into_principal(self) -> Result<Principal, Response> {
        match self {
            Self::Authenticated(principal) => Ok(principal),
            Self::Unauthorized(challenges) => Err(Response::unauthorized(challenges)),
            Self::Forbidden(reason) => Err(Response::forbidden(reason)),
        }
    }
}
