//! The roles that frameworks are in, with what is allocated to them.

use std::sync::Arc;

use mesos_resources::{Quantities, Resources, Scalar};

use crate::quotas::Quotas;
use crate::ranking::Cursor;
use crate::role::Role;
use crate::table::{AgentKey, FrameworkKey, RoleKey, Table};
use crate::tally::Charge;
use crate::tree::Tree;

/// All roles that have a framework, subscribed or with something allocated.
#[derive(Debug)]
pub(crate) struct Roles {
    pub(crate) tree: Tree,
    pub(crate) quotas: Quotas,
    pub(super) table: Table<Arc<str>, RoleKey, Role>,
    /// All that is allocated.
    allocated: Quantities,
    /// The part of it that is reserved.
    allocated_reserved: Quantities,
    /// How often a role came or went.
    generation: u64,
}

impl Roles {
    pub(crate) fn new() -> Self {
        Self {
            tree: Tree::new(),
            quotas: Quotas::new(),
            table: Table::new(),
            allocated: Quantities::new(),
            allocated_reserved: Quantities::new(),
            generation: 0,
        }
    }

    /// All that is allocated.
    pub(crate) fn allocated(&self) -> &Quantities {
        &self.allocated
    }

    /// All that is allocated and reserved.
    pub(crate) fn allocated_reserved(&self) -> &Quantities {
        &self.allocated_reserved
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn key(&self, name: &str) -> Option<RoleKey> {
        self.table.key(name)
    }

    pub(crate) fn get(&self, role: RoleKey) -> Option<&Role> {
        self.table.get(role)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (RoleKey, &Role)> {
        self.table.iter()
    }

    /// Puts a framework into a role, inactive, unless it is there already.
    pub(crate) fn join(&mut self, name: &str, framework: FrameworkKey, place: u64) -> RoleKey {
        let key = self.table.key(name).unwrap_or_else(|| self.create(name));
        if let Some(role) = self.table.get_mut(key) {
            role.join(framework, place);
        }
        key
    }

    fn create(&mut self, name: &str) -> RoleKey {
        let name: Arc<str> = Arc::from(name);
        self.generation += 1;
        // The leaf needs the key and the role needs the leaf.
        let quota = self.quotas.get(&name).cloned();
        let key = self.table.insert(name.clone(), Role::new(name.clone(), quota));
        let leaf = self.tree.insert(&name, key);
        if let Some(role) = self.table.get_mut(key) {
            role.leaf = leaf;
        }
        self.quotas.touch(&name);
        key
    }

    /// Takes a framework that has nothing allocated out of a role; the role goes with its last one.
    pub(crate) fn leave(&mut self, key: RoleKey, framework: FrameworkKey) {
        let Some(role) = self.table.get_mut(key) else { return };
        role.leave(framework);
        if !role.is_empty() {
            return self.refresh_open(key);
        }
        let (name, leaf, lacking) = (role.name.clone(), role.leaf, role.lacking.take());
        self.generation += 1;
        self.quotas.forget_role(key, lacking);
        self.quotas.touch(&name);
        self.tree.remove(leaf);
        self.table.remove(&*name);
    }

    /// Says whether a framework is to be offered anything in a role.
    pub(crate) fn set_active(&mut self, key: RoleKey, framework: FrameworkKey, active: bool) {
        if let Some(role) = self.table.get_mut(key) {
            role.set_active(framework, active);
            self.refresh_open(key);
        }
    }

    /// Brings in step whether a role takes part in the second stage.
    pub(super) fn refresh_open(&mut self, key: RoleKey) {
        let Some(role) = self.table.get(key) else { return };
        self.tree.set_open(role.leaf, role.is_active() && !role.is_guaranteed_only());
        if role.quota.is_some() {
            self.quotas.touch(&role.name);
        }
    }

    /// Tells a framework's new place by identity.
    pub(crate) fn set_place(&mut self, key: RoleKey, framework: FrameworkKey, place: u64) {
        if let Some(role) = self.table.get_mut(key) {
            role.set_place(framework, place);
        }
    }

    /// Whether a framework has nothing allocated in a role.
    pub(crate) fn is_idle(&self, key: RoleKey, framework: FrameworkKey) -> bool {
        let member = self.table.get(key).and_then(|role| role.member(framework));
        member.is_none_or(|member| member.held().is_empty())
    }

    /// Counts resources as allocated to a framework in a role.
    pub(crate) fn charge(
        &mut self,
        key: RoleKey,
        framework: FrameworkKey,
        agent: AgentKey,
        resources: &Resources,
    ) {
        let Some(role) = self.table.get_mut(key).filter(|role| role.member(framework).is_some()) else {
            return;
        };
        let charge = Charge::of(resources);
        if let Some(grown) = role.charge(framework, agent, resources, &charge) {
            self.allocated_reserved += &grown;
        }
        if role.quota.is_some() {
            self.quotas.touch(&role.name);
        }
        self.allocated += &self.tree.add(role.leaf, agent, &charge);
    }

    /// No longer counts resources as allocated to a framework in a role, as far as they were. Returns
    /// whether the framework has nothing left on the agent in the role.
    pub(crate) fn release(
        &mut self,
        key: RoleKey,
        framework: FrameworkKey,
        agent: AgentKey,
        resources: &Resources,
    ) -> bool {
        let Some(role) = self.table.get_mut(key) else { return true };
        let Some(taken) = role.take(framework, agent, resources) else { return true };
        let charge = Charge::of(&taken);
        if let Some(shrunk) = role.release(framework, agent, &charge) {
            self.allocated_reserved -= &shrunk;
        }
        if role.quota.is_some() {
            self.quotas.touch(&role.name);
        }
        self.quotas.loosen();
        self.allocated -= &self.tree.subtract(role.leaf, agent, &charge);
        role.member(framework).is_none_or(|member| !member.held().contains_key(&agent))
    }

    /// Starts a walk over the active frameworks of a role in fair order, which is to be closed.
    pub(crate) fn open(&mut self, key: RoleKey, excluded: &Quantities) -> Option<Cursor<FrameworkKey>> {
        let role = self.table.get_mut(key)?;
        // Shares of frameworks are parts of what their role has.
        let total = without(self.tree.amounts(role.leaf)?, excluded);
        Some(role.open(&total))
    }

    pub(crate) fn close(&mut self, key: RoleKey, cursor: &Cursor<FrameworkKey>) {
        if let Some(role) = self.table.get_mut(key) {
            role.close(cursor);
        }
    }
}

/// Amounts without those of names in `excluded`.
pub(crate) fn without(amounts: &Quantities, excluded: &Quantities) -> Quantities {
    let mut rest = amounts.clone();
    for (name, _) in excluded.iter() {
        rest.set(name, Scalar::ZERO);
    }
    rest
}
