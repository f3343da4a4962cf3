//! Who may ask what of a node.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use parking_lot::RwLock;

use super::super::Node;
use super::firewall::canonical;
use crate::http::{Authenticator, Request, Response, Route};
use crate::routes::{Authorization, Endpoint, Guard};

/// The authenticators of a node by their realms, and what decides over single endpoints by their paths.
#[derive(Default)]
pub(super) struct Realms {
    authenticators: RwLock<HashMap<String, Arc<dyn Authenticator>>>,
    authorizations: RwLock<HashMap<String, Authorization>>,
    /// The realm of the node's own pages.
    pub(super) pages: Option<String>,
}

impl Realms {
    pub(super) fn set(&self, realm: String, authenticator: Arc<dyn Authenticator>) {
        let replaced = self.authenticators.write().insert(realm, authenticator);
        drop(replaced); // After the lock.
    }

    /// What a request to an endpoint of a process has to pass.
    pub(super) fn guard(&self, process: &str, endpoint: &Endpoint) -> Guard {
        let realm = endpoint.route.realm.as_deref();
        let authenticator = realm.and_then(|realm| self.authenticators.read().get(realm).cloned());
        let authorizations = self.authorizations.read();
        let authorization = match authorizations.is_empty() {
            true => None,
            false => authorizations.get(&canonical(&format!("/{process}/{}", endpoint.route.path))).cloned(),
        };
        Guard { authenticator, authorization }
    }
}

impl fmt::Debug for Realms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.authenticators.read().keys()).finish()
    }
}

impl Node {
    /// Has an authenticator look at all requests to routes of a realm from now on, in place of the one
    /// that the realm has. Routes of a realm that has none are open to anybody.
    ///
    /// ```
    /// # #[cfg(feature = "tls")] {
    /// use std::sync::Arc;
    ///
    /// use libprocess::Node;
    /// use libprocess::http::BasicAuthenticator;
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let node = Node::builder().start().await?;
    /// let basic = BasicAuthenticator::new("printers", [("ann", "hunter2")]);
    /// node.set_authenticator("printers", Arc::new(basic));
    /// # node.shutdown().await;
    /// # std::io::Result::Ok(()) })?;
    /// # }
    /// # std::io::Result::Ok(())
    /// ```
    pub fn set_authenticator(&self, realm: impl Into<String>, authenticator: Arc<dyn Authenticator>) {
        self.inner.server.realms.set(realm.into(), authenticator);
    }

    /// Opens the routes of a realm to anybody.
    pub fn unset_authenticator(&self, realm: &str) {
        let removed = self.inner.server.realms.authenticators.write().remove(realm);
        drop(removed); // After the lock.
    }

    /// Has `check` decide over all requests to one endpoint from now on, after they were authenticated and
    /// before the handler sees them: meant for the node's own pages, such as `/metrics/snapshot`. What
    /// it gives in place of `Ok` is the answer. If it takes more than 30 seconds, that is 503.
    ///
    /// ```
    /// use libprocess::Node;
    /// use libprocess::http::{Request, Response};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let node = Node::builder().pages_realm("operators").start().await?;
    /// node.authorize("/metrics/snapshot", |request: &Request| {
    ///     let known = request.principal.is_some();
    ///     async move { if known { Ok(()) } else { Err(Response::forbidden("only for operators")) } }
    /// });
    /// # node.shutdown().await;
    /// # std::io::Result::Ok(()) })?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn authorize<F>(&self, path: &str, check: impl Fn(&Request) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<(), Response>> + Send + 'static,
    {
        let check: Authorization = Arc::new(move |request| check(request).boxed());
        let replaced = self.inner.server.realms.authorizations.write().insert(canonical(path), check);
        drop(replaced); // After the lock.
    }

    /// Puts a route beside the node's own pages that tell about what runs there.
    pub(crate) fn in_pages_realm(&self, route: Route) -> Route {
        match &self.inner.server.realms.pages {
            Some(realm) => route.realm(realm),
            None => route,
        }
    }

    pub(super) fn guard(&self, process: &str, endpoint: &Endpoint) -> Guard {
        self.inner.server.realms.guard(process, endpoint)
    }
}
