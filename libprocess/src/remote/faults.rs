//! Faults on purpose.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::Upid;

/// What happens to a message instead of its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is lost.
    Drop,
    /// It is sent, or delivered, so much later on the clock of the node; others overtake it.
    Delay(Duration),
    /// It is sent, or delivered, twice.
    Duplicate,
}

/// Which way a message goes, as the node sees it that has the [`Faults`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To another node.
    Sent,
    /// From another node.
    Received,
}

/// A message on its way between two nodes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Passing<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// Who sends it.
    pub from: &'a Upid,
    /// Whom it is for.
    pub to: &'a Upid,
    /// What it is called.
    pub name: &'a str,
    /// The message.
    pub body: &'a [u8],
}

/// Loses, delays and doubles messages between nodes, for tests of what must survive that.
///
/// It is given to [`NodeBuilder::faults`](crate::NodeBuilder::faults), and holds rules that come and go
/// while the node runs. The first rule that fits a message is the one that counts. Messages within a
/// node, links and HTTP are not touched. Clones are the same, and may be given to several nodes.
///
/// ```
/// use libprocess::Node;
/// use libprocess::remote::{Direction, Fault, Faults};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let faults = Faults::new();
/// let node = Node::builder().faults(&faults).start().await?;
/// let lost = faults.times(2, Fault::Drop, |message| {
///     message.direction == Direction::Sent && message.name == "mesos.internal.PingSlaveMessage"
/// });
/// // Here the test goes on, and looks at what became of it.
/// assert_eq!(lost.hits(), 0);
/// lost.end();
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Arc<Inner>>>>,
}

struct Inner {
    fault: Fault,
    fits: Box<dyn Fn(&Passing<'_>) -> bool + Send + Sync>,
    hits: AtomicU64,
    hits_max: u64,
}

/// A rule of [`Faults`]. It stays in force when this is dropped.
#[derive(Debug, Clone)]
pub struct Rule {
    faults: Faults,
    inner: Arc<Inner>,
}

impl Faults {
    /// No faults yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has `fault` befall every message that fits.
    pub fn always(&self, fault: Fault, fits: impl Fn(&Passing<'_>) -> bool + Send + Sync + 'static) -> Rule {
        self.times(u64::MAX, fault, fits)
    }

    /// Has `fault` befall the next `count` messages that fit.
    pub fn times(
        &self,
        count: u64,
        fault: Fault,
        fits: impl Fn(&Passing<'_>) -> bool + Send + Sync + 'static,
    ) -> Rule {
        let inner = Arc::new(Inner { fault, fits: Box::new(fits), hits: AtomicU64::new(0), hits_max: count });
        self.rules.lock().push(Arc::clone(&inner));
        Rule { faults: self.clone(), inner }
    }

    /// Ends all rules.
    pub fn clear(&self) {
        self.rules.lock().clear();
    }

    /// What befalls a message, if anything does.
    pub(super) fn strike(&self, message: &Passing<'_>) -> Option<Fault> {
        // A rule may itself make rules.
        let rules = self.rules.lock().clone();
        let rule = rules.iter().find(|rule| {
            let left = |hits| (hits < rule.hits_max).then_some(hits + 1);
            (rule.fits)(message) && rule.hits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
        })?;
        Some(rule.fault)
    }
}

impl Rule {
    /// How many messages it has struck so far.
    pub fn hits(&self) -> u64 {
        self.inner.hits.load(Ordering::Relaxed)
    }

    /// Ends the rule.
    pub fn end(&self) {
        self.faults.rules.lock().retain(|rule| !Arc::ptr_eq(rule, &self.inner));
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("fault", &self.fault)
            .field("hits", &self.hits)
            .field("hits_max", &self.hits_max)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.lock().iter()).finish()
    }
}
