//! `/state-summary`.

use mesos_cluster::{Agent, Framework};
use mesos_daemon::model::Seq;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::mapping::{Mapping, write_states};
use super::{agent, framework};
use crate::authorization::Visibility;
use crate::view::View;

/// Agents and frameworks with numbers of tasks instead of the tasks.
pub(crate) struct Summary<'a> {
    pub(crate) view: &'a View,
    pub(crate) visibility: &'a Visibility,
}

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, visibility } = self;
        let mapping = Mapping::of(&view.snapshot);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("hostname", view.identity.info.hostname())?;
        if let Some(cluster) = &view.identity.flags.cluster {
            map.serialize_entry("cluster", cluster)?;
        }
        let agents = view.snapshot.agents.values();
        map.serialize_entry(
            "slaves",
            &Seq(agents.map(|agent| AgentSummary { agent, visibility, mapping: &mapping })),
        )?;
        let frameworks = view.snapshot.frameworks.values();
        let frameworks = frameworks.filter(|framework| visibility.framework(&framework.info));
        map.serialize_entry(
            "frameworks",
            &Seq(frameworks.map(|framework| FrameworkSummary { framework, mapping: &mapping })),
        )?;
        map.end()
    }
}

struct AgentSummary<'a> {
    agent: &'a Agent,
    visibility: &'a Visibility,
    mapping: &'a Mapping<'a>,
}

impl Serialize for AgentSummary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let side = self.mapping.of_agent(&self.agent.id);
        let mut map = serializer.serialize_map(None)?;
        agent::Brief { agent: self.agent, visibility: self.visibility }.write(&mut map)?;
        write_states(&mut map, side)?;
        let frameworks = side.into_iter().flat_map(|side| side.others());
        map.serialize_entry("framework_ids", &Seq(frameworks.map(|id| &id.value).collect::<Vec<_>>()))?;
        map.end()
    }
}

struct FrameworkSummary<'a> {
    framework: &'a Framework,
    mapping: &'a Mapping<'a>,
}

impl Serialize for FrameworkSummary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let side = self.mapping.of_framework(&self.framework.id);
        let mut map = serializer.serialize_map(None)?;
        framework::Brief(self.framework).write(&mut map)?;
        write_states(&mut map, side)?;
        let agents = side.into_iter().flat_map(|side| side.others());
        map.serialize_entry("slave_ids", &Seq(agents.map(|id| &id.value).collect::<Vec<_>>()))?;
        map.end()
    }
}
