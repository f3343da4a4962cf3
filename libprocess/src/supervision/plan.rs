//! What a supervisor decides, without processes and clocks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use stout::Time;

use super::{Backoff, Restart, Strategy, TooManyRestarts};
use crate::Exit;

#[cfg(test)]
mod tests;

/// A child, by the order in which they were added.
pub(super) type Key = u64;

/// What a supervisor is to do now.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    Start(Key),
    /// It is to end; that it has is told to the plan.
    End(Key),
    /// It ended for good.
    Forget(Key),
    /// Something may be due then.
    Wake(Time),
    /// All children have ended, and so must the supervisor: because of this, or because it was asked to.
    Finish(Option<TooManyRestarts>),
}

/// The children of a supervisor, and what is to become of them.
///
/// Events go in by methods; what follows from them comes out of [`Plan::next`], one at a time.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) strategy: Strategy,
    pub(super) restarts_max: usize,
    pub(super) within: Duration,
    pub(super) backoff: Backoff,
    course: Course,
    members: BTreeMap<Key, Member>,
    keys: Key,
    /// When children failed, within the period.
    restarts: VecDeque<Time>,
    /// The members that are held, and those that are doomed; how many are ending.
    held: BTreeSet<(Time, Key)>,
    doomed: BTreeSet<Key>,
    ending: usize,
    forgotten: VecDeque<Key>,
    wake: Option<Time>,
}

#[derive(Debug)]
enum Course {
    Runs,
    Stops(Option<TooManyRestarts>),
    Finished,
}

#[derive(Debug)]
struct Member {
    name: String,
    restart: Restart,
    /// How often it has failed without having run for long in between.
    failures: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It does not run, and is to be started when it is time.
    Held {
        until: Time,
    },
    Running {
        since: Time,
    },
    /// It runs, and is to end when it is its turn: to be held until then, or for good.
    Doomed {
        again: Option<Time>,
    },
    /// It was told to end.
    Ending {
        again: Option<Time>,
    },
}

impl Plan {
    pub(super) fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            restarts_max: 3,
            within: Duration::from_secs(5),
            backoff: Backoff::none(),
            course: Course::Runs,
            members: BTreeMap::new(),
            keys: 0,
            restarts: VecDeque::new(),
            held: BTreeSet::new(),
            doomed: BTreeSet::new(),
            ending: 0,
            forgotten: VecDeque::new(),
            wake: None,
        }
    }

    /// Adds a child, which is to be started, as the last one.
    pub(super) fn add(&mut self, name: String, restart: Restart, now: Time) -> Key {
        let key = self.keys;
        self.keys += 1;
        match self.course {
            Course::Runs => {
                let state = State::Held { until: now };
                self.members.insert(key, Member { name, restart, failures: 0, state });
                self.held.insert((now, key));
            }
            Course::Stops(_) | Course::Finished => self.forgotten.push_back(key),
        }
        key
    }

    /// A child is to end, for good.
    pub(super) fn end(&mut self, key: Key) {
        match self.members.get(&key).map(|member| member.state) {
            Some(State::Held { .. }) => self.forget(key),
            Some(State::Running { .. } | State::Doomed { .. }) => {
                self.set(key, State::Doomed { again: None })
            }
            Some(State::Ending { .. }) => self.set(key, State::Ending { again: None }),
            None => {}
        }
    }

    /// All are to end, and the supervisor then.
    pub(super) fn stop(&mut self) {
        if matches!(self.course, Course::Runs) {
            self.stop_because(None);
        }
    }

    fn stop_because(&mut self, failure: Option<TooManyRestarts>) {
        self.course = Course::Stops(failure);
        let keys: Vec<_> = self.members.keys().copied().collect();
        keys.into_iter().for_each(|key| self.end(key));
    }

    /// A child has ended, or could not be started.
    pub(super) fn ended(&mut self, key: Key, exit: &Exit, now: Time) {
        let Some(member) = self.members.get_mut(&key) else { return };
        let since = match member.state {
            State::Running { since } => since,
            State::Doomed { again: Some(until) } | State::Ending { again: Some(until) } => {
                return self.set(key, State::Held { until });
            }
            State::Doomed { again: None } | State::Ending { again: None } => return self.forget(key),
            State::Held { .. } => return,
        };
        let again = match member.restart {
            Restart::Permanent => true,
            Restart::Transient => !exit.is_normal(),
            Restart::Temporary => false,
        };
        if !again {
            return self.forget(key);
        }
        let calm = now - since >= self.backoff.calm();
        member.failures = if calm { 1 } else { member.failures.saturating_add(1) };
        let until = now + self.backoff.wait(member.failures);
        if self.is_one_too_many(now) {
            let child = self.members.get(&key).map(|member| member.name.clone()).unwrap_or_default();
            let (restarts_max, within) = (self.restarts_max, self.within);
            self.forget(key);
            self.stop_because(Some(TooManyRestarts { child, last: exit.clone(), restarts_max, within }));
            return;
        }
        self.set(key, State::Held { until });
        match self.strategy {
            Strategy::OneForOne => {}
            Strategy::OneForAll => self.doom(0, until),
            Strategy::RestForOne => self.doom(key, until),
        }
    }

    /// Counts a restart.
    fn is_one_too_many(&mut self, now: Time) -> bool {
        self.restarts.push_back(now);
        while self.restarts.front().is_some_and(|at| now - *at > self.within) {
            self.restarts.pop_front();
        }
        self.restarts.len() > self.restarts_max
    }

    /// Dooms those that run, from a key on, to be held until then.
    fn doom(&mut self, from: Key, until: Time) {
        let running =
            self.members.range(from..).filter(|(_, member)| matches!(member.state, State::Running { .. }));
        let doomed: Vec<_> = running
            .map(|(key, member)| (*key, (member.restart != Restart::Temporary).then_some(until)))
            .collect();
        doomed.into_iter().for_each(|(key, again)| self.set(key, State::Doomed { again }));
    }

    fn set(&mut self, key: Key, state: State) {
        let Some(member) = self.members.get_mut(&key) else { return };
        let before = std::mem::replace(&mut member.state, state);
        self.strike(key, before);
        match state {
            State::Held { until } => _ = self.held.insert((until, key)),
            State::Doomed { .. } => _ = self.doomed.insert(key),
            State::Ending { .. } => self.ending += 1,
            State::Running { .. } => {}
        }
    }

    fn forget(&mut self, key: Key) {
        if let Some(member) = self.members.remove(&key) {
            self.strike(key, member.state);
            self.forgotten.push_back(key);
        }
    }

    /// Takes a member out of the index of its state.
    fn strike(&mut self, key: Key, state: State) {
        match state {
            State::Held { until } => _ = self.held.remove(&(until, key)),
            State::Doomed { .. } => _ = self.doomed.remove(&key),
            State::Ending { .. } => self.ending -= 1,
            State::Running { .. } => {}
        }
    }

    /// What to do next, if anything is to be done now.
    pub(super) fn next(&mut self, now: Time) -> Option<Effect> {
        if let Some(key) = self.forgotten.pop_front() {
            return Some(Effect::Forget(key));
        }
        // Where children lean on each other they end one after the other, and none starts meanwhile.
        let orderly = self.strategy != Strategy::OneForOne || !matches!(self.course, Course::Runs);
        if orderly && self.ending > 0 {
            return None;
        }
        if let Some(&key) = self.doomed.last() {
            let again = match self.members.get(&key).map(|member| member.state) {
                Some(State::Doomed { again }) => again,
                _ => None,
            };
            self.set(key, State::Ending { again });
            return Some(Effect::End(key));
        }
        match &mut self.course {
            Course::Runs => self.next_start(now),
            Course::Stops(failure) if self.members.is_empty() => {
                let failure = failure.take();
                self.course = Course::Finished;
                Some(Effect::Finish(failure))
            }
            Course::Stops(_) | Course::Finished => None,
        }
    }

    fn next_start(&mut self, now: Time) -> Option<Effect> {
        let next = match self.strategy {
            Strategy::OneForOne => self.held.first(),
            Strategy::OneForAll | Strategy::RestForOne => self.held.iter().min_by_key(|(_, key)| *key),
        };
        let &(until, key) = next?;
        if until <= now {
            self.set(key, State::Running { since: now });
            return Some(Effect::Start(key));
        }
        if self.wake.is_some_and(|wake| wake > now && wake <= until) {
            return None; // It comes soon enough.
        }
        self.wake = Some(until);
        Some(Effect::Wake(until))
    }

    pub(super) fn state(&self, key: Key) -> Option<State> {
        self.members.get(&key).map(|member| member.state)
    }
}
