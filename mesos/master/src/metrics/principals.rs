//! What drivers send, by the principal of their framework.

use std::collections::HashMap;
use std::sync::Arc;

use libprocess::Upid;
use libprocess::metrics::{Counter, Metrics as Registry};

/// The counters under `frameworks/<principal>/`. They are there for as long as a framework has the
/// principal.
#[derive(Debug, Default)]
pub(crate) struct Principals {
    by_principal: HashMap<String, Arc<Messages>>,
    by_pid: HashMap<Upid, Arc<Messages>>,
}

#[derive(Debug)]
struct Messages {
    received: Option<Counter>,
    processed: Option<Counter>,
}

impl Principals {
    /// A framework subscribed: a driver, or over HTTP.
    pub(crate) fn subscribed(&mut self, registry: &Registry, principal: &str, driver: Option<&Upid>) {
        let messages = self.by_principal.entry(principal.to_owned()).or_insert_with(|| {
            let counter = |what| super::counter(registry, &format!("frameworks/{principal}/messages_{what}"));
            Arc::new(Messages { received: counter("received"), processed: counter("processed") })
        });
        if let Some(pid) = driver {
            self.by_pid.insert(pid.clone(), Arc::clone(messages));
        }
    }

    /// No framework has the principal any more.
    pub(crate) fn forget(&mut self, principal: &str) {
        if let Some(forgotten) = self.by_principal.remove(principal) {
            self.by_pid.retain(|_, messages| !Arc::ptr_eq(messages, &forgotten));
        }
    }

    /// Counts a message that came from a driver that has subscribed before.
    pub(crate) fn received(&self, from: &Upid) -> Option<Received> {
        let messages = self.by_pid.get(from)?;
        if let Some(counter) = &messages.received {
            counter.inc();
        }
        Some(Received(Arc::clone(messages)))
    }
}

/// A message that is being worked off.
#[derive(Debug)]
pub(crate) struct Received(Arc<Messages>);

impl Received {
    /// Counts it as worked off.
    pub(crate) fn processed(self) {
        if let Some(counter) = &self.0.processed {
            counter.inc();
        }
    }
}
