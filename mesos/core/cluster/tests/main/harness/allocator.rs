//! An allocator that offers all it has, and checks what it is told.

use std::collections::{BTreeMap, BTreeSet};

use mesos_allocation::{Input, Output};
use mesos_api::v1::{AgentId, FrameworkId};
use mesos_resources::Resources;

#[derive(Default)]
pub(crate) struct Allocator {
    pub(crate) agents: BTreeMap<AgentId, AgentBook>,
    pub(crate) frameworks: BTreeMap<FrameworkId, bool>,
    /// What is allocated, to whom, where.
    pub(crate) allocated: BTreeMap<(FrameworkId, AgentId), Resources>,
    /// What was said about filters.
    pub(crate) recovered: Vec<(FrameworkId, Resources, Option<f64>)>,
    pub(crate) calls: Vec<String>,
}

pub(crate) struct AgentBook {
    pub(crate) total: Resources,
    /// What is held by anybody, also by frameworks that nobody knows any more.
    pub(crate) held: Resources,
    pub(crate) active: bool,
}

fn unallocated(resources: &Resources) -> Resources {
    let mut resources = resources.clone();
    resources.unallocate();
    resources
}

impl Allocator {
    pub(crate) fn allocate(&mut self, framework: &FrameworkId, agent: &AgentId, resources: &Resources) {
        if let Some(book) = self.agents.get_mut(agent) {
            book.held += unallocated(resources);
        }
        self.charge(framework, agent, resources);
    }

    fn charge(&mut self, framework: &FrameworkId, agent: &AgentId, resources: &Resources) {
        let key = (framework.clone(), agent.clone());
        *self.allocated.entry(key).or_default() += resources;
    }

    fn recover(&mut self, framework: &FrameworkId, agent: &AgentId, resources: &Resources) {
        if let Some(book) = self.agents.get_mut(agent) {
            let plain = unallocated(resources);
            assert!(book.held.contains(&plain), "{plain} of {} on {agent} is given back", book.held);
            book.held -= plain;
        }
        if !self.frameworks.contains_key(framework) {
            return;
        }
        let key = (framework.clone(), agent.clone());
        let held = self.allocated.entry(key.clone()).or_default();
        assert!(held.contains(resources), "{framework} gives back {resources} of {held} on {agent}");
        *held -= resources;
        if held.is_empty() {
            self.allocated.remove(&key);
        }
    }

    pub(crate) fn free(&self, agent: &AgentId) -> Resources {
        let Some(book) = self.agents.get(agent) else { return Resources::new() };
        let mut free = book.total.clone();
        free -= &book.held;
        free
    }

    /// Offers all that is free, for a role.
    pub(crate) fn offer(&mut self, framework: &FrameworkId, role: &str) -> Option<Output> {
        if self.frameworks.get(framework) != Some(&true) {
            return None;
        }
        let mut given = BTreeMap::new();
        let active: Vec<AgentId> =
            self.agents.iter().filter(|(_, book)| book.active).map(|(id, _)| id.clone()).collect();
        for agent in active {
            let mut free = self.free(&agent).reservable_to(role);
            if !free.is_empty() {
                free.allocate(role);
                self.allocate(framework, &agent, &free);
                given.insert(agent, free);
            }
        }
        let offers = BTreeMap::from([(role.to_owned(), given)]);
        Some(Output::Offers { framework: framework.clone(), offers })
    }

    pub(crate) fn apply(&mut self, input: &Input) -> Vec<Output> {
        match input {
            Input::AddFramework { id, used, active, .. } => {
                self.calls.push(format!("add framework {id}"));
                assert!(self.frameworks.insert(id.clone(), *active).is_none(), "{id} is added twice");
                for (agent, used) in used {
                    if self.agents.contains_key(agent) {
                        // The agent came with what the framework uses.
                        self.charge(id, agent, used);
                    }
                }
            }
            Input::RemoveFramework(id) => {
                assert!(self.frameworks.remove(id).is_some(), "{id} is not there");
                let left: Vec<_> = self.allocated.keys().filter(|(framework, _)| framework == id).collect();
                assert!(left.is_empty(), "{id} still holds something on {left:?}");
            }
            Input::ActivateFramework(id) => {
                assert_eq!(self.frameworks.insert(id.clone(), true), Some(false), "{id} was active");
            }
            Input::DeactivateFramework(id) => {
                assert_eq!(self.frameworks.insert(id.clone(), false), Some(true), "{id} was inactive");
            }
            Input::UpdateFramework { id, .. } => assert!(self.frameworks.contains_key(id)),
            Input::AddAgent { id, total, used, .. } => {
                let mut held = Resources::new();
                for (framework, used) in used {
                    held += unallocated(used);
                    if self.frameworks.contains_key(framework) {
                        self.charge(framework, id, used);
                    }
                }
                let book = AgentBook { total: total.clone(), held, active: true };
                assert!(self.agents.insert(id.clone(), book).is_none(), "{id} is added twice");
            }
            Input::RemoveAgent(id) => {
                assert!(self.agents.remove(id).is_some(), "{id} is not there");
            }
            Input::ActivateAgent(id) => {
                let book = self.agents.get_mut(id).expect("the agent is there");
                assert!(!std::mem::replace(&mut book.active, true), "{id} was active");
            }
            Input::DeactivateAgent(id) => {
                let book = self.agents.get_mut(id).expect("the agent is there");
                assert!(std::mem::replace(&mut book.active, false), "{id} was inactive");
            }
            Input::UpdateAgent { id, total, .. } => {
                if let (Some(book), Some(total)) = (self.agents.get_mut(id), total) {
                    book.total = total.clone();
                }
            }
            Input::RecoverResources { framework, agent, resources, filters } => {
                let seconds = filters.as_ref().map(|filters| filters.refuse_seconds());
                self.recovered.push((framework.clone(), resources.clone(), seconds));
                self.recover(framework, agent, resources);
            }
            Input::UpdateAllocation { framework, agent, offered, conversions } => {
                let key = (framework.clone(), agent.clone());
                let held = self.allocated.get(&key).expect("something is allocated").clone();
                assert!(held.contains(offered), "{offered} is not allocated");
                let book = self.agents.get_mut(agent).expect("the agent is there");
                let mut held = held;
                for conversion in conversions {
                    held = held.convert(conversion).expect("what is converted is allocated");
                    let plain = mesos_resources::Conversion::new(
                        unallocated(&conversion.consumed),
                        unallocated(&conversion.converted),
                    );
                    if !plain.consumed.is_empty() {
                        book.total = book.total.convert(&plain).expect("what is converted is there");
                    }
                    book.held = book.held.convert(&plain).expect("what is converted is held");
                }
                self.allocated.insert(key, held);
            }
            Input::UpdateAvailable { agent, token, operations } => {
                let mut free = self.free(agent);
                let mut result = Ok(());
                for operation in operations {
                    match free.apply(operation) {
                        Ok(after) => free = after,
                        Err(error) => result = Err(error),
                    }
                }
                if let (Ok(()), Some(book)) = (&result, self.agents.get_mut(agent)) {
                    for operation in operations {
                        book.total = book.total.apply(operation).expect("it applies to the free part");
                    }
                }
                return vec![Output::Available { token: *token, result }];
            }
            Input::Suppress { roles, .. } => self.calls.push(format!("suppress {}", join(roles))),
            Input::Revive { roles, .. } => self.calls.push(format!("revive {}", join(roles))),
            Input::UpdateUnavailability { agent, unavailability } => {
                self.calls.push(format!("unavailability {agent} {}", unavailability.is_some()));
            }
            Input::UpdateInverseOffer { status, .. } => {
                let answer = status.as_ref().map(|status| status.status().as_str_name());
                self.calls.push(format!("inverse offer {}", answer.unwrap_or("ended")));
            }
            Input::Recover { expected_agents, .. } => self.calls.push(format!("recover {expected_agents}")),
            Input::UpdateWeights(weights) => self.calls.push(format!("weights {}", weights.len())),
            Input::RequestResources { .. }
            | Input::AddResourceProvider { .. }
            | Input::UpdateWhitelist(_)
            | Input::GetInverseOfferStatuses { .. }
            | Input::SetQuota { .. }
            | Input::RemoveQuota(_)
            | Input::Tick => {}
        }
        Vec::new()
    }
}

fn join(roles: &BTreeSet<String>) -> String {
    roles.iter().cloned().collect::<Vec<_>>().join(",")
}
