//! Whether a channel's last try to connect failed.

use tokio::sync::watch;

/// Shared by the connector of a channel, which tells, and its calls, which may want to fail.
#[derive(Debug, Clone)]
pub(crate) struct Readiness {
    failures: watch::Sender<Failures>,
}

#[derive(Debug, Clone, Default)]
struct Failures {
    /// How often connecting failed so far.
    count: u64,
    /// How it failed last, while it does.
    last: Option<String>,
}

impl Readiness {
    pub(crate) fn new() -> Self {
        Self { failures: watch::Sender::new(Failures::default()) }
    }

    pub(crate) fn connected(&self) {
        self.failures.send_if_modified(|failures| failures.last.take().is_some());
    }

    pub(crate) fn failed(&self, reason: String) {
        self.failures.send_modify(|failures| {
            failures.count += 1;
            failures.last = Some(reason);
        });
    }

    /// Waits for a try to connect that fails after now, and says why it did.
    pub(crate) async fn failure(&self) -> String {
        let mut failures = self.failures.subscribe();
        let before = failures.borrow_and_update().count;
        let next = failures.wait_for(|failures| failures.count > before && failures.last.is_some()).await;
        let reason = next.ok().and_then(|failures| failures.last.clone());
        match reason {
            Some(reason) => reason,
            // Not while `self` holds the sender.
            None => std::future::pending().await,
        }
    }
}
