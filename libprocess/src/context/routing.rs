//! What a process answers over HTTP.

use std::sync::Arc;

use super::Context;
use crate::http::{Reply, Request, Response, Route};
use crate::routes::ActorHandler;
use crate::{Process, pid, trace};

/// With the feature `http`.
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
impl<P: Process> Context<P> {
    /// Answers HTTP requests at `/<id of the process>/<path>`, and below it where no longer path
    /// is routed, inside the process. `help` says what the path is for.
    pub fn route<R: Into<Reply>>(
        &mut self,
        path: &str,
        help: &'static str,
        handler: impl Fn(&mut P, &mut Context<P>, Request) -> R + Send + Sync + 'static,
    ) {
        self.route_with(Route::new(path).help(help), handler);
    }

    /// Answers HTTP requests like [`Context::route`], but on the task of the connection, without
    /// a turn of the process: for reads from what is shared and immutable.
    pub fn serve<R: Into<Reply>>(
        &mut self,
        path: &str,
        help: &'static str,
        handler: impl Fn(Request) -> R + Send + Sync + 'static,
    ) {
        self.serve_with(Route::new(path).help(help), handler);
    }

    /// Answers HTTP requests like [`Context::route`], to a path of a realm: if the node has an
    /// [`Authenticator`](crate::http::Authenticator) for it, the handler finds who asks in
    /// [`Request::principal`], and sees no request of anybody else.
    ///
    /// ```
    /// use libprocess::http::Response;
    /// use libprocess::{Context, Process};
    ///
    /// struct Printer;
    ///
    /// impl Process for Printer {
    ///     fn initialize(&mut self, cx: &mut Context<Self>) {
    ///         cx.route_in("printers", "whoami", "Who asks.", |_printer, _cx, request| {
    ///             let principal = request.principal.map(|principal| principal.to_string());
    ///             Response::text(principal.unwrap_or_else(|| "anybody".to_owned()))
    ///         });
    ///     }
    /// }
    /// ```
    pub fn route_in<R: Into<Reply>>(
        &mut self,
        realm: &str,
        path: &str,
        help: &'static str,
        handler: impl Fn(&mut P, &mut Context<P>, Request) -> R + Send + Sync + 'static,
    ) {
        self.route_with(Route::new(path).help(help).realm(realm), handler);
    }

    /// Answers HTTP requests inside the process, in the order in which they came.
    pub fn route_with<R: Into<Reply>>(
        &mut self,
        route: Route,
        handler: impl Fn(&mut P, &mut Context<P>, Request) -> R + Send + Sync + 'static,
    ) {
        let pid = self.pid();
        let shared = Arc::downgrade(&pid.shared);
        let handler: ActorHandler<P> =
            Arc::new(move |process, cx, request| handler(process, cx, *request).into());
        let quick = route.quick;
        let queue = move |request: Box<Request>| match shared.upgrade() {
            Some(shared) => pid::request(&shared, Arc::clone(&handler), request, quick),
            None => Response::not_found().into(),
        };
        pid.shared.add_route(route, true, Arc::new(queue));
    }

    /// Answers HTTP requests on the task of the connection, without a turn of the process: for reads
    /// from what is shared and immutable. Only those that have to be authenticated wait for others to
    /// the same process that came before them.
    pub fn serve_with<R: Into<Reply>>(
        &mut self,
        route: Route,
        handler: impl Fn(Request) -> R + Send + Sync + 'static,
    ) {
        let pid = self.pid();
        let shared = Arc::downgrade(&pid.shared);
        let serve = move |request: Box<Request>| {
            if trace::enabled()
                && let Some(shared) = shared.upgrade()
            {
                return trace::http::serve(&shared, request, &|request| handler(request).into());
            }
            handler(*request).into()
        };
        pid.shared.add_route(route, false, Arc::new(serve));
    }
}
