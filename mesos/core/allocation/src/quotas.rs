//! Quotas, and how far they are met.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mesos_resources::{Name, Quantities, Scalar};

use crate::ledger::Ledger;
use crate::mutation::{Fix, Mutations};
use crate::ranking::{Cursor, Rank, Ranking, Standing};
use crate::role::Role;
use crate::roles::{Roles, without};
use crate::table::RoleKey;

/// What a role is guaranteed and what it is limited to.
///
/// Both are about unreserved resources that cannot be taken back: offers of them never lift what is
/// charged to the role above either. All reservations of the role are charged to it, used or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// How much it is guaranteed.
    pub guarantee: Quantities,
    /// The most that may be charged to it and the roles below it, by name; other names have no limit. Up to
    /// its limits the role has its fair share beside what it is guaranteed.
    ///
    /// `None`, which is not the same as an empty map, makes the quota one of Mesos 1.5: the role is offered
    /// what it is guaranteed and nothing beyond, and no revocable resources; the roles below it are on
    /// their own.
    pub limits: Option<BTreeMap<Name, Scalar>>,
}

impl From<Quantities> for Quota {
    fn from(guarantee: Quantities) -> Self {
        Self { guarantee, limits: None }
    }
}

/// All quotas.
#[derive(Debug)]
pub(crate) struct Quotas {
    rows: BTreeMap<Arc<str>, Row>,
    /// How many have a limit.
    limits: usize,
    /// Those of which something changed since they were settled.
    touched: BTreeSet<Arc<str>>,
    /// Unreserved amounts that must stay free so that all can be met later.
    required: Quantities,
    /// The roles with an active framework that lack something.
    lacking: Ranking<RoleKey>,
    /// Whether some role with an active framework lacks more than before.
    risen: bool,
    /// Whether some limit may leave more room than before.
    loosened: bool,
    /// How many of those that lack something lack each name.
    lacked: BTreeMap<Name, usize>,
    /// How often the tree had given new places when those here were taken.
    relabelled: u64,
}

#[derive(Debug)]
struct Row {
    quota: Arc<Quota>,
    required: Quantities,
    unsatisfied: Quantities,
    /// Whether it is among those that lack something.
    lacking: bool,
}

impl Quotas {
    pub(super) fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
            limits: 0,
            touched: BTreeSet::new(),
            required: Quantities::new(),
            lacking: Ranking::new(),
            risen: false,
            loosened: false,
            lacked: BTreeMap::new(),
            relabelled: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn has_limits(&self) -> bool {
        self.limits > 0
    }

    pub(crate) fn get(&self, role: &str) -> Option<&Arc<Quota>> {
        Some(&self.rows.get(role)?.quota)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Quota)> {
        self.rows.iter().map(|(role, row)| (&**role, &*row.quota))
    }

    /// Unreserved amounts that must stay free so that all can be met later.
    pub(crate) fn required(&self) -> &Quantities {
        &self.required
    }

    /// Whether some role lacks more than when this was asked last.
    pub(crate) fn take_risen(&mut self) -> bool {
        std::mem::take(&mut self.risen)
    }

    /// Notes that limits may leave more room.
    pub(crate) fn loosen(&mut self) {
        self.loosened |= self.has_limits();
    }

    /// Whether limits may leave more room than when this was asked last.
    pub(crate) fn take_loosened(&mut self) -> bool {
        std::mem::take(&mut self.loosened)
    }

    /// Whether a role with an active framework lacks this name.
    pub(crate) fn is_lacked(&self, name: &Name) -> bool {
        self.lacked.contains_key(name)
    }

    fn count_lacked(&mut self, names: &Quantities, more: bool) {
        for (name, _) in names.iter() {
            let count = self.lacked.entry(name.clone()).or_default();
            *count = if more { *count + 1 } else { count.saturating_sub(1) };
            if *count == 0 {
                self.lacked.remove(name);
            }
        }
    }

    /// Notes that something about a role changed; nothing to do if it has no quota.
    pub(crate) fn touch(&mut self, role: &str) {
        if let Some((role, _)) = self.rows.get_key_value(role)
            && !self.touched.contains(role)
        {
            self.touched.insert(role.clone());
        }
    }

    pub(super) fn forget_role(&mut self, key: RoleKey, lacking: Option<Standing>) {
        self.lacking.replace(key, lacking, None);
    }

    fn insert(&mut self, role: &str, quota: Arc<Quota>) {
        self.limits += usize::from(quota.limits.is_some());
        let row = Row { quota, required: Quantities::new(), unsatisfied: Quantities::new(), lacking: false };
        self.rows.insert(Arc::from(role), row);
        self.touch(role);
    }

    fn remove(&mut self, role: &str) {
        self.touched.remove(role);
        if let Some(row) = self.rows.remove(role) {
            self.limits -= usize::from(row.quota.limits.is_some());
            self.require(&row.required, &Quantities::new());
            if row.lacking {
                self.count_lacked(&row.unsatisfied, false);
            }
        }
    }

    fn require(&mut self, old: &Quantities, new: &Quantities) {
        // What does not fit into the largest amount would be lost when it is taken away.
        if self.required.iter().any(|(_, amount)| amount == Scalar::MAX) {
            self.required = self.rows.values().fold(Quantities::new(), |sum, row| sum + &row.required);
        } else {
            self.required -= old;
            self.required += new;
        }
    }
}

impl Roles {
    /// Sets or removes the quota of a role.
    pub(crate) fn set_quota(&mut self, name: &str, quota: Option<Quota>) {
        let quota = quota.map(Arc::new);
        self.quotas.remove(name);
        if let Some(quota) = &quota {
            self.quotas.insert(name, quota.clone());
        }
        let Some(key) = self.table.key(name) else { return };
        if let Some(role) = self.table.get_mut(key) {
            role.quota = quota;
            let lacking = role.lacking.take();
            self.quotas.forget_role(key, lacking);
        }
        self.refresh_open(key);
    }

    /// What is charged to a role: its reservations, used or not, and what else it has that cannot be taken
    /// back.
    pub(crate) fn charged(&self, name: &str, ledger: &Ledger, mutations: Mutations) -> Quantities {
        let role = self.key(name).and_then(|role| self.get(role));
        if mutations.lacks(Fix::ReservationsAreCharged) {
            return role.map_or_else(Quantities::new, |role| role.firm().clone());
        }
        let unreserved = role.map_or_else(Quantities::new, |role| role.firm().clone() - role.reserved());
        unreserved + ledger.reserved_to(name).unwrap_or(&Quantities::new())
    }

    /// Brings everything about quotas in step with what changed.
    pub(crate) fn settle_quotas(&mut self, ledger: &Ledger, mutations: Mutations) {
        if self.quotas.relabelled != self.tree.relabelled() {
            self.quotas.relabelled = self.tree.relabelled();
            self.quotas.touched.extend(self.quotas.rows.keys().cloned());
        }
        while let Some(name) = self.quotas.touched.pop_first() {
            let Some(row) = self.quotas.rows.get(&name) else { continue };
            let guarantee = &row.quota.guarantee;
            let role = self.table.key(&*name).and_then(|role| self.table.get(role));
            let required = required(guarantee, role, ledger.reserved_to(&name), mutations);
            let unsatisfied = guarantee.clone() - &self.charged(&name, ledger, mutations);
            let standing = role
                .filter(|role| role.is_active() && !unsatisfied.is_empty())
                .map(|role| self.standing_for_quota(role));
            if standing.is_some() && !(row.lacking && row.unsatisfied.contains(&unsatisfied)) {
                self.quotas.risen = true;
            }
            let Some(row) = self.quotas.rows.get_mut(&name) else { continue };
            let lacking = standing.is_some();
            let lacked = std::mem::replace(&mut row.lacking, lacking);
            let old = std::mem::replace(&mut row.unsatisfied, unsatisfied.clone());
            let before = std::mem::replace(&mut row.required, required.clone());
            self.quotas.require(&before, &required);
            if lacked {
                self.quotas.count_lacked(&old, false);
            }
            if lacking {
                self.quotas.count_lacked(&unsatisfied, true);
            }
            let Some(key) = self.table.key(&*name) else { continue };
            if let Some(role) = self.table.get_mut(key) {
                let old = std::mem::replace(&mut role.lacking, standing.clone());
                self.quotas.lacking.replace(key, old, standing);
            }
        }
    }

    /// What must stay free for a role.
    pub(crate) fn required_for(&self, name: &str, ledger: &Ledger, mutations: Mutations) -> Quantities {
        let Some(row) = self.quotas.rows.get(name) else { return Quantities::new() };
        let role = self.table.key(name).and_then(|role| self.table.get(role));
        required(&row.quota.guarantee, role, ledger.reserved_to(name), mutations)
    }

    fn standing_for_quota(&self, role: &Role) -> Standing {
        let (weight, place) = (self.tree.weight(&role.name), self.tree.place_of(role.leaf));
        Standing::new(role.firm(), weight, self.tree.allocations(role.leaf), place)
    }

    /// Where a role stands among those with quota.
    pub(crate) fn rank_for_quota(&self, key: RoleKey, total: &Quantities) -> Option<Rank> {
        Some(self.standing_for_quota(self.table.get(key)?).rank(total))
    }

    /// What a role lacks of its guarantee.
    pub(crate) fn unsatisfied(&self, name: &str) -> Option<&Quantities> {
        Some(&self.quotas.rows.get(name)?.unsatisfied)
    }

    /// Starts a walk over the roles with an active framework that lack something, which is to be closed.
    pub(crate) fn open_lacking(&mut self, total: &Quantities) -> Cursor<RoleKey> {
        self.quotas.lacking.open(total)
    }

    pub(crate) fn next_lacking(&self, cursor: &mut Cursor<RoleKey>) -> Option<RoleKey> {
        self.quotas.lacking.next(cursor)
    }

    pub(crate) fn close_lacking(&mut self, cursor: &Cursor<RoleKey>) {
        self.quotas.lacking.close(cursor);
    }

    /// How much more of each limited name a role may get: the least that its own limit and those of the
    /// roles above leave.
    pub(crate) fn room(&self, name: &str, ledger: &Ledger) -> Room {
        let mut room = Room::default();
        if !self.quotas.has_limits() {
            return room;
        }
        for path in std::iter::once(name).chain(mesos_resources::roles::ancestors(name)) {
            let Some(limits) = self.quotas.get(path).and_then(|quota| quota.limits.as_ref()) else {
                continue;
            };
            room.narrow(limits, &self.charged_below(path, ledger));
        }
        room
    }

    /// What is charged to a role and the roles below it.
    pub(crate) fn charged_below(&self, path: &str, ledger: &Ledger) -> Quantities {
        let mut charged = ledger.reserved_below(path);
        if let Some(plain) = self.tree.plain_below(path) {
            charged += plain;
        }
        charged
    }

    /// What shares of roles with quota are parts of.
    pub(crate) fn total_for_quota(&self, ledger: &Ledger, excluded: &Quantities) -> Quantities {
        without(ledger.firm(), excluded)
    }
}

/// What must stay free for a role: what it lacks and has no unused reservations for. Each role by itself:
/// what one has too much of does not help another.
fn required(
    guarantee: &Quantities,
    role: Option<&Role>,
    reserved: Option<&Quantities>,
    mutations: Mutations,
) -> Quantities {
    let mut lacking = guarantee.clone();
    let mut unused = reserved.cloned().unwrap_or_default();
    if let Some(role) = role {
        lacking -= role.firm();
        unused -= role.reserved();
    }
    // How it was before the fix is worked out over all roles, see the run.
    if mutations.lacks(Fix::SurplusServesNobodyElse) { lacking } else { lacking - &unused }
}

/// How much more a role may get, by name; what is not named has no limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room(Vec<(Name, Scalar)>);

impl Room {
    fn narrow(&mut self, limits: &BTreeMap<Name, Scalar>, charged: &Quantities) {
        for (name, most) in limits {
            let left = *most - charged.get(name);
            match self.0.iter_mut().find(|(known, _)| known == name) {
                Some((_, room)) => *room = (*room).min(left),
                None => self.0.push((name.clone(), left)),
            }
        }
    }

    /// How much more of a name; `None` is as much as there is.
    pub(crate) fn of(&self, name: &str) -> Option<Scalar> {
        self.0.iter().find(|(known, _)| known.as_str() == name).map(|(_, room)| *room)
    }

    pub(crate) fn is_unlimited(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes away from the room for a name.
    pub(crate) fn use_up(&mut self, name: &str, amount: Scalar) {
        if let Some((_, room)) = self.0.iter_mut().find(|(known, _)| known.as_str() == name) {
            *room -= amount;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, Scalar)> {
        self.0.iter().map(|(name, room)| (name, *room))
    }
}
