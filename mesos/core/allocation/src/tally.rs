//! Counting allocated resources.

use std::collections::BTreeMap;

use mesos_resources::{Quantities, Resource, Resources};

use crate::table::AgentKey;

/// Resources split for counting: plain amounts, and shared resources of which only the first copy counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Portion {
    amounts: Quantities,
    shared: Resources,
}

impl Portion {
    pub(crate) fn of<'a>(resources: impl IntoIterator<Item = &'a Resource>) -> Self {
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

    pub(crate) fn is_empty(&self) -> bool {
        self.amounts.is_empty() && self.shared.is_empty()
    }
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
