//! `/state-summary`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::mapping::Mapping;
use super::seq::Seq;
use super::{agent, framework};
use crate::authorization::Visibility;
use crate::view::View;

/// Agents and frameworks with numbers of tasks instead of the tasks.
pub(crate) struct Summary<'a> {
    pub(crate) view: &'a View,
    pub(crate) visibility: &'a Visibility,
}

#[derive(Serialize)]
struct AgentSummary<'a> {
    #[serde(flatten)]
    agent: agent::Brief<'a>,
    #[serde(flatten)]
    states: BTreeMap<&'static str, u64>,
    framework_ids: Vec<&'a str>,
}

#[derive(Serialize)]
struct FrameworkSummary<'a> {
    #[serde(flatten)]
    framework: framework::Brief<'a>,
    #[serde(flatten)]
    states: BTreeMap<&'static str, u64>,
    slave_ids: Vec<&'a str>,
}

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, visibility } = *self;
        let mapping = Mapping::of(&view.snapshot);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("hostname", view.identity.info.hostname())?;
        if let Some(cluster) = &view.identity.flags.cluster {
            map.serialize_entry("cluster", cluster)?;
        }
        let agents = || {
            view.snapshot.agents.values().map(|agent| AgentSummary {
                agent: agent::Brief::new(agent, visibility),
                states: mapping.states_on(&agent.id),
                framework_ids: mapping.frameworks_on(&agent.id),
            })
        };
        map.serialize_entry("slaves", &Seq(agents))?;
        let frameworks = || {
            let frameworks = view.snapshot.frameworks.values();
            frameworks.filter(|framework| visibility.framework(&framework.info)).map(|framework| {
                FrameworkSummary {
                    framework: framework::Brief::new(framework),
                    states: mapping.states_of(&framework.id),
                    slave_ids: mapping.agents_of(&framework.id),
                }
            })
        };
        map.serialize_entry("frameworks", &Seq(frameworks))?;
        map.end()
    }
}
