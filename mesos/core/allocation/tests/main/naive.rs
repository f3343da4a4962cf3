//! An allocator that computes everything anew each time, in the words of the rules: slow and obviously right.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesos_allocation::Quota;
use mesos_resources::{Quantities, Resource, Resources, Scalar};
use stout::Time;

use crate::support::Offer;

#[derive(Clone, Debug)]
pub(crate) struct Framework {
    pub(crate) roles: BTreeSet<String>,
    pub(crate) suppressed: BTreeSet<String>,
    pub(crate) active: bool,
    pub(crate) revocable: bool,
    pub(crate) gpus: bool,
}

#[derive(Clone, Debug)]
struct Filter {
    framework: String,
    role: String,
    agent: String,
    resources: Resources,
    until: Time,
    /// How many periodic runs there had been.
    ticks: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Naive {
    pub(crate) frameworks: BTreeMap<String, Framework>,
    /// In the order of visits: a new agent takes the place of the one removed last.
    places: Vec<Option<String>>,
    vacant: Vec<usize>,
    pub(crate) agents: BTreeMap<String, Resources>,
    pub(crate) held: Vec<Offer>,
    pub(crate) quotas: BTreeMap<String, Quota>,
    pub(crate) weights: BTreeMap<String, f64>,
    filters: Vec<Filter>,
    /// How often was allocated at or below a path of the role tree, and to a framework in a role.
    counts: BTreeMap<String, u64>,
    framework_counts: BTreeMap<(String, String), u64>,
    ticks: u64,
}

/// Whether quotas are met from it.
fn is_headroom(resource: &Resource) -> bool {
    resource.is_unreserved() && !resource.is_revocable() && resource.scalar().is_some()
}

fn headroom(resources: &Resources) -> Quantities {
    resources.filter(is_headroom).quantities()
}

fn is_allocatable(resources: &Resources) -> bool {
    let amounts = resources.quantities();
    amounts.get("cpus") >= Scalar::from_f64(0.01) || amounts.get("mem") >= Scalar::from_f64(32.0)
}

fn is_below(role: &str, path: &str) -> bool {
    role == path || role.starts_with(&format!("{path}/"))
}

impl Naive {
    pub(crate) fn add_agent(&mut self, id: &str, total: Resources) {
        let at = self.vacant.pop().unwrap_or(self.places.len());
        self.places.resize(self.places.len().max(at + 1), None);
        self.places[at] = Some(id.to_owned());
        self.agents.insert(id.to_owned(), total);
    }

    pub(crate) fn remove_agent(&mut self, id: &str) {
        self.agents.remove(id);
        let at = self.places.iter().position(|place| place.as_deref() == Some(id)).unwrap();
        self.places[at] = None;
        self.vacant.push(at);
        self.held.retain(|offer| offer.2 != id);
        self.filters.retain(|filter| filter.agent != id);
        self.forget_roles();
    }

    pub(crate) fn remove_framework(&mut self, id: &str) {
        self.frameworks.remove(id);
        self.held.retain(|offer| offer.0 != id);
        self.drop_filters(id);
        self.framework_counts.retain(|(_, framework), _| framework != id);
        self.forget_roles();
    }

    pub(crate) fn drop_filters(&mut self, framework: &str) {
        self.filters.retain(|filter| filter.framework != framework);
    }

    pub(crate) fn recover(&mut self, offer: &Offer, filter: Option<(f64, Time)>) {
        let (framework, role, agent, resources) = offer.clone();
        let held =
            self.held.iter_mut().find(|held| (&held.0, &held.1, &held.2) == (&framework, &role, &agent));
        held.unwrap().3 -= &resources;
        self.held.retain(|offer| !offer.3.is_empty());
        self.forget_roles();
        let subscribed = self.frameworks.get(&framework).is_some_and(|row| row.roles.contains(&role));
        if let Some((seconds, now)) = filter.filter(|(seconds, _)| *seconds > 0.0 && subscribed) {
            let until = now + Duration::from_secs_f64(seconds.max(1.0));
            self.filters.push(Filter { framework, role, agent, resources, until, ticks: self.ticks });
        }
    }

    /// The roles that some framework is subscribed in or holds something in.
    pub(crate) fn roles(&self) -> BTreeSet<String> {
        let subscribed = self.frameworks.values().flat_map(|framework| framework.roles.iter().cloned());
        subscribed.chain(self.held.iter().map(|offer| offer.1.clone())).collect()
    }

    fn forget_roles(&mut self) {
        let roles = self.roles();
        self.counts.retain(|path, _| match path.strip_suffix("/.") {
            Some(role) => roles.contains(role),
            None => roles.iter().any(|role| is_below(role, path)),
        });
        let (frameworks, held) = (&self.frameworks, &self.held);
        self.framework_counts.retain(|(role, id), _| {
            frameworks.get(id).is_some_and(|framework| framework.roles.contains(role))
                || held.iter().any(|offer| offer.0 == *id && offer.1 == *role)
        });
    }

    /// Runs an allocation over one agent or all, and returns what is offered.
    pub(crate) fn run(&mut self, only: Option<&str>, now: Time, periodic: bool) -> Vec<Offer> {
        self.filters.sort_by_key(|filter| filter.until);
        while self.filters.first().is_some_and(|one| one.until < now && one.ticks < self.ticks) {
            self.filters.remove(0);
        }
        let agents: Vec<String> = self.places.iter().flatten().cloned().collect();
        let agents: Vec<String> =
            agents.into_iter().filter(|agent| only.is_none_or(|only| agent == only)).collect();
        let mut offers = Vec::new();
        let (mut required, mut available) = (self.required(), self.available());
        for agent in &agents {
            for role in self.quota_order() {
                let mut unsatisfied = self.quotas[&role].guarantee.clone() - &self.charged(&role);
                for framework in self.framework_order(&role) {
                    if !self.fits(agent, &framework) {
                        continue;
                    }
                    let (what, towards) = self.choose(agent, &role, &unsatisfied, &required, &available);
                    if !is_allocatable(&what) {
                        break;
                    }
                    if !self.is_filtered(&framework, &role, agent, &what) {
                        unsatisfied -= &towards;
                        required -= &towards;
                        available -= &what.unreserved().quantities();
                        self.give(&framework, &role, agent, what, &mut offers);
                    }
                }
            }
        }
        for agent in &agents {
            for role in self.walk("") {
                for framework in self.framework_order(&role) {
                    if !self.fits(agent, &framework) {
                        continue;
                    }
                    let mut what = self.free(agent).reservable_to(&role);
                    if !is_allocatable(&what) {
                        break;
                    }
                    if !self.frameworks[&framework].revocable {
                        what = what.non_revocable();
                    }
                    what = self.within_limits(&role, what);
                    let taken = headroom(&what);
                    let held_back = !(available.clone() - &taken).contains(&required);
                    if held_back {
                        what.retain(|resource| !is_headroom(resource));
                    }
                    if is_allocatable(&what) && !self.is_filtered(&framework, &role, agent, &what) {
                        if !held_back {
                            available -= &taken;
                        }
                        self.give(&framework, &role, agent, what, &mut offers);
                    }
                }
            }
        }
        self.ticks += u64::from(periodic);
        offers.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
        offers
    }

    fn give(&mut self, framework: &str, role: &str, agent: &str, what: Resources, offers: &mut Vec<Offer>) {
        let prefixes = role.match_indices('/').map(|(at, _)| role[..at].to_owned());
        for path in prefixes.chain([role.to_owned(), format!("{role}/.")]) {
            *self.counts.entry(path).or_default() += 1;
        }
        *self.framework_counts.entry((role.to_owned(), framework.to_owned())).or_default() += 1;
        let offer = (framework.to_owned(), role.to_owned(), agent.to_owned(), what);
        for all in [&mut self.held, offers] {
            match all.iter_mut().find(|one| (&one.0, &one.1, &one.2) == (&offer.0, &offer.1, &offer.2)) {
                Some(one) => one.3 += &offer.3,
                None => all.push(offer.clone()),
            }
        }
    }

    fn choose(
        &self,
        agent: &str,
        role: &str,
        unsatisfied: &Quantities,
        required: &Quantities,
        available: &Quantities,
    ) -> (Resources, Quantities) {
        let free = self.free(agent).non_revocable();
        let mut what = free.reserved_to(role);
        let (mut towards, mut beside) = (Quantities::new(), Resources::new());
        let room = self.room(role);
        for mut resource in free.unreserved() {
            let Some(before) = resource.scalar() else {
                beside.insert(resource);
                continue;
            };
            let name = resource.name().clone();
            let wanted = !self.quotas[role].guarantee.get(&name).is_zero();
            let mut limit =
                if wanted { unsatisfied.get(&name) } else { available.get(&name) - required.get(&name) };
            limit = room.get(name.as_str()).map_or(limit, |room| limit.min(*room));
            if limit.is_zero() || !resource.shrink(limit) {
                continue;
            }
            if wanted {
                towards.increase(&name, before.min(limit));
                what.insert(resource);
            } else {
                beside.insert(resource);
            }
        }
        if !what.is_empty() {
            what += beside;
        }
        (what, towards)
    }

    fn within_limits(&self, role: &str, what: Resources) -> Resources {
        let room = self.room(role);
        let cut = |mut resource: Resource| match room.get(resource.name().as_str()) {
            Some(left) if is_headroom(&resource) => {
                (!left.is_zero() && resource.shrink(*left)).then_some(resource)
            }
            _ => Some(resource),
        };
        what.into_iter().filter_map(cut).collect()
    }

    /// What the limits of a role and of those above leave.
    pub(crate) fn room(&self, role: &str) -> BTreeMap<String, Scalar> {
        let mut room: BTreeMap<String, Scalar> = BTreeMap::new();
        for (path, quota) in self.quotas.iter().filter(|(path, _)| is_below(role, path)) {
            for (name, limit) in quota.limits.iter().flatten() {
                let left = *limit - self.charged_below(path).get(name);
                let least = room.get(name.as_str()).map_or(left, |least| left.min(*least));
                room.insert(name.to_string(), least);
            }
        }
        room
    }

    /// What is charged to the limits of a role.
    pub(crate) fn charged_below(&self, path: &str) -> Quantities {
        let held = self.held.iter().filter(|offer| is_below(&offer.1, path));
        let unreserved = held.fold(Quantities::new(), |sum, offer| sum + &headroom(&offer.3));
        self.reserved(|role| is_below(role, path)) + &unreserved
    }

    fn reserved(&self, whose: impl Fn(&str) -> bool) -> Quantities {
        let mut all = Quantities::new();
        for resource in self.agents.values().flatten() {
            if resource.reservation_role().is_some_and(&whose) {
                all += &Resources::from(resource.clone()).quantities();
            }
        }
        all
    }

    /// What is allocated in roles, of resources that are wanted.
    pub(crate) fn allocated(&self, whose: impl Fn(&str) -> bool, of: fn(&Resource) -> bool) -> Quantities {
        let held = self.held.iter().filter(|offer| whose(&offer.1));
        held.fold(Quantities::new(), |sum, offer| sum + &offer.3.filter(of).quantities())
    }

    /// What is charged to the guarantee of a role.
    pub(crate) fn charged(&self, role: &str) -> Quantities {
        let unreserved = self.allocated(|one| one == role, |one| one.is_unreserved() && !one.is_revocable());
        self.reserved(|one| one == role) + &unreserved
    }

    pub(crate) fn required(&self) -> Quantities {
        let mut all = Quantities::new();
        for (role, quota) in &self.quotas {
            let allocated = self.allocated(|one| one == role, |one| !one.is_revocable());
            let used = self.allocated(|one| one == role, Resource::is_reserved);
            let unused = self.reserved(|one| one == role) - &used;
            all += &(quota.guarantee.clone() - &allocated - &unused);
        }
        all
    }

    pub(crate) fn available(&self) -> Quantities {
        let free: Resources = self.agents.keys().map(|agent| self.free(agent)).sum();
        headroom(&free)
    }

    pub(crate) fn free(&self, agent: &str) -> Resources {
        let held = self.held.iter().filter(|offer| offer.2 == agent);
        held.fold(self.agents[agent].clone(), |free, offer| free - &offer.3)
    }

    fn fits(&self, agent: &str, framework: &str) -> bool {
        self.frameworks[framework].gpus || self.agents[agent].gpus().is_none()
    }

    fn is_filtered(&self, framework: &str, role: &str, agent: &str, what: &Resources) -> bool {
        self.filters.iter().any(|filter| {
            (&*filter.framework, &*filter.role, &*filter.agent) == (framework, role, agent)
                && filter.resources.contains(what)
        })
    }

    fn weight(&self, path: &str) -> f64 {
        self.weights.get(path).copied().unwrap_or(1.0)
    }

    fn quota_order(&self) -> Vec<String> {
        let agents =
            self.agents.values().fold(Quantities::new(), |sum, all| sum + &all.non_revocable().quantities());
        let roles = self.roles();
        let mut all: Vec<_> = self.quotas.keys().filter(|role| roles.contains(*role)).cloned().collect();
        all.sort_by_cached_key(|role| {
            let allocated = self.allocated(|one| one == role, |one| !one.is_revocable());
            let share = allocated.dominant_share(&agents) / self.weight(role);
            let leaf = format!("{role}/.");
            (share.to_bits(), self.counts.get(&leaf).copied().unwrap_or(0), leaf)
        });
        all
    }

    /// The roles below a path that take part in the second stage, in fair order.
    fn walk(&self, above: &str) -> Vec<String> {
        let total: Quantities = self.agents.values().sum::<Resources>().quantities();
        let mut children = BTreeSet::new();
        for role in self.roles() {
            let leaf = format!("{role}/.");
            let rest = if above.is_empty() { Some(&*leaf) } else { leaf.strip_prefix(&format!("{above}/")) };
            if let Some(first) = rest.and_then(|rest| rest.split('/').next()) {
                children.insert(if above.is_empty() { first.to_owned() } else { format!("{above}/{first}") });
            }
        }
        let mut children: Vec<_> = children.into_iter().collect();
        children.sort_by_cached_key(|path| {
            let allocated = match path.strip_suffix("/.") {
                Some(role) => self.allocated(|one| one == role, |_| true),
                None => self.allocated(|one| is_below(one, path), |_| true),
            };
            let share = allocated.dominant_share(&total) / self.weight(path);
            (share.to_bits(), self.counts.get(path).copied().unwrap_or(0), path.clone())
        });
        let shares = |role: &str| self.quotas.get(role).is_none_or(|quota| quota.limits.is_some());
        children
            .into_iter()
            .flat_map(|path| match path.strip_suffix("/.") {
                Some(role) => Vec::from_iter(shares(role).then(|| role.to_owned())),
                None => self.walk(&path),
            })
            .collect()
    }

    fn framework_order(&self, role: &str) -> Vec<String> {
        let total = self.allocated(|one| one == role, |_| true);
        let wants = |framework: &Framework| {
            framework.active && framework.roles.contains(role) && !framework.suppressed.contains(role)
        };
        let mut all: Vec<_> =
            self.frameworks.iter().filter(|(_, row)| wants(row)).map(|(id, _)| id.clone()).collect();
        all.sort_by_cached_key(|id| {
            let held = self.held.iter().filter(|offer| offer.0 == *id && offer.1 == role);
            let allocated = held.fold(Quantities::new(), |sum, offer| sum + &offer.3.quantities());
            let count = self.framework_counts.get(&(role.to_owned(), id.clone()));
            (allocated.dominant_share(&total).to_bits(), count.copied().unwrap_or(0), id.clone())
        });
        all
    }
}
