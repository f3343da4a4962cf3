//! A cluster to drive an allocation with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesos_allocation::{Allocation, Input, Options, Output};
use mesos_api::v1::framework_info::{self, capability::Type as FrameworkCapability};
use mesos_api::v1::{
    AgentId, AgentInfo, Filters, FrameworkId, FrameworkInfo, Unavailability, WeightInfo, agent_info,
};
use mesos_resources::{Quantities, Resources};
use stout::Time;

pub(crate) use mesos_api::v1::agent_info::capability::Type as AgentCapability;

/// One offer: to whom, for which role, of which agent, what.
pub(crate) type Offer = (String, String, String, Resources);

pub(crate) struct Cluster {
    pub(crate) allocation: Allocation,
    pub(crate) now: Time,
    pub(crate) out: Vec<Output>,
}

pub(crate) fn framework_id(id: &str) -> FrameworkId {
    FrameworkId { value: id.to_owned() }
}

pub(crate) fn agent_id(id: &str) -> AgentId {
    AgentId { value: id.to_owned() }
}

/// Reads resources as operators or `Display` write them.
pub(crate) fn resources(text: &str) -> Resources {
    if text.starts_with('[') {
        let array: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
        let protos = array.iter().map(|value| mesos_api::json::from_value(value).unwrap());
        return Resources::from_protos(protos).unwrap();
    }
    text.parse().unwrap()
}

pub(crate) fn allocated(text: &str, role: &str) -> Resources {
    let mut all = resources(text);
    all.allocate(role);
    all
}

pub(crate) fn quantities(text: &str) -> Quantities {
    resources(text).quantities()
}

pub(crate) fn framework_info(roles: &[&str], capabilities: &[FrameworkCapability]) -> FrameworkInfo {
    let all = [FrameworkCapability::MultiRole, FrameworkCapability::ReservationRefinement];
    let capability = |kind: &FrameworkCapability| framework_info::Capability { r#type: Some(*kind as i32) };
    FrameworkInfo {
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        capabilities: all.iter().chain(capabilities).map(capability).collect(),
        ..Default::default()
    }
}

pub(crate) fn agent_capabilities(capabilities: &[AgentCapability]) -> Vec<agent_info::Capability> {
    capabilities.iter().map(|kind| agent_info::Capability { r#type: Some(*kind as i32) }).collect()
}

pub(crate) const MODERN: [AgentCapability; 3] =
    [AgentCapability::MultiRole, AgentCapability::HierarchicalRole, AgentCapability::ReservationRefinement];

impl Cluster {
    pub(crate) fn new() -> Self {
        Self::with(Options { seed: 42, ..Default::default() })
    }

    pub(crate) fn with(options: Options) -> Self {
        Self { allocation: Allocation::new(options), now: Time::from_secs_f64(1000.0), out: Vec::new() }
    }

    pub(crate) fn apply(&mut self, input: Input) -> &mut Self {
        self.allocation.apply(input, self.now, &mut self.out);
        self
    }

    /// Adds a framework that understands roles and refinement.
    pub(crate) fn framework(&mut self, id: &str, roles: &[&str]) -> &mut Self {
        self.framework_with(id, framework_info(roles, &[]))
    }

    pub(crate) fn framework_with(&mut self, id: &str, info: FrameworkInfo) -> &mut Self {
        self.apply(Input::AddFramework {
            id: framework_id(id),
            info,
            used: BTreeMap::new(),
            active: true,
            suppressed_roles: BTreeSet::new(),
        })
    }

    /// Adds an agent with all capabilities on a host of its own name.
    pub(crate) fn agent(&mut self, id: &str, total: &str) -> &mut Self {
        self.agent_with(id, total, &MODERN, None)
    }

    pub(crate) fn agent_with(
        &mut self,
        id: &str,
        total: &str,
        capabilities: &[AgentCapability],
        unavailability: Option<Unavailability>,
    ) -> &mut Self {
        self.apply(Input::AddAgent {
            id: agent_id(id),
            info: AgentInfo { hostname: id.to_owned(), ..Default::default() },
            capabilities: agent_capabilities(capabilities),
            unavailability,
            total: resources(total),
            used: BTreeMap::new(),
        })
    }

    pub(crate) fn quota(&mut self, role: &str, guarantee: &str) -> &mut Self {
        self.apply(Input::SetQuota { role: role.to_owned(), quota: quantities(guarantee).into() })
    }

    pub(crate) fn weight(&mut self, role: &str, weight: f64) -> &mut Self {
        self.apply(Input::UpdateWeights(vec![WeightInfo { weight, role: Some(role.to_owned()) }]))
    }

    /// Lets an allocation interval pass.
    pub(crate) fn tick(&mut self) -> &mut Self {
        self.now += Duration::from_secs(1);
        self.apply(Input::Tick)
    }

    /// Gives resources back, as `role`'s, with a refusal of so many seconds.
    pub(crate) fn decline(
        &mut self,
        framework: &str,
        role: &str,
        agent: &str,
        what: &Resources,
        seconds: f64,
    ) -> &mut Self {
        self.recover(framework, role, agent, what, Some(seconds))
    }

    pub(crate) fn recover(
        &mut self,
        framework: &str,
        role: &str,
        agent: &str,
        what: &Resources,
        refuse_seconds: Option<f64>,
    ) -> &mut Self {
        let mut what = what.clone();
        what.allocate(role);
        self.apply(Input::RecoverResources {
            framework: framework_id(framework),
            agent: agent_id(agent),
            resources: what,
            filters: refuse_seconds.map(|seconds| Filters { refuse_seconds: Some(seconds) }),
        })
    }

    /// Declines all of these offers.
    pub(crate) fn decline_all(&mut self, offers: &[Offer], seconds: f64) -> &mut Self {
        for (framework, role, agent, what) in offers {
            self.decline(framework, role, agent, what, seconds);
        }
        self
    }

    /// The offers since the last call, sorted; the resources no longer carry their role.
    pub(crate) fn offers(&mut self) -> Vec<Offer> {
        let mut all = Vec::new();
        for output in std::mem::take(&mut self.out) {
            let Output::Offers { framework, offers } = output else {
                self.out.push(output);
                continue;
            };
            for (role, agents) in offers {
                for (agent, mut what) in agents {
                    assert!(what.iter().all(|resource| resource.allocation_role() == Some(&role)));
                    what.unallocate();
                    all.push((framework.value.clone(), role.clone(), agent.value, what));
                }
            }
        }
        all.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
        all
    }

    /// Checks the offers since the last check: framework, role, agent, resources.
    #[track_caller]
    pub(crate) fn expect(&mut self, expected: &[(&str, &str, &str, &str)]) -> &mut Self {
        let found = self.offers();
        let expected: Vec<Offer> = expected
            .iter()
            .map(|(framework, role, agent, what)| {
                ((*framework).to_owned(), (*role).to_owned(), (*agent).to_owned(), resources(what))
            })
            .collect();
        assert_eq!(show(&found), show(&expected));
        assert_eq!(found, expected);
        self
    }

    /// How many agents each role was offered since the last check.
    pub(crate) fn agents_by_role(&mut self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for (_, role, _, _) in self.offers() {
            *all.entry(role).or_default() += 1;
        }
        all
    }
}

fn show(offers: &[Offer]) -> Vec<String> {
    let line = |(framework, role, agent, what): &Offer| {
        let mut parts: Vec<_> = what.iter().map(ToString::to_string).collect();
        parts.sort();
        format!("{framework} {role} {agent} {}", parts.join("; "))
    };
    offers.iter().map(line).collect()
}
