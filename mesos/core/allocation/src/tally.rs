//! Counting allocated resources.

use std::collections::BTreeMap;

use mesos_resources::{Quantities, Resource, Resources};

use crate::table::AgentKey;

/// Resources split for counting: plain amounts, and shared resources of which only the first copy counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Portion {
    amounts: Quantities,
    shared: Resources,
}

impl Portion {
    fn of<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Self {
        let mut portion = Self::default();
        for resource in resources {
            if resource.is_shared() {
                portion.shared.insert(resource.clone());
            } else if let Some(scalar) = resource.scalar() {
                portion.amounts.increase(resource.name(), scalar);
            }
        }
        // Copies of one resource count once, to whichever roles they are allocated.
        portion.shared.unallocate();
        portion
    }
}

/// Allocated resources, counted in all ways that matter.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) all: Portion,
    /// What cannot be taken back, if that is not all.
    firm: Option<Portion>,
    /// What is reserved, if anything is.
    pub(crate) reserved: Option<Portion>,
    /// What is unreserved and cannot be taken back.
    pub(crate) plain: Quantities,
}

impl Charge {
    pub(crate) fn of(resources: &Resources) -> Self {
        let all = Portion::of(resources);
        let part = |keep: fn(&Resource) -> bool| match resources.iter().all(keep) {
            true => all.clone(),
            false => Portion::of(resources.iter().filter(|resource| keep(resource))),
        };
        let firm =
            resources.iter().any(Resource::is_revocable).then(|| part(|resource| !resource.is_revocable()));
        let reserved = resources.iter().any(Resource::is_reserved).then(|| part(Resource::is_reserved));
        let plain = match (&firm, &reserved) {
            (None, None) => all.amounts.clone(),
            _ => Portion::of(resources.iter().filter(|resource| is_plain(resource))).amounts,
        };
        Self { all, firm, reserved, plain }
    }

    /// What cannot be taken back.
    pub(crate) fn firm(&self) -> &Portion {
        self.firm.as_ref().unwrap_or(&self.all)
    }
}

/// Whether it is unreserved and cannot be taken back: what quotas and limits are about.
pub(crate) fn is_plain(resource: &Resource) -> bool {
    resource.is_unreserved() && !resource.is_revocable()
}

/// The sum of portions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    amounts: Quantities,
    shared: BTreeMap<AgentKey, Resources>,
}

impl Tally {
    pub(crate) fn amounts(&self) -> &Quantities {
        &self.amounts
    }

    /// Adds a portion and returns by how much the amounts grew.
    pub(crate) fn add(&mut self, agent: AgentKey, portion: &Portion) -> Quantities {
        let mut growth = portion.amounts.clone();
        if !portion.shared.is_empty() {
            let here = self.shared.entry(agent).or_default();
            for resource in &portion.shared {
                if let (false, Some(scalar)) = (here.has(&resource.single()), resource.scalar()) {
                    growth.increase(resource.name(), scalar);
                }
                here.insert(resource.clone());
            }
        }
        self.amounts += &growth;
        growth
    }

    /// Takes a portion away and returns by how much the amounts shrank.
    pub(crate) fn remove(&mut self, agent: AgentKey, portion: &Portion) -> Quantities {
        let mut loss = portion.amounts.clone();
        if let (false, Some(here)) = (portion.shared.is_empty(), self.shared.get_mut(&agent)) {
            for resource in &portion.shared {
                let before = here.has(&resource.single());
                here.remove(resource);
                if let (true, false, Some(scalar)) = (before, here.has(&resource.single()), resource.scalar())
                {
                    loss.increase(resource.name(), scalar);
                }
            }
            if here.is_empty() {
                self.shared.remove(&agent);
            }
        }
        self.amounts -= &loss;
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Key;
    use mesos_api::v1::resource::{DiskInfo, SharedInfo, disk_info::Persistence};

    fn shared_volume() -> Resources {
        let mut proto = Resources::parse("disk:10", "a").unwrap().to_protos().remove(0);
        proto.disk = Some(DiskInfo {
            persistence: Some(Persistence { id: "v".to_owned(), principal: None }),
            ..Default::default()
        });
        proto.shared = Some(SharedInfo::default());
        Resources::from_protos([proto]).unwrap()
    }

    #[test]
    fn copies_of_a_shared_resource_count_once_on_each_agent() {
        let volume = Portion::of(&shared_volume());
        let (one, two) = (AgentKey::new(1), AgentKey::new(2));
        let mut tally = Tally::default();
        let disk = |tally: &Tally| tally.amounts().get("disk").as_f64();
        tally.add(one, &volume);
        tally.add(one, &volume);
        assert_eq!(disk(&tally), 10.0);
        tally.add(two, &volume);
        assert_eq!(disk(&tally), 20.0);
        tally.remove(one, &volume);
        assert_eq!(disk(&tally), 20.0);
        tally.remove(one, &volume);
        tally.remove(two, &volume);
        assert!(tally.amounts().is_empty() && tally.shared.is_empty());
    }
}
