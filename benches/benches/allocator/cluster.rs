//! A cluster that takes offers and gives them back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libprocess::Time;
use mesos_allocation::{Allocation, Input, Options, Output, Quota};
use mesos_api::v1::framework_info::{self, capability::Type as FrameworkCapability};
use mesos_api::v1::{AgentId, AgentInfo, Filters, FrameworkId, FrameworkInfo, agent_info};
use mesos_resources::Resources;

use crate::timing::cpu;

/// One offer: to whom, of which agent, what; the resources carry the role.
pub(crate) type Offer = (FrameworkId, AgentId, Resources);

/// The agents of Mesos' own benchmarks.
pub(crate) const AGENT: &str = "cpus:24;mem:4096;disk:4096;ports:[31000-32000]";

pub(crate) struct Cluster {
    pub(crate) allocation: Allocation,
    pub(crate) now: Time,
    pub(crate) out: Vec<Output>,
}

/// How frameworks are spread over roles.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Roles {
    One,
    Each,
}

impl Roles {
    pub(crate) fn name(self, framework: usize) -> String {
        match self {
            Self::One => "role".to_owned(),
            Self::Each => format!("role-{framework}"),
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::One => "one role",
            Self::Each => "a role each",
        }
    }
}

pub(crate) fn agent_id(agent: usize) -> AgentId {
    AgentId { value: format!("6e3f5c1c-5a67-4a79-9e2e-0c1f6d0c2a11-S{agent}") }
}

pub(crate) fn framework_id(framework: usize) -> FrameworkId {
    FrameworkId { value: format!("6e3f5c1c-5a67-4a79-9e2e-0c1f6d0c2a11-{framework:04}") }
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let options = Options { seed: 7, ..Options::default() };
        Self { allocation: Allocation::new(options), now: Time::from_secs_f64(1e9), out: Vec::new() }
    }

    /// Takes an input in and throws away what the allocation offers at once.
    pub(crate) fn accept(&mut self, input: Input) {
        self.allocation.accept(input, self.now, &mut self.out);
    }

    pub(crate) fn frameworks(&mut self, count: usize, roles: Roles) {
        for framework in 0..count {
            self.framework(framework, &roles.name(framework));
        }
    }

    pub(crate) fn framework(&mut self, framework: usize, role: &str) {
        let capabilities = [
            FrameworkCapability::MultiRole,
            FrameworkCapability::ReservationRefinement,
            FrameworkCapability::SharedResources,
        ];
        let capability = |kind: FrameworkCapability| framework_info::Capability { r#type: Some(kind as i32) };
        let info = FrameworkInfo {
            roles: vec![role.to_owned()],
            capabilities: capabilities.into_iter().map(capability).collect(),
            ..FrameworkInfo::default()
        };
        self.accept(Input::AddFramework {
            id: framework_id(framework),
            info,
            used: BTreeMap::new(),
            active: true,
            suppressed_roles: BTreeSet::new(),
        });
    }

    /// What adding an agent is.
    pub(crate) fn agent(agent: usize, total: Resources) -> Input {
        use agent_info::capability::Type;
        let capabilities = [Type::MultiRole, Type::HierarchicalRole, Type::ReservationRefinement];
        let capability = |kind: Type| agent_info::Capability { r#type: Some(kind as i32) };
        Input::AddAgent {
            id: agent_id(agent),
            info: AgentInfo { hostname: format!("agent-{agent}"), ..AgentInfo::default() },
            capabilities: capabilities.into_iter().map(capability).collect(),
            unavailability: None,
            total,
            used: BTreeMap::new(),
        }
    }

    pub(crate) fn agents(&mut self, count: usize, total: impl Fn(usize) -> Resources) {
        for agent in 0..count {
            self.accept(Self::agent(agent, total(agent)));
        }
    }

    pub(crate) fn quota(&mut self, role: String, guarantee: &str) {
        let quota = Quota::from(resources(guarantee).quantities());
        self.accept(Input::SetQuota { role, quota });
    }

    /// Runs what is due, and tells how many seconds that took.
    pub(crate) fn run(&mut self) -> f64 {
        cpu(|| self.allocation.run(self.now, &mut self.out)).1
    }

    /// Lets an interval pass and runs a cycle over all agents.
    pub(crate) fn tick(&mut self) -> f64 {
        self.now += Duration::from_secs(1);
        let tick = cpu(|| self.accept(Input::Tick)).1;
        tick + self.run()
    }

    /// The offers since the last call.
    pub(crate) fn offers(&mut self) -> Vec<Offer> {
        let mut all = Vec::new();
        for output in self.out.drain(..) {
            let Output::Offers { framework, offers } = output else { continue };
            for (agent, resources) in offers.into_values().flatten() {
                all.push((framework.clone(), agent, resources));
            }
        }
        all
    }

    /// Gives offers back, refusing them for so long, and tells how many seconds that took.
    pub(crate) fn decline(&mut self, offers: Vec<Offer>, refuse_seconds: f64) -> f64 {
        cpu(|| {
            for (framework, agent, resources) in offers {
                let filters = Some(Filters { refuse_seconds: Some(refuse_seconds) });
                self.accept(Input::RecoverResources { framework, agent, resources, filters });
            }
        })
        .1
    }
}

pub(crate) fn resources(text: &str) -> Resources {
    text.parse().expect("the text is right")
}
