//! The registrar's process: what it waits for, and what waits for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use libprocess::http::{Request, Response};
use libprocess::metrics::Started;
use libprocess::{Clock, Context, Future, Process, Promise};
use mesos_api::internal;
use mesos_api::v1::MasterInfo;
use mesos_registry::{Operation, OperationError, Registry};
use stout::duration;
use tracing::{error, info};

use crate::metrics::Metrics;
use crate::{Options, Storage, Stored};

type Outcome = Result<bool, OperationError>;

pub(crate) struct RegistrarProcess {
    storage: Arc<dyn Storage>,
    options: Options,
    phase: Phase,
    /// Operations for the next write.
    queued: Vec<(Operation, Promise<Outcome>)>,
    /// Who waits for the registry to be recovered.
    recovering: Vec<Promise<internal::Registry>>,
    /// What is stored, as far as is known.
    stored: Bytes,
    metrics: Metrics,
}

/// What the process is at.
enum Phase {
    /// Nobody asked to recover.
    New,
    /// The registry is being read.
    Fetching,
    /// The registry is being written: it holds the changes of these operations, which are
    /// answered once they are safe. (The first write is the master's own and answers none.)
    Storing(Registry, Vec<(Promise<Outcome>, Outcome)>),
    /// Nothing is under way.
    Idle(Registry),
    /// The storage failed; nothing is tried any more.
    Failed(String),
}

impl Process for RegistrarProcess {
    const ID_PREFIX: &'static str = "registrar";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        self.metrics = Metrics::register(cx.node());
        cx.route("registry", "The registry as it is stored, as JSON.", |process, _cx, request| {
            process.show(&request)
        });
    }
}

impl RegistrarProcess {
    pub(crate) fn new(storage: Arc<dyn Storage>, options: Options) -> RegistrarProcess {
        RegistrarProcess {
            storage,
            options,
            phase: Phase::New,
            queued: Vec::new(),
            recovering: Vec::new(),
            stored: Bytes::new(),
            metrics: Metrics::default(),
        }
    }

    pub(crate) fn recover(&mut self, cx: &mut Context<Self>, info: MasterInfo) -> Future<internal::Registry> {
        match &self.phase {
            Phase::Failed(reason) => return Future::failed(reason.clone()),
            Phase::Idle(registry) => return Future::ready(registry.to_upgraded_proto()),
            Phase::New => self.fetch(cx, info),
            Phase::Fetching | Phase::Storing(..) => {}
        }
        let promise = Promise::new();
        let future = promise.future();
        self.recovering.push(promise);
        future
    }

    pub(crate) fn apply(&mut self, cx: &mut Context<Self>, operation: Operation) -> Future<Outcome> {
        match &self.phase {
            Phase::New => {
                return Future::failed("the registry is not recovered: no operation can be applied");
            }
            Phase::Failed(reason) => return Future::failed(reason.clone()),
            Phase::Fetching | Phase::Storing(..) | Phase::Idle(_) => {}
        }
        let promise = Promise::new();
        let future = promise.future();
        self.queued.push((operation, promise));
        self.metrics.queued(self.queued.len());
        self.write_queued(cx);
        future
    }

    fn fetch(&mut self, cx: &mut Context<Self>, info: MasterInfo) {
        self.phase = Phase::Fetching;
        let started = self.metrics.fetching();
        let fetched = within(cx.node().clock().clone(), self.options.fetch_timeout, self.storage.fetch());
        cx.run(fetched, move |process, cx, fetched| process.fetched(cx, info, started, fetched));
    }

    fn fetched(
        &mut self,
        cx: &mut Context<Self>,
        info: MasterInfo,
        started: Option<Started>,
        fetched: Result<Bytes, String>,
    ) {
        let contents = fetched.and_then(|bytes| Ok((Registry::decode(&bytes)?, bytes)));
        let (mut registry, bytes) = match contents {
            Ok(contents) => contents,
            Err(reason) => return self.fail(format!("failed to read the registry: {reason}")),
        };
        let took = started.map(Started::stop);
        info!(bytes = bytes.len(), agents = registry.agent_count(), ?took, "read the registry");
        self.stored = bytes;
        // A new leader always fits.
        let _ = registry.apply(Operation::SetMaster(Box::new(info)));
        self.store(cx, registry, Vec::new());
    }

    /// Applies what is queued, if nothing is under way, and writes what that changed.
    fn write_queued(&mut self, cx: &mut Context<Self>) {
        let Phase::Idle(registry) = &mut self.phase else { return };
        let mut changed = false;
        let mut answers = Vec::with_capacity(self.queued.len());
        for (operation, promise) in self.queued.drain(..) {
            let outcome = registry.apply(operation);
            changed |= outcome == Ok(true);
            answers.push((promise, outcome));
        }
        self.metrics.queued(0);
        if changed {
            let registry = std::mem::take(registry);
            self.store(cx, registry, answers);
        } else {
            answer(answers);
        }
    }

    fn store(
        &mut self,
        cx: &mut Context<Self>,
        registry: Registry,
        answers: Vec<(Promise<Outcome>, Outcome)>,
    ) {
        let started = self.metrics.storing();
        let contents = Bytes::from(registry.encode());
        let operations = answers.len();
        self.phase = Phase::Storing(registry, answers);
        let stored = self.storage.store(contents.clone());
        let stored = within(cx.node().clock().clone(), self.options.store_timeout, stored);
        cx.run(stored, move |process, cx, stored| match stored {
            Ok(Stored::Written) => {
                let took = started.map(Started::stop);
                info!(operations, bytes = contents.len(), ?took, "wrote the registry");
                process.written(cx, contents);
            }
            Ok(Stored::Outdated) => {
                process.fail("failed to write the registry: another master wrote it since".to_owned());
            }
            Err(reason) => process.fail(format!("failed to write the registry: {reason}")),
        });
    }

    fn written(&mut self, cx: &mut Context<Self>, contents: Bytes) {
        let Phase::Storing(registry, answers) = std::mem::replace(&mut self.phase, Phase::New) else {
            unreachable!("a write ended that was not under way")
        };
        self.metrics.size(cx.node(), contents.len());
        self.stored = contents;
        for promise in self.recovering.drain(..) {
            promise.set(registry.to_upgraded_proto());
        }
        self.phase = Phase::Idle(registry);
        answer(answers);
        self.write_queued(cx);
    }

    /// Fails all that waits and all that comes: whoever cannot write does not lead.
    fn fail(&mut self, reason: String) {
        error!(%reason, "the registrar gives up");
        if let Phase::Storing(_, answers) = std::mem::replace(&mut self.phase, Phase::Failed(reason.clone()))
        {
            answers.into_iter().for_each(|(promise, _)| promise.fail(reason.clone()));
        }
        self.queued.drain(..).for_each(|(_, promise)| promise.fail(reason.clone()));
        self.recovering.drain(..).for_each(|promise| promise.fail(reason.clone()));
        self.metrics.queued(0);
    }

    fn show(&self, request: &Request) -> Response {
        match Registry::decode(&self.stored) {
            Ok(registry) => {
                let json = mesos_api::json::v0::to_vec(&registry.to_proto());
                Response::jsonp(json, request.query.get("jsonp"))
            }
            Err(reason) => Response::internal_server_error(reason),
        }
    }
}

fn answer(answers: Vec<(Promise<Outcome>, Outcome)>) {
    answers.into_iter().for_each(|(promise, outcome)| promise.set(outcome));
}

/// The future's value, or why there is none; it is discarded when it takes too long.
async fn within<T>(clock: Clock, timeout: Duration, mut future: Future<T>) -> Result<T, String> {
    match clock.timeout(timeout, &mut future).await {
        Some(outcome) => outcome.map_err(|error| error.to_string()),
        None => {
            future.discard();
            Err(format!("no answer within {}", duration::format(timeout)))
        }
    }
}
