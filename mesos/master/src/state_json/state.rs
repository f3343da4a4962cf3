//! `/state`.

use mesos_daemon::model::{AgentInfo, Domain, MasterCapabilities, MasterInfo};
use mesos_daemon::version::version_info;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::agent::Brief;
use super::framework::Frameworks;
use super::seq::Seq;
use crate::authorization::Visibility;
use crate::view::View;

/// Everything there is.
pub(crate) struct State<'a> {
    pub(crate) view: &'a View,
    pub(crate) visibility: &'a Visibility,
    /// Whether the flags may be seen.
    pub(crate) with_flags: bool,
}

impl Serialize for State<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, visibility, .. } = *self;
        let snapshot = &view.snapshot;
        let mut map = serializer.serialize_map(None)?;
        write_version(&mut map)?;
        self.write_master(&mut map)?;
        if self.with_flags {
            self.write_flags(&mut map)?;
        }
        let agents = || snapshot.agents.values().map(|agent| Brief::new(agent, visibility));
        map.serialize_entry("slaves", &Seq(agents))?;
        let recovered = || snapshot.recovered_agents.values().map(|info| AgentInfo(info));
        map.serialize_entry("recovered_slaves", &Seq(recovered))?;
        Frameworks { view, visibility, only: None }.write(&mut map)?;
        // Long gone, but clients look for them.
        map.serialize_entry("orphan_tasks", &[(); 0])?;
        map.serialize_entry("unregistered_frameworks", &[(); 0])?;
        map.end()
    }
}

fn write_version<M: SerializeMap>(map: &mut M) -> Result<(), M::Error> {
    let version = version_info();
    map.serialize_entry("version", &version.version)?;
    for (name, value) in [
        ("git_sha", &version.git_sha),
        ("git_branch", &version.git_branch),
        ("git_tag", &version.git_tag),
        ("build_date", &version.build_date),
    ] {
        if let Some(value) = value {
            map.serialize_entry(name, value)?;
        }
    }
    map.serialize_entry("build_time", &version.build_time.unwrap_or(0.0))?;
    map.serialize_entry("build_user", version.build_user())
}

impl State<'_> {
    fn write_master<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let view = self.view;
        let info = &view.identity.info;
        map.serialize_entry("start_time", &view.identity.start_time.as_secs_f64())?;
        if let Some(time) = view.elected_time {
            map.serialize_entry("elected_time", &time.as_secs_f64())?;
        }
        map.serialize_entry("id", &info.id)?;
        map.serialize_entry("pid", info.pid())?;
        map.serialize_entry("hostname", info.hostname())?;
        map.serialize_entry("capabilities", &MasterCapabilities(&info.capabilities))?;
        let agents = view.snapshot.agents.len();
        let active = view.totals().agents_active;
        // Numbers with a point, as Mesos writes them.
        map.serialize_entry("activated_slaves", &(active as f64))?;
        map.serialize_entry("deactivated_slaves", &(agents.saturating_sub(active) as f64))?;
        map.serialize_entry("unreachable_slaves", &(view.snapshot.unreachable_agents.len() as f64))?;
        if let Some(domain) = &info.domain {
            map.serialize_entry("domain", &Domain(domain))?;
        }
        if let Some(leader) = view.leader() {
            map.serialize_entry("leader", leader.pid())?;
            map.serialize_entry("leader_info", &MasterInfo(leader))?;
        }
        Ok(())
    }

    fn write_flags<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let flags = &self.view.identity.flags;
        if let Some(cluster) = &flags.cluster {
            map.serialize_entry("cluster", cluster)?;
        }
        if let Some(dir) = &flags.logging.log_dir {
            map.serialize_entry("log_dir", &dir.to_string_lossy())?;
        }
        if let Some(file) = &flags.logging.external_log_file {
            map.serialize_entry("external_log_file", &file.to_string_lossy())?;
        }
        map.serialize_entry("flags", &stout::flags::to_json(flags))
    }
}
