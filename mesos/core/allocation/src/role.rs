//! A role, and each framework's part of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesos_resources::{Quantities, Resources};

use crate::Quota;
use crate::filter::RefusalCount;
use crate::ranking::{Cursor, Ranking, Standing};
use crate::table::{AgentKey, FrameworkKey, NodeKey};
use crate::tally::{Charge, Tally};

/// A role that has a framework, subscribed or with something allocated.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: Arc<str>,
    pub(crate) leaf: NodeKey,
    pub(crate) quota: Option<Arc<Quota>>,
    members: BTreeMap<FrameworkKey, Box<Member>>,
    /// How many members are active.
    active: usize,
    /// The active members.
    ranking: Ranking<FrameworkKey>,
    /// The members that changed since they were given their place.
    touched: Vec<FrameworkKey>,
    /// What is allocated and not revocable: what counts for quota.
    firm: Tally,
    /// What is allocated and reserved.
    reserved: Tally,
    pub(crate) refusals: RefusalCount,
    /// What the ranking of the roles that lack something was told last.
    pub(crate) lacking: Option<Standing>,
}

/// A framework in a role.
#[derive(Debug)]
pub(crate) struct Member {
    /// Whether it is to be offered anything in this role.
    pub(crate) active: bool,
    /// Tells its place by identity among all frameworks.
    place: u64,
    tally: Tally,
    allocations: u64,
    /// What it has where.
    held: BTreeMap<AgentKey, Resources>,
    standing: Option<Standing>,
    touched: bool,
}

impl Member {
    /// What it has where.
    pub(crate) fn held(&self) -> &BTreeMap<AgentKey, Resources> {
        &self.held
    }

    /// What it has in all, shared resources once.
    pub(crate) fn amounts(&self) -> &Quantities {
        self.tally.amounts()
    }
}

impl Role {
    pub(crate) fn new(name: Arc<str>, quota: Option<Arc<Quota>>) -> Self {
        Self {
            name,
            leaf: NodeKey::default(),
            quota,
            members: BTreeMap::new(),
            active: 0,
            ranking: Ranking::new(),
            touched: Vec::new(),
            firm: Tally::default(),
            reserved: Tally::default(),
            refusals: RefusalCount::default(),
            lacking: None,
        }
    }

    /// What is allocated and counts for quota.
    pub(crate) fn firm(&self) -> &Quantities {
        self.firm.amounts()
    }

    /// What is allocated and reserved.
    pub(crate) fn reserved(&self) -> &Quantities {
        self.reserved.amounts()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (FrameworkKey, &Member)> {
        self.members.iter().map(|(key, member)| (*key, &**member))
    }

    pub(crate) fn member(&self, framework: FrameworkKey) -> Option<&Member> {
        self.members.get(&framework).map(Box::as_ref)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether any framework is to be offered something.
    pub(crate) fn is_active(&self) -> bool {
        self.active > 0
    }

    /// Whether it gets what it is guaranteed and nothing else: a quota without limits is both.
    pub(crate) fn is_guaranteed_only(&self) -> bool {
        self.quota.as_ref().is_some_and(|quota| quota.limits.is_none())
    }

    /// Adds a framework, inactive, unless it is there already.
    pub(super) fn join(&mut self, framework: FrameworkKey, place: u64) {
        let member = Member {
            active: false,
            place,
            tally: Tally::default(),
            allocations: 0,
            held: BTreeMap::new(),
            standing: None,
            touched: false,
        };
        self.members.entry(framework).or_insert_with(|| Box::new(member));
    }

    pub(super) fn leave(&mut self, framework: FrameworkKey) {
        self.set_active(framework, false);
        if let Some(member) = self.members.remove(&framework) {
            self.ranking.replace(framework, member.standing, None);
        }
    }

    pub(super) fn set_active(&mut self, framework: FrameworkKey, active: bool) {
        let Some(member) = self.members.get_mut(&framework) else { return };
        if member.active != active {
            member.active = active;
            self.active = if active { self.active + 1 } else { self.active.saturating_sub(1) };
            self.touch(framework);
        }
    }

    pub(super) fn set_place(&mut self, framework: FrameworkKey, place: u64) {
        if let Some(member) = self.members.get_mut(&framework) {
            member.place = place;
            self.touch(framework);
        }
    }

    fn touch(&mut self, framework: FrameworkKey) {
        if let Some(member) = self.members.get_mut(&framework).filter(|member| !member.touched) {
            member.touched = true;
            self.touched.push(framework);
        }
    }

    /// Starts a walk over the active frameworks, with shares being parts of this total.
    pub(super) fn open(&mut self, total: &Quantities) -> Cursor<FrameworkKey> {
        if let (1, Some((only, member))) = (self.members.len(), self.members.first_key_value()) {
            return Cursor::over(member.active.then_some(*only));
        }
        self.settle();
        self.ranking.open(total)
    }

    /// Gives the members that changed their new places.
    fn settle(&mut self) {
        for key in self.touched.drain(..) {
            let Some(member) = self.members.get_mut(&key) else { continue };
            member.touched = false;
            let amounts = member.tally.amounts();
            let new = member.active.then(|| Standing::new(amounts, 1.0, member.allocations, member.place));
            let old = std::mem::replace(&mut member.standing, new.clone());
            self.ranking.replace(key, old, new);
        }
    }

    /// The framework that comes next in a walk.
    pub(crate) fn next(&self, cursor: &mut Cursor<FrameworkKey>) -> Option<FrameworkKey> {
        self.ranking.next(cursor)
    }

    /// Ends a walk.
    pub(super) fn close(&mut self, cursor: &Cursor<FrameworkKey>) {
        self.ranking.close(cursor);
    }

    /// Counts resources for a framework and returns by how much what is reserved grew.
    pub(super) fn charge(
        &mut self,
        framework: FrameworkKey,
        agent: AgentKey,
        resources: &Resources,
        charge: &Charge,
    ) -> Option<Quantities> {
        let member = self.members.get_mut(&framework)?;
        *member.held.entry(agent).or_default() += resources;
        member.tally.add(agent, &charge.all);
        member.allocations += 1;
        self.firm.add(agent, charge.firm());
        let grown = charge.reserved.as_ref().map(|reserved| self.reserved.add(agent, reserved));
        self.touch(framework);
        grown
    }

    /// Takes away from what a framework holds, as far as it is there, and returns what it was.
    pub(super) fn take(
        &mut self,
        framework: FrameworkKey,
        agent: AgentKey,
        resources: &Resources,
    ) -> Option<Resources> {
        let member = self.members.get_mut(&framework)?;
        let held = member.held.get_mut(&agent)?;
        let rest = &*held - resources;
        if rest.is_empty() {
            return member.held.remove(&agent);
        }
        let taken = &*held - &rest;
        *held = rest;
        Some(taken)
    }

    /// No longer counts what was taken, and returns by how much what is reserved shrank.
    pub(super) fn release(
        &mut self,
        framework: FrameworkKey,
        agent: AgentKey,
        charge: &Charge,
    ) -> Option<Quantities> {
        self.members.get_mut(&framework)?.tally.remove(agent, &charge.all);
        self.firm.remove(agent, charge.firm());
        let shrunk = charge.reserved.as_ref().map(|reserved| self.reserved.remove(agent, reserved));
        self.touch(framework);
        shrunk
    }
}
