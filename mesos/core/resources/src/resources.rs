//! The canonical collection.

use std::collections::{BTreeMap, HashMap};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::sync::Arc;

use mesos_api::v1;
use mesos_api::v1::resource::ReservationInfo;

use crate::resource::MergeKey;
use crate::{Name, Quantities, Ranges, Resource, ResourceError, Scalar};

/// How many different resources are taken from outside.
const ITEMS_FROM_OUTSIDE_MAX: usize = 10_000;

/// From how many on it pays to know where to look for one.
const INDEXED_ITEMS_MIN: usize = 64;

/// Resources, merged as far as they can be, with no empty one among them.
///
/// Taking away what is not there is harmless: amounts stop at zero. Two collections are equal when
/// they hold the same, in whatever order.
#[derive(Clone, Default)]
pub struct Resources {
    items: Vec<Resource>,
}

impl Resources {
    /// Nothing.
    pub const fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// Checks and collects resources from outside, whichever form their reservations have.
    ///
    /// # Errors
    ///
    /// The first resource that breaks a rule, and the rule; or that there are more than ten thousand
    /// different ones, since much that is done with resources takes the square of their number.
    pub fn from_protos(protos: impl IntoIterator<Item = v1::Resource>) -> Result<Self, ResourceError> {
        let protos = protos.into_iter();
        let mut all = Self { items: Vec::with_capacity(protos.size_hint().0.min(1024)) };
        // Where to look for what can be merged, once that is faster than to look everywhere.
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for proto in protos {
            let resource = Resource::from_proto(proto)?;
            if all.items.len() < INDEXED_ITEMS_MIN {
                all.insert(resource);
                continue;
            }
            if places.is_empty() {
                let keys = all.items.iter().enumerate();
                keys.for_each(|(at, item)| places.entry(item.merge_key()).or_default().push(at));
            }
            all.insert_among(resource, &mut places);
            if all.items.len() > ITEMS_FROM_OUTSIDE_MAX {
                let text = format!("More than {ITEMS_FROM_OUTSIDE_MAX} different resources");
                return Err(ResourceError::invalid(text));
            }
        }
        Ok(all)
    }

    /// Adds a resource; `places` tells where those are that have its key.
    fn insert_among(&mut self, resource: Resource, places: &mut HashMap<Option<MergeKey>, Vec<usize>>) {
        if resource.is_empty() {
            return;
        }
        let key = resource.merge_key();
        let same = places.entry(key.clone()).or_default();
        let found = key.is_some().then(|| {
            let fits = |at: &&usize| self.items.get(**at).is_some_and(|item| item.can_add(&resource));
            same.iter().find(fits).copied()
        });
        match found.flatten().and_then(|at| self.items.get_mut(at)) {
            Some(item) => item.add(&resource),
            None => {
                same.push(self.items.len());
                self.items.push(resource);
            }
        }
    }

    /// The wire form, with reservations as lists; a shared resource appears once.
    pub fn to_protos(&self) -> Vec<v1::Resource> {
        self.items.iter().map(Resource::to_proto).collect()
    }

    /// The resources, in no particular order.
    pub fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.items.iter()
    }

    /// How many distinct resources there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds one resource.
    pub fn insert(&mut self, resource: Resource) {
        if resource.is_empty() {
            return;
        }
        match self.items.iter_mut().find(|item| item.can_add(&resource)) {
            Some(item) => item.add(&resource),
            None => self.items.push(resource),
        }
    }

    /// Takes away one resource, as far as it is there.
    pub fn remove(&mut self, resource: &Resource) {
        let Some(at) = self.items.iter().position(|item| item.can_subtract(resource)) else { return };
        let Some(item) = self.items.get_mut(at) else { return };
        if !item.is_shared() && item.value == resource.value {
            self.items.swap_remove(at);
            return;
        }
        item.subtract(resource);
        if item.is_empty() {
            self.items.swap_remove(at);
        }
    }

    /// Whether all of `other` is here; copies of shared resources are counted.
    pub fn contains(&self, other: &Resources) -> bool {
        // Distinct resources are contained in distinct ones of ours, except things that are never
        // merged: several equal ones need as many here.
        let mut taken: Vec<bool> = Vec::new();
        other.items.iter().all(|wanted| {
            let indivisible = wanted.is_indivisible() && !wanted.is_shared();
            let found =
                self.items.iter().enumerate().find(|(at, item)| {
                    item.contains(wanted) && !(indivisible && taken.get(*at) == Some(&true))
                });
            if let (Some((at, _)), true) = (found, indivisible) {
                taken.resize(self.items.len(), false);
                taken.get_mut(at).into_iter().for_each(|taken| *taken = true);
            }
            found.is_some()
        })
    }

    /// Whether a resource is here, by itself.
    pub fn has(&self, resource: &Resource) -> bool {
        self.items.iter().any(|item| item.contains(resource))
    }

    /// Whether a resource from outside is valid and here.
    pub fn contains_resource(&self, proto: &v1::Resource) -> bool {
        Resource::from_proto(proto.clone()).is_ok_and(|wanted| self.has(&wanted))
    }

    /// Whether the scalars by name, whoever owns them, reach these amounts.
    pub fn contains_quantities(&self, quantities: &Quantities) -> bool {
        self.quantities().contains(quantities)
    }

    /// Those that satisfy a condition.
    pub fn filter(&self, keep: impl Fn(&Resource) -> bool) -> Resources {
        Self { items: self.items.iter().filter(|item| keep(item)).cloned().collect() }
    }

    /// Drops those that do not satisfy a condition.
    pub fn retain(&mut self, keep: impl Fn(&Resource) -> bool) {
        self.items.retain(|item| keep(item));
    }

    /// Those reserved for any role.
    pub fn reserved(&self) -> Resources {
        self.filter(Resource::is_reserved)
    }

    /// Those reserved for exactly this role.
    pub fn reserved_to(&self, role: &str) -> Resources {
        self.filter(|item| item.is_reserved_to(role))
    }

    /// Those reserved for no role.
    pub fn unreserved(&self) -> Resources {
        self.filter(Resource::is_unreserved)
    }

    /// Those that may be given to the role: unreserved, or reserved for it or for a role above it.
    pub fn reservable_to(&self, role: &str) -> Resources {
        self.filter(|item| item.is_reservable_to(role))
    }

    /// Those that may be taken back at any time.
    pub fn revocable(&self) -> Resources {
        self.filter(Resource::is_revocable)
    }

    /// Those that are held until given back.
    pub fn non_revocable(&self) -> Resources {
        self.filter(|item| !item.is_revocable())
    }

    /// Those that several tasks may use at once.
    pub fn shared(&self) -> Resources {
        self.filter(Resource::is_shared)
    }

    /// Those that one user has alone.
    pub fn non_shared(&self) -> Resources {
        self.filter(|item| !item.is_shared())
    }

    /// The persistent volumes.
    pub fn persistent_volumes(&self) -> Resources {
        self.filter(Resource::is_persistent_volume)
    }

    /// The scalars.
    pub fn scalars(&self) -> Resources {
        self.filter(|item| item.scalar().is_some())
    }

    /// Those of this name.
    pub fn named(&self, name: &str) -> Resources {
        self.filter(|item| item.name().as_str() == name)
    }

    /// What is reserved, by the role of the last reservation.
    pub fn reservations(&self) -> BTreeMap<String, Resources> {
        let mut all: BTreeMap<String, Resources> = BTreeMap::new();
        for item in &self.items {
            if let Some(role) = item.reservation_role() {
                all.entry(role.to_owned()).or_default().items.push(item.clone());
            }
        }
        all
    }

    /// Whether any has more than one reservation.
    pub fn has_refined_reservations(&self) -> bool {
        self.items.iter().any(Resource::has_refined_reservations)
    }

    /// Drops those with more than one reservation.
    pub fn strip_refined(&mut self) {
        self.items.retain(|item| !item.has_refined_reservations());
    }

    /// Allocates all to a role.
    pub fn allocate(&mut self, role: impl Into<Arc<str>>) {
        let role = role.into();
        self.reallocate(Some(&role));
    }

    /// Makes all unallocated.
    pub fn unallocate(&mut self) {
        self.reallocate(None);
    }

    fn reallocate(&mut self, role: Option<&Arc<str>>) {
        // Entries that differed in their allocation alone must merge.
        let mixed = self.items.windows(2).any(|pair| pair[0].allocation != pair[1].allocation);
        for item in &mut self.items {
            item.allocation = role.cloned();
        }
        if mixed {
            *self = std::mem::take(&mut self.items).into_iter().collect();
        }
    }

    /// What is allocated, by role; what is not allocated is left out.
    pub fn allocations(&self) -> BTreeMap<String, Resources> {
        let mut all: BTreeMap<String, Resources> = BTreeMap::new();
        for item in &self.items {
            if let Some(role) = item.allocation_role() {
                all.entry(role.to_owned()).or_default().items.push(item.clone());
            }
        }
        all
    }

    /// All with one more reservation on top.
    pub fn push_reservation(&self, reservation: &ReservationInfo) -> Resources {
        self.map(|item| item.with(|parts| parts.reservations.push(reservation.clone())))
    }

    /// All without the last reservation; what is unreserved stays as it is.
    pub fn pop_reservation(&self) -> Resources {
        self.map(|item| {
            item.with(|parts| {
                parts.reservations.pop();
            })
        })
    }

    /// All without any reservation.
    pub fn to_unreserved(&self) -> Resources {
        self.map(|item| {
            if item.is_unreserved() { item.clone() } else { item.with(|parts| parts.reservations.clear()) }
        })
    }

    pub(crate) fn map(&self, change: impl Fn(&Resource) -> Resource) -> Resources {
        self.items.iter().map(change).collect()
    }

    /// The sum of the scalars of this name, if there are any.
    pub fn get_scalar(&self, name: &str) -> Option<Scalar> {
        let mut found =
            self.items.iter().filter(|item| item.name().as_str() == name).filter_map(Resource::scalar);
        found.next().map(|first| found.fold(first, Add::add))
    }

    /// The sum of the ranges of this name, if there are any.
    pub fn get_ranges(&self, name: &str) -> Option<Ranges> {
        let mut found =
            self.items.iter().filter(|item| item.name().as_str() == name).filter_map(Resource::ranges);
        let first = found.next()?.clone();
        Some(found.fold(first, |all, more| all.union(more)))
    }

    /// Processors, in cores.
    pub fn cpus(&self) -> Option<f64> {
        self.get_scalar("cpus").map(Scalar::as_f64)
    }

    /// Memory, in MB.
    pub fn mem(&self) -> Option<f64> {
        self.get_scalar("mem").map(Scalar::as_f64)
    }

    /// Disk space, in MB.
    pub fn disk(&self) -> Option<f64> {
        self.get_scalar("disk").map(Scalar::as_f64)
    }

    /// Graphics processors.
    pub fn gpus(&self) -> Option<f64> {
        self.get_scalar("gpus").map(Scalar::as_f64)
    }

    /// Network ports.
    pub fn ports(&self) -> Option<Ranges> {
        self.get_ranges("ports")
    }

    /// The names of all resources, sorted.
    pub fn names(&self) -> Vec<Name> {
        let mut names: Vec<_> = self.items.iter().map(|item| item.name().clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The scalars as bare amounts by name. A shared resource counts once, however many copies there are.
    pub fn quantities(&self) -> Quantities {
        let mut all = Quantities::new();
        for item in &self.items {
            if let Some(scalar) = item.scalar() {
                all.increase(item.name(), scalar);
            }
        }
        all
    }

    /// Looks for as much as `target`, wherever it is reserved: first where the target says, then
    /// among what is unreserved, then anywhere. The result is what was found.
    pub fn find(&self, target: &Resources) -> Option<Resources> {
        let mut total = Resources::new();
        for wanted in &target.items {
            total += self.find_one(wanted)?;
        }
        Some(total)
    }

    fn find_one(&self, target: &Resource) -> Option<Resources> {
        let mut found = Resources::new();
        let mut remaining: Resources =
            std::iter::once(target.with(|parts| parts.reservations.clear())).collect();
        let mut candidates: Vec<&Resource> = self.items.iter().collect();
        candidates.sort_by_key(|item| match item.reservation_role() {
            Some(role) if target.reservation_role() == Some(role) => 0,
            None => 1,
            Some(_) => 2,
        });
        for candidate in candidates {
            let bare: Resources =
                std::iter::once(candidate.with(|parts| parts.reservations.clear())).collect();
            if bare.contains(&remaining) {
                let reservations = candidate.reservations();
                found += remaining.map(|item| item.with(|parts| parts.reservations = reservations.to_vec()));
                return Some(found);
            }
            if remaining.contains(&bare) {
                found.insert(candidate.clone());
                remaining -= &bare;
            }
        }
        None
    }
}

impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.items.len() == other.items.len() && self.contains(other) && other.contains(self)
    }
}

impl Eq for Resources {}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(resources: I) -> Self {
        let mut all = Self::new();
        resources.into_iter().for_each(|resource| all.insert(resource));
        all
    }
}

impl Extend<Resource> for Resources {
    fn extend<I: IntoIterator<Item = Resource>>(&mut self, resources: I) {
        resources.into_iter().for_each(|resource| self.insert(resource));
    }
}

impl From<Resource> for Resources {
    fn from(resource: Resource) -> Self {
        std::iter::once(resource).collect()
    }
}

impl<'a> IntoIterator for &'a Resources {
    type Item = &'a Resource;
    type IntoIter = std::slice::Iter<'a, Resource>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl IntoIterator for Resources {
    type Item = Resource;
    type IntoIter = std::vec::IntoIter<Resource>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl AddAssign<&Resources> for Resources {
    fn add_assign(&mut self, other: &Resources) {
        if self.items.is_empty() {
            self.items.clone_from(&other.items);
            return;
        }
        other.items.iter().for_each(|item| self.insert(item.clone()));
    }
}

impl AddAssign for Resources {
    fn add_assign(&mut self, other: Resources) {
        if self.items.is_empty() {
            *self = other;
        } else {
            self.extend(other);
        }
    }
}

impl SubAssign<&Resources> for Resources {
    fn sub_assign(&mut self, other: &Resources) {
        other.items.iter().for_each(|item| self.remove(item));
    }
}

impl SubAssign for Resources {
    fn sub_assign(&mut self, other: Resources) {
        *self -= &other;
    }
}

macro_rules! by_assignment {
    ($operation:ident, $method:ident, $assign:tt) => {
        impl $operation<Resources> for Resources {
            type Output = Resources;
            fn $method(mut self, other: Resources) -> Resources {
                self $assign other;
                self
            }
        }
        impl $operation<&Resources> for Resources {
            type Output = Resources;
            fn $method(mut self, other: &Resources) -> Resources {
                self $assign other;
                self
            }
        }
        impl $operation<&Resources> for &Resources {
            type Output = Resources;
            fn $method(self, other: &Resources) -> Resources {
                let mut result = self.clone();
                result $assign other;
                result
            }
        }
    };
}

by_assignment!(Add, add, +=);
by_assignment!(Sub, sub, -=);

impl Sum for Resources {
    fn sum<I: Iterator<Item = Resources>>(iter: I) -> Resources {
        iter.fold(Resources::new(), Add::add)
    }
}

impl<'a> Sum<&'a Resources> for Resources {
    fn sum<I: Iterator<Item = &'a Resources>>(iter: I) -> Resources {
        iter.fold(Resources::new(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(size: u32, fields: &str) -> Resource {
        let json = format!(r#"{{"name":"disk","type":"SCALAR","scalar":{{"value":{size}}},{fields}}}"#);
        Resource::from_proto(mesos_api::json::from_str(&json).unwrap()).unwrap()
    }

    /// Whether two equal resources become one, and whether half of one can be taken.
    #[track_caller]
    fn check(fields: &str, adds: bool, divides: bool) {
        let whole = disk(10, fields);
        let both: Resources = [whole.clone(), whole.clone()].into_iter().collect();
        assert_eq!(both.len() == 1, adds, "{both}");
        assert!(both.contains(&Resources::from(whole.clone())));
        assert!(!Resources::from(whole.clone()).contains(&both));
        let half = disk(5, fields);
        assert_eq!(Resources::from(whole.clone()).has(&half), divides);
        let (mut shrunk, limit) = (whole.clone(), Scalar::from_f64(5.0));
        assert_eq!(shrunk.shrink(limit), divides);
        assert_eq!(shrunk, if divides { half.clone() } else { whole.clone() });
        let rest = Resources::from(whole.clone()) - Resources::from(half.clone());
        assert_eq!(rest, if divides { half } else { whole }.into());
        assert!((both.clone() - both).is_empty());
    }

    #[test]
    fn disks_that_are_things_of_their_own_neither_add_nor_divide() {
        check(r#""disk":{"source":{"type":"PATH","path":{"root":"/d"}}}"#, true, true);
        check(r#""disk":{"source":{"type":"RAW","profile":"fast"}}"#, true, true);
        check(r#""disk":{"source":{"type":"RAW","id":"1"}}"#, false, false);
        check(r#""disk":{"source":{"type":"MOUNT","mount":{"root":"/d"}}}"#, false, false);
        check(r#""disk":{"source":{"type":"BLOCK","id":"1"}}"#, false, false);
        check(r#""role":"a","disk":{"persistence":{"id":"v"}}"#, false, false);
    }

    #[test]
    fn copies_of_a_shared_volume_are_counted() {
        let shared = r#""role":"a","shared":{},"disk":{"persistence":{"id":"v"}}"#;
        let one = Resources::from(disk(10, shared));
        let two = &one + &one;
        assert_eq!((two.len(), two.iter().next().unwrap().copies()), (1, 2));
        assert!(two.contains(&one) && !one.contains(&two));
        assert_eq!(two.get_scalar("disk"), one.get_scalar("disk"));
        assert_eq!(&two - &one, one);
        assert_eq!(two.to_protos(), one.to_protos());
    }

    /// The index that many need gives what a search gives.
    #[test]
    fn many_resources_are_merged_as_few_are() {
        let kinds = [
            r#""role":"a""#,
            r#""role":"a","allocation_info":{"role":"x"}"#,
            r#""disk":{"source":{"type":"MOUNT","mount":{"root":"/d"}}}"#,
            r#""role":"a","shared":{},"disk":{"persistence":{"id":"v"}}"#,
            r#""role":"a","reservation":{"labels":{"labels":[{"key":"a"},{"key":"b"}]}}"#,
            r#""role":"a","reservation":{"labels":{"labels":[{"key":"b"},{"key":"a"}]}}"#,
        ];
        let mut protos: Vec<_> = (0..200).map(|n| disk(1, &format!(r#""role":"r{n}""#)).to_proto()).collect();
        for size in [1, 2] {
            protos.extend(kinds.iter().cycle().take(600).map(|fields| disk(size, fields).to_proto()));
        }
        let indexed = Resources::from_protos(protos.clone()).unwrap();
        let searched: Resources =
            protos.into_iter().map(|proto| Resource::from_proto(proto).unwrap()).collect();
        assert_eq!(indexed, searched);
        assert_eq!(indexed.len(), 200 + 1 + 1 + 200 + 2 + 1);
    }

    #[test]
    fn more_different_resources_than_anybody_has_are_refused() {
        let protos = |count| (0..count).map(|n| disk(1, &format!(r#""role":"r{n}""#)).to_proto());
        assert_eq!(Resources::from_protos(protos(10_000)).unwrap().len(), 10_000);
        assert!(Resources::from_protos(protos(10_001)).is_err());
    }

    #[test]
    fn what_differs_in_anything_but_its_use_is_kept_apart() {
        let plain = disk(1, r#""role":"a""#);
        for other in [
            r#""role":"b""#,
            r#""role":"a","reservation":{}"#,
            r#""role":"a","revocable":{}"#,
            r#""role":"a","provider_id":{"value":"p"}"#,
            r#""role":"a","allocation_info":{"role":"a"}"#,
            r#""role":"a","disk":{"source":{"type":"PATH"}}"#,
        ] {
            let all: Resources = [plain.clone(), disk(1, other)].into_iter().collect();
            assert_eq!(all.len(), 2, "{all}");
        }
        let volume =
            |more: &str| disk(1, &format!(r#""role":"a","disk":{{"persistence":{{"id":"v"}}{more}}}"#));
        assert_eq!(volume(""), volume(r#","volume":{"mode":"RW","container_path":"p"}"#));
    }

    #[test]
    fn labels_are_compared_in_any_order() {
        let reserved = |labels: &str| {
            disk(1, &format!(r#""role":"a","reservation":{{"labels":{{"labels":[{labels}]}}}}"#))
        };
        let (a, b) = (r#"{"key":"a","value":"1"}"#, r#"{"key":"b"}"#);
        assert_eq!(reserved(&format!("{a},{b}")), reserved(&format!("{b},{a}")));
        assert_ne!(reserved(a), reserved(b));
    }

    #[test]
    fn allocation_is_set_and_removed_for_all() {
        let mut all: Resources =
            "cpus(allocated: a):1;cpus(allocated: b):2;mem(allocated: a):3".parse().unwrap();
        let by_role = all.allocations();
        assert_eq!(by_role["a"].to_string(), "cpus(allocated: a):1; mem(allocated: a):3");
        assert_eq!(by_role["b"].cpus(), Some(2.0));
        all.allocate("c");
        assert_eq!(all, "cpus(allocated: c):3;mem(allocated: c):3".parse().unwrap());
        all.unallocate();
        assert_eq!(all.to_string(), "cpus:3; mem:3");
    }

    #[test]
    fn resources_are_found_where_they_are_reserved_then_unreserved_then_anywhere() {
        let all: Resources =
            "cpus:1;cpus(reservations: [(STATIC,a)]):2;cpus(reservations: [(STATIC,b)]):4".parse().unwrap();
        let found = |target: &str| all.find(&target.parse().unwrap()).map(|found| found.to_string());
        assert_eq!(found("cpus:1").as_deref(), Some("cpus:1"));
        assert_eq!(
            found("cpus(reservations: [(STATIC,a)]):2.5").as_deref(),
            Some("cpus(reservations: [(STATIC,a)]):2; cpus:0.5")
        );
        assert_eq!(
            found("cpus:6").as_deref(),
            Some("cpus:1; cpus(reservations: [(STATIC,a)]):2; cpus(reservations: [(STATIC,b)]):3")
        );
        assert_eq!(found("cpus:8"), None);
        assert_eq!(found("mem:1"), None);
    }

    #[test]
    fn a_role_may_have_what_is_reserved_for_it_or_above_it() {
        let all: Resources =
            "cpus:1;cpus(reservations: [(STATIC,a)]):2;mem(reservations: [(STATIC,a),(DYNAMIC,a/b)]):4"
                .parse()
                .unwrap();
        assert_eq!(all.reservable_to("a/b/c"), all);
        assert_eq!(all.reservable_to("a").to_string(), "cpus:1; cpus(reservations: [(STATIC,a)]):2");
        assert_eq!(all.reservable_to("ab").to_string(), "cpus:1");
        assert_eq!(all.reservations().into_keys().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(all.reserved_to("a").cpus(), Some(2.0));
    }
}
