//! What a request passes before its handler sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tracing::warn;

use crate::Clock;
use crate::http::{Authenticator, Request, Response};

/// How long an authenticator may take, and then who decides over the endpoint. Others wait behind it.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Decides whether a request may be answered.
pub(crate) type Authorization =
    Arc<dyn Fn(&Request) -> BoxFuture<'static, Result<(), Response>> + Send + Sync>;

/// Who has to be asked about a request.
#[derive(Clone, Default)]
pub(crate) struct Guard {
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) authorization: Option<Authorization>,
}

impl Guard {
    /// Whether everybody may pass.
    pub(super) fn is_none(&self) -> bool {
        self.authenticator.is_none() && self.authorization.is_none()
    }

    /// Finds out who sends a request, and whether that one may.
    ///
    /// # Errors
    ///
    /// The answer to who may not.
    pub(super) async fn check(&self, clock: &Clock, request: &mut Request) -> Result<(), Response> {
        if let Some(authenticator) = &self.authenticator {
            let asked = authenticator.authenticate(request);
            let found = clock.timeout(WAIT_MAX, asked).await.ok_or_else(|| late(request))?;
            let found = found.map_err(|failure| Response::internal_server_error(failure.to_string()))?;
            request.principal = Some(found.into_principal()?);
        }
        if let Some(authorization) = &self.authorization {
            clock.timeout(WAIT_MAX, authorization(request)).await.unwrap_or_else(|| Err(late(request)))?;
        }
        Ok(())
    }
}

fn late(request: &Request) -> Response {
    warn!(path = request.path, "giving up to find out whether a request may be answered");
    Response::service_unavailable("it cannot be found out now whether the request may be answered")
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.authenticator.as_ref().map(|authenticator| authenticator.scheme());
        f.debug_struct("Guard").field("scheme", &scheme).finish_non_exhaustive()
    }
}
