//! The process that starts, ends and restarts its children.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tracing::{info, warn};

use super::plan::{Effect, Key, Plan, State};
use super::spec::{AnyChild, NotStarted};
use super::{Backoff, Child, ChildSpec, Shutdown, Strategy};
use crate::{Context, Exit, Process, Timer};

/// A child that was terminated at once and still runs after this time has a handler that does not come back: its
/// supervisor waits no longer.
pub(super) const STUCK_AFTER: Duration = Duration::from_secs(5);

/// A process that looks after others, its children; the [module](super) says how.
///
/// Unless it says otherwise, it fails when more than three restarts are needed within five seconds, and begins a child
/// anew without a wait.
pub struct Supervisor {
    plan: Plan,
    children: BTreeMap<Key, Entry>,
    /// Until it is initialized.
    to_come: Vec<Box<dyn AnyChild>>,
}

struct Entry {
    child: Box<dyn AnyChild>,
    /// How often a process of it was started, or given up.
    generation: u64,
    deadline: Option<Timer>,
}

/// What a child is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChildState {
    /// It has a process.
    Running,
    /// It has none, and is to be started.
    Waiting,
    /// It was, or is about to be, asked to end.
    Ending,
}

impl Supervisor {
    /// A supervisor without children.
    #[must_use]
    pub fn new(strategy: Strategy) -> Self {
        Self { plan: Plan::new(strategy), children: BTreeMap::new(), to_come: Vec::new() }
    }

    /// How many restarts within a period are too many: those of all children count. Zero has the first failure
    /// be that of the supervisor.
    ///
    /// Where the waits of the [backoff](Supervisor::backoff) are longer than the period, it is never exceeded.
    #[must_use]
    pub fn intensity(mut self, restarts_max: usize, within: Duration) -> Self {
        (self.plan.restarts_max, self.plan.within) = (restarts_max, within);
        self
    }

    /// How long to wait before a child is begun anew.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.plan.backoff = backoff;
        self
    }

    /// Adds a child, which is started after those before it.
    #[must_use]
    pub fn child<P: Process>(mut self, spec: ChildSpec<P>) -> Self {
        self.to_come.push(Box::new(spec));
        self
    }

    /// Adds a child while the supervisor runs, as the last one; it is started now, unless others are about to be
    /// begun anew.
    ///
    /// ```
    /// use libprocess::supervision::{ChildSpec, Restart, Strategy, Supervisor};
    /// use libprocess::{Node, Process};
    ///
    /// struct Job(u32);
    /// impl Process for Job {}
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let node = Node::builder().start().await.unwrap();
    /// let jobs = node.spawn(Supervisor::new(Strategy::OneForOne));
    /// let job = jobs.ask(|jobs, cx| {
    ///     let spec = ChildSpec::new("job", || Job(1)).unnamed().restart(Restart::Temporary);
    ///     jobs.start_child(cx, spec)
    /// });
    /// let pid = job.await?.up().await?;
    /// assert_eq!(pid.ask(|job, _cx| job.0).await?, 1);
    /// # Ok::<(), libprocess::FutureError>(())
    /// # }).unwrap();
    /// ```
    pub fn start_child<P: Process>(&mut self, cx: &mut Context<Self>, spec: ChildSpec<P>) -> Child<P> {
        let handle = spec.handle();
        self.add(cx, Box::new(spec));
        self.run(cx);
        handle
    }

    /// Ends a child for good, as in a shutdown; says whether there is one that is called so.
    pub fn end_child(&mut self, cx: &mut Context<Self>, name: &str) -> bool {
        let found = self.children.iter().find(|(_, entry)| entry.child.name() == name);
        let Some((&key, _)) = found else { return false };
        self.plan.end(key);
        self.run(cx);
        true
    }

    /// The children there are, in the order in which they were added. One that has ended for good is none any more.
    pub fn children(&self) -> Vec<(&str, ChildState)> {
        let children = self.children.iter().filter_map(|(key, entry)| {
            let state = match self.plan.state(*key)? {
                State::Held { .. } => ChildState::Waiting,
                State::Running { .. } => ChildState::Running,
                State::Doomed { .. } | State::Ending { .. } => ChildState::Ending,
            };
            Some((entry.child.name(), state))
        });
        children.collect()
    }

    fn add(&mut self, cx: &Context<Self>, child: Box<dyn AnyChild>) {
        let key = self.plan.add(child.name().to_owned(), child.restart(), cx.now());
        self.children.insert(key, Entry { child, generation: 0, deadline: None });
    }

    /// Does what the plan says until there is nothing to do now.
    fn run(&mut self, cx: &mut Context<Self>) {
        while let Some(effect) = self.plan.next(cx.now()) {
            match effect {
                Effect::Start(key) => {
                    if !self.start(cx, key) {
                        return;
                    }
                }
                Effect::End(key) => self.end(cx, key),
                Effect::Forget(key) => {
                    if let Some(entry) = self.children.remove(&key) {
                        entry.child.close();
                    }
                }
                Effect::Wake(at) => {
                    let wait = at - cx.now();
                    cx.delay(wait, Self::run);
                }
                Effect::Finish(None) => cx.terminate(),
                Effect::Finish(Some(error)) => cx.fail(error),
            }
        }
    }

    /// Starts a child; says whether to go on at once.
    fn start(&mut self, cx: &mut Context<Self>, key: Key) -> bool {
        let Some(entry) = self.children.get_mut(&key) else { return true };
        entry.generation += 1;
        let generation = entry.generation;
        let own = cx.pid().downgrade();
        let hook = move |exit| {
            if let Some(own) = own.upgrade() {
                own.tell(move |supervisor, cx| supervisor.ended(cx, key, generation, &exit));
            }
        };
        match entry.child.start(cx.node(), Box::new(hook)) {
            Ok(()) => true,
            Err(NotStarted::Ended(exit)) => {
                // In another turn, so that one that can never be started does not keep a worker.
                cx.pid().tell(move |supervisor, cx| supervisor.ended(cx, key, generation, &exit));
                false
            }
            Err(NotStarted::ShuttingDown) => {
                cx.terminate();
                false
            }
        }
    }

    fn ended(&mut self, cx: &mut Context<Self>, key: Key, generation: u64, exit: &Exit) {
        let Some(entry) = self.current(key, generation) else { return };
        if let Some(deadline) = entry.deadline.take() {
            deadline.cancel();
        }
        let child = entry.child.name().to_owned();
        self.plan.ended(key, exit, cx.now());
        match self.plan.state(key) {
            Some(_) => warn!(supervisor = %cx.upid(), child, %exit, "a child ended, and is begun anew"),
            None => info!(supervisor = %cx.upid(), child, %exit, "a child ended"),
        }
        self.run(cx);
    }

    /// The child, if what is told of it is about its process of now.
    fn current(&mut self, key: Key, generation: u64) -> Option<&mut Entry> {
        self.children.get_mut(&key).filter(|entry| entry.generation == generation)
    }

    fn end(&mut self, cx: &mut Context<Self>, key: Key) {
        let Some(entry) = self.children.get_mut(&key) else { return };
        let generation = entry.generation;
        match entry.child.shutdown() {
            Shutdown::AtOnce => self.end_at_once(cx, key, generation),
            Shutdown::Patient => entry.child.end(),
            Shutdown::Within(wait) => {
                entry.child.end();
                let late = move |supervisor: &mut Self, cx: &mut Context<Self>| {
                    supervisor.end_at_once(cx, key, generation);
                };
                entry.deadline = Some(cx.delay(wait, late));
            }
        }
    }

    fn end_at_once(&mut self, cx: &mut Context<Self>, key: Key, generation: u64) {
        let Some(entry) = self.current(key, generation) else { return };
        entry.child.end_at_once();
        entry.deadline = Some(cx.delay(STUCK_AFTER, move |supervisor, cx| {
            supervisor.give_up(cx, key, generation);
        }));
    }

    /// Goes on without a child that does not end.
    fn give_up(&mut self, cx: &mut Context<Self>, key: Key, generation: u64) {
        let Some(entry) = self.current(key, generation) else { return };
        let child = entry.child.name().to_owned();
        warn!(supervisor = %cx.upid(), child, "a child that was terminated does not end: going on without it");
        entry.generation += 1;
        entry.deadline = None;
        self.plan.ended(key, &Exit::Normal, cx.now());
        self.run(cx);
    }
}

impl Process for Supervisor {
    const ID_PREFIX: &'static str = "supervisor";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        for child in std::mem::take(&mut self.to_come) {
            self.add(cx, child);
        }
        self.run(cx);
    }

    /// Ends the children, the last one first, and then itself.
    fn shutdown(&mut self, cx: &mut Context<Self>) {
        self.plan.stop();
        self.run(cx);
    }

    /// Ends the children at once, if there still are some.
    fn finalize(&mut self, _cx: &mut Context<Self>) {
        for entry in self.children.values().rev() {
            entry.child.end_at_once();
            entry.child.close();
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("strategy", &self.plan.strategy)
            .field("children", &self.children())
            .finish_non_exhaustive()
    }
}
