//! The roles that frameworks are in, and each framework's part of its roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesos_api::v1::FrameworkId;
use mesos_resources::{Quantities, Resource, Resources};

use crate::filter::RefusalCount;
use crate::order::{self, Order};
use crate::table::{AgentKey, FrameworkKey, NodeKey, RoleKey, Table};
use crate::tally::{Portion, Tally};
use crate::tree::Tree;

/// All roles that have a framework, subscribed or with something allocated.
#[derive(Debug)]
pub(crate) struct Roles {
    pub(crate) tree: Tree,
    table: Table<Arc<str>, RoleKey, Role>,
    /// All that is allocated.
    allocated: Quantities,
    /// The part of it that is reserved.
    allocated_reserved: Quantities,
    /// How often a role came or went.
    generation: u64,
}

/// A role.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: Arc<str>,
    pub(crate) leaf: NodeKey,
    /// By the frameworks' identities.
    members: Vec<Member>,
    order: Order,
    /// Whether `order` is out of date.
    stale: bool,
    /// What is allocated and not revocable: what counts for quota.
    firm: Tally,
    /// What is allocated and reserved.
    reserved: Tally,
    pub(crate) refusals: RefusalCount,
}

/// A framework in a role.
#[derive(Debug)]
pub(crate) struct Member {
    id: FrameworkId,
    pub(crate) framework: FrameworkKey,
    /// Whether it is to be offered anything in this role.
    active: bool,
    tally: Tally,
    allocations: u64,
    /// What it has where.
    held: BTreeMap<AgentKey, Resources>,
}

impl Member {
    /// Where it has anything.
    pub(crate) fn holds_on(&self, agent: AgentKey) -> bool {
        self.held.contains_key(&agent)
    }
}

impl Role {
    /// What is allocated and counts for quota.
    pub(crate) fn firm(&self) -> &Quantities {
        self.firm.amounts()
    }

    /// What is allocated and reserved.
    pub(crate) fn reserved(&self) -> &Quantities {
        self.reserved.amounts()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    pub(crate) fn member_at(&self, place: usize) -> Option<&Member> {
        self.members.get(place)
    }

    fn member(&self, id: &FrameworkId) -> Option<&Member> {
        self.members.get(self.find(id).ok()?)
    }

    fn member_mut(&mut self, id: &FrameworkId) -> Option<&mut Member> {
        let place = self.find(id).ok()?;
        self.members.get_mut(place)
    }

    fn find(&self, id: &FrameworkId) -> Result<usize, usize> {
        self.members.binary_search_by(|member| member.id.cmp(id))
    }
}

impl Roles {
    pub(crate) fn new() -> Self {
        Self {
            tree: Tree::new(),
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
    pub(crate) fn join(&mut self, name: &str, framework: FrameworkKey, id: &FrameworkId) -> RoleKey {
        let key = self.table.key(name).unwrap_or_else(|| self.create(name));
        if let Some(role) = self.table.get_mut(key)
            && let Err(place) = role.find(id)
        {
            let member = Member {
                id: id.clone(),
                framework,
                active: false,
                tally: Tally::default(),
                allocations: 0,
                held: BTreeMap::new(),
            };
            role.members.insert(place, member);
            role.stale = true;
        }
        key
    }

    fn create(&mut self, name: &str) -> RoleKey {
        let name: Arc<str> = Arc::from(name);
        self.generation += 1;
        // The leaf needs the key and the role needs the leaf.
        let key = self.table.insert(
            name.clone(),
            Role {
                name: name.clone(),
                leaf: NodeKey::default(),
                members: Vec::new(),
                order: Order::default(),
                stale: true,
                firm: Tally::default(),
                reserved: Tally::default(),
                refusals: RefusalCount::default(),
            },
        );
        let leaf = self.tree.insert(&name, key);
        if let Some(role) = self.table.get_mut(key) {
            role.leaf = leaf;
        }
        key
    }

    /// Takes a framework that has nothing allocated out of a role; the role goes with its last one.
    pub(crate) fn leave(&mut self, key: RoleKey, id: &FrameworkId) {
        let Some(role) = self.table.get_mut(key) else { return };
        if let Ok(place) = role.find(id) {
            role.members.remove(place);
            role.stale = true;
        }
        if role.members.is_empty() {
            let (name, leaf) = (role.name.clone(), role.leaf);
            self.generation += 1;
            self.tree.remove(leaf);
            self.table.remove(&*name);
        }
    }

    /// Says whether a framework is to be offered anything in a role.
    pub(crate) fn set_active(&mut self, key: RoleKey, id: &FrameworkId, active: bool) {
        let Some(role) = self.table.get_mut(key) else { return };
        if let Some(member) = role.member_mut(id)
            && member.active != active
        {
            member.active = active;
            role.stale = true;
        }
    }

    /// Whether a framework has nothing allocated in a role.
    pub(crate) fn is_idle(&self, key: RoleKey, id: &FrameworkId) -> bool {
        self.held(key, id).is_none_or(BTreeMap::is_empty)
    }

    /// What a framework has in a role, by agent.
    pub(crate) fn held(&self, key: RoleKey, id: &FrameworkId) -> Option<&BTreeMap<AgentKey, Resources>> {
        Some(&self.table.get(key)?.member(id)?.held)
    }

    /// Counts resources as allocated to a framework in a role.
    pub(crate) fn charge(&mut self, key: RoleKey, id: &FrameworkId, agent: AgentKey, resources: &Resources) {
        let Some(role) = self.table.get_mut(key) else { return };
        let Some(member) = role.member_mut(id) else { return };
        let all = Portion::of(resources);
        *member.held.entry(agent).or_default() += resources;
        member.tally.add(agent, &all);
        member.allocations += 1;
        role.stale = true;
        role.firm.add(agent, &firm(resources, &all));
        let reserved = Portion::of(resources.iter().filter(|resource| resource.is_reserved()));
        if !reserved.is_empty() {
            self.allocated_reserved += &role.reserved.add(agent, &reserved);
        }
        self.allocated += &self.tree.add(role.leaf, agent, &all);
    }

    /// No longer counts resources as allocated to a framework in a role, as far as they were.
    pub(crate) fn release(&mut self, key: RoleKey, id: &FrameworkId, agent: AgentKey, resources: &Resources) {
        let Some(role) = self.table.get_mut(key) else { return };
        let Some(member) = role.member_mut(id) else { return };
        let Some(held) = member.held.get_mut(&agent) else { return };
        let rest = &*held - resources;
        let resources = &(&*held - &rest);
        *held = rest;
        if held.is_empty() {
            member.held.remove(&agent);
        }
        let all = Portion::of(resources);
        member.tally.remove(agent, &all);
        role.stale = true;
        role.firm.remove(agent, &firm(resources, &all));
        let reserved = Portion::of(resources.iter().filter(|resource| resource.is_reserved()));
        if !reserved.is_empty() {
            self.allocated_reserved -= &role.reserved.remove(agent, &reserved);
        }
        self.allocated -= &self.tree.subtract(role.leaf, agent, &all);
    }

    /// The active frameworks of a role in fair order, to be given back with [`Roles::put_order`].
    pub(crate) fn take_order(&mut self, key: RoleKey, excluded: &Quantities) -> Order {
        let Some(role) = self.table.get_mut(key) else { return Order::default() };
        if !std::mem::take(&mut role.stale) {
            return std::mem::take(&mut role.order);
        }
        // Shares of frameworks are parts of what their role has.
        let total =
            self.tree.amounts(role.leaf).map_or_else(Quantities::new, |amounts| without(amounts, excluded));
        let active = role.members.iter().enumerate().filter(|(_, member)| member.active);
        Order::new(active.map(|(place, member)| {
            order::rank(member.tally.amounts().dominant_share(&total), member.allocations, place)
        }))
    }

    /// Keeps an order for the next time, unless something changed meanwhile.
    pub(crate) fn put_order(&mut self, key: RoleKey, order: Order) {
        if let Some(role) = self.table.get_mut(key).filter(|role| !role.stale) {
            role.order = order;
        }
    }
}

/// Amounts without those of names in `excluded`.
pub(crate) fn without(amounts: &Quantities, excluded: &Quantities) -> Quantities {
    let mut rest = amounts.clone();
    for (name, _) in excluded.iter() {
        rest.set(name, mesos_resources::Scalar::ZERO);
    }
    rest
}

fn firm(resources: &Resources, all: &Portion) -> Portion {
    match resources.iter().any(Resource::is_revocable) {
        true => Portion::of(resources.iter().filter(|resource| !resource.is_revocable())),
        false => all.clone(),
    }
}
