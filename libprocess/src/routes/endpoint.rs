//! One route of a process, and what a request passes on its way to the handler.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use super::{Guard, Handler, Turn, Turns};
use crate::Clock;
use crate::http::{Body, Intake, Params, Reply, Request, Response, Route};

/// What answers a request, and who is asked first.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) guard: Guard,
}

/// A handler and all that is between it and the server.
pub(crate) struct Endpoint {
    pub(crate) route: Route,
    handler: Handler,
    /// Whether the handler runs inside the process, one request after the other.
    in_process: bool,
    turns: Arc<Turns>,
    free: Option<Arc<Semaphore>>,
}

impl Endpoint {
    pub(super) fn new(route: Route, handler: Handler, in_process: bool, turns: Arc<Turns>) -> Self {
        let bound = |requests: usize| Arc::new(Semaphore::new(requests.min(Semaphore::MAX_PERMITS)));
        let free = route.concurrent_max.map(bound);
        Self { route, handler, in_process, turns, free }
    }

    /// What of the body of a request the handler wants.
    pub(crate) fn intake(&self) -> Intake {
        Intake {
            bytes_max: self.route.body_bytes_max,
            streams: self.route.streams_body,
            silence_max: self.route.body_silence_max,
        }
    }

    /// The parts of a path that this answers which stand where the route has parameters.
    ///
    /// # Errors
    ///
    /// Says which part cannot be decoded.
    pub(crate) fn parameters(&self, path: &str) -> Result<Params, String> {
        if !self.route.path.contains('{') {
            return Ok(Params::default());
        }
        let parts = self.route.path.split('/').zip(path.trim_start_matches('/').split('/'));
        Params::decode(parts.filter_map(|(name, value)| Some((super::parameter(name)?, value))))
    }

    /// Answers a request: finds out whether that may be, if there is any question, waits for its turn,
    /// and calls the handler.
    pub(crate) fn answer(self: Arc<Self>, guard: Guard, clock: &Clock, request: Box<Request>) -> Reply {
        let direct = guard.is_none() && (!self.in_process || self.turns.is_empty());
        let reply = if direct {
            self.handle(request)
        } else {
            let turn = self.turns.join();
            Reply::Later(Arc::clone(&self).in_turn(guard, turn, clock.clone(), request).boxed())
        };
        match (reply, self.route.answer_wait_max) {
            (Reply::Later(response), Some(wait)) => self.within(wait, clock.clone(), response),
            (reply, _) => reply,
        }
    }

    async fn in_turn(
        self: Arc<Self>,
        guard: Guard,
        turn: Turn,
        clock: Clock,
        mut request: Box<Request>,
    ) -> Response {
        if let Err(refused) = guard.check(&clock, &mut request).await {
            return refused;
        }
        turn.come().await;
        let reply = self.handle(request);
        drop(turn);
        reply.response().await
    }

    fn handle(&self, request: Box<Request>) -> Reply {
        let Some(free) = &self.free else { return (self.handler)(request) };
        let Ok(permit) = Arc::clone(free).try_acquire_owned() else {
            let count = self.route.concurrent_max.unwrap_or_default();
            let text = format!("'{}' answers {count} requests already, which is its bound", request.path);
            return Response::service_unavailable(text).into();
        };
        match (self.handler)(request) {
            Reply::Now(response) => keep(response, permit).into(),
            Reply::Later(response) => Reply::later(async move { keep(response.await, permit) }),
        }
    }

    fn within(&self, wait: Duration, clock: Clock, response: BoxFuture<'static, Response>) -> Reply {
        let path = self.route.path.clone();
        Reply::later(async move {
            clock.timeout(wait, response).await.unwrap_or_else(|| {
                warn!(path, ?wait, "giving up an answer that takes too long");
                Response::gateway_timeout(format!("the answer took longer than {wait:?}"))
            })
        })
    }
}

/// A stream is under way until its end.
fn keep(mut response: Response, permit: OwnedSemaphorePermit) -> Response {
    if let Body::Stream(reader) = &mut response.body {
        reader.keep(permit);
    }
    response
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.route.path).finish()
    }
}
