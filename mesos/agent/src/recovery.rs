//! What an agent does with its disk when it starts: reads it, cleans up, and remembers the boot.

use std::path::{Path, PathBuf};

use libprocess::{Context, Node};
use mesos_containerizer::Containerizer;
use mesos_updates::{Stream, TaskKey};
use mesos_workload::compatible::Policy;
use mesos_workload::paths::RunId;
use mesos_workload::recovery::{Found, Recovered, RecoveryError, read};
use mesos_workload::{Effect, File, Garbage, Workload};
use tracing::{info, warn};

use crate::disk::{self, StdDisk};
use crate::process::AgentProcess;

/// What was recovered, beside the model.
pub(crate) struct Recovery {
    pub(crate) first: Vec<Effect>,
    pub(crate) streams: Vec<(TaskKey, Stream, PathBuf)>,
    pub(crate) changed: bool,
}

/// Reads what is on disk and takes it up.
///
/// # Errors
///
/// Why the agent cannot start, as the operator reads it.
pub(crate) async fn recover(
    node: &Node,
    workload: &mut Workload,
    containerizer: &Containerizer,
    policy: Policy,
    strict: bool,
) -> Result<Recovery, String> {
    let layout = workload.layout().clone();
    let found = {
        let layout = layout.clone();
        node.run_blocking(move || find(&layout, strict))
    };
    let found = found.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let truncate = found.truncate.clone();
    let mut first = Vec::new();
    let recovered = workload.recover(found, policy, &mut first).map_err(|error| error.to_string())?;
    settle_disk(node, workload, &recovered, truncate).await?;
    let containers = recovered.containers.into_iter().map(|container| mesos_containerizer::Recovered {
        container_id: container.container,
        pid: container.pid,
        directory: container.directory,
        resources: container.resources,
    });
    let own = workload.info().id.as_ref().map(|id| id.value.clone());
    let unknown = unknown_sandboxes(node, workload).await?;
    if !unknown.is_empty() {
        info!(count = unknown.len(), "sending away sandboxes that nobody knows");
        first.push(Effect::Collect(unknown));
    }
    let others = node.run_blocking(move || other_agents(&layout, own.as_deref())).await;
    let others = others.map_err(|error| error.to_string())?;
    if !others.is_empty() {
        info!(count = others.len(), "sending away what is left of other agents");
        first.push(Effect::Collect(others));
    }
    let known = containerizer.recover(containers.collect()).await;
    known.map_err(|error| format!("failed to recover the containers: {error}"))?;
    let streams = recovered.streams.into_iter().filter_map(|(key, stream)| {
        let file = updates_file(workload, &key)?;
        Some((key, stream, file))
    });
    Ok(Recovery { first, streams: streams.collect(), changed: recovered.changed })
}

fn find(layout: &mesos_workload::Layout, strict: bool) -> Result<Found, RecoveryError> {
    read(&StdDisk, layout, boot_id().as_deref(), strict)
}

/// Brings the disk to where the model is.
async fn settle_disk(
    node: &Node,
    workload: &mut Workload,
    recovered: &Recovered,
    truncate: Vec<(PathBuf, u64)>,
) -> Result<(), String> {
    let layout = workload.layout().clone();
    let forget = recovered.forget_agent.then(|| layout.latest_agent());
    let sync = recovered.sync.clone().map(|target| {
        let changes = mesos_workload::volume_changes(&layout, workload.checkpointed_resources(), &target);
        (target, changes)
    });
    let resources = sync.as_ref().map(|(target, _)| target.clone());
    let work = move || {
        disk::truncate(&truncate)?;
        if let Some(link) = forget {
            stout::fs::remove_file(link).map_err(|error| error.to_string())?;
        }
        if let Some((target, (create, remove))) = sync {
            let failed = |error| format!("Target checkpointed resources {target} failed to sync: {error}");
            disk::sync_volumes(&create, &remove).map_err(failed)?;
            disk::commit_resources(&layout.resources_target(), &layout.resources_info()).map_err(failed)?;
        }
        Ok(())
    };
    node.run_blocking(work).await.map_err(|error| error.to_string()).flatten()?;
    if let Some(resources) = resources {
        workload.resources_recovered(resources);
    }
    Ok(())
}

fn updates_file(workload: &Workload, key: &TaskKey) -> Option<PathBuf> {
    let executor = workload.framework(&key.framework_id())?.executor_of(&key.task)?;
    let run = RunId {
        agent: workload.info().id.as_ref().map(|id| id.value.as_str())?,
        framework: &key.framework,
        executor: executor.id(),
        container: &executor.container_id.value,
    };
    Some(workload.layout().task_updates(run, &key.task))
}

/// What can wait until executors had their time: the boot is remembered.
pub(crate) fn remember_boot(agent: &AgentProcess, cx: &Context<AgentProcess>) {
    let path = agent.workload.layout().boot_id();
    let work = move || match boot_id() {
        Some(id) => disk::write_files(&[File { path, content: id.into_bytes() }]),
        None => Ok(()),
    };
    cx.run_blocking(work, |_agent, _cx, written| {
        if let Err(reason) = written {
            warn!(%reason, "failed to remember the boot");
        }
    });
}

/// The directories of agents that this one is not. It has to be asked before this one can get an id.
fn other_agents(layout: &mesos_workload::Layout, own: Option<&str>) -> Vec<Garbage> {
    let mut paths = directories(&layout.agents());
    paths.extend(directories(&layout.meta().join("slaves")));
    paths.retain(|path| own.is_none_or(|own| !path.ends_with(own)));
    paths.into_iter().map(|path| Garbage { path, fresh: true }).collect()
}

/// Sandboxes of frameworks and executors that do not survive a restart.
async fn unknown_sandboxes(node: &Node, workload: &Workload) -> Result<Vec<Garbage>, String> {
    let Some(agent) = workload.info().id.as_ref().map(|id| id.value.clone()) else { return Ok(Vec::new()) };
    let layout = workload.layout().clone();
    // What was recovered as completed has been sent away already.
    let known = workload.clone();
    let listed = node.run_blocking(move || {
        let mut unknown = Vec::new();
        for framework in directories(&layout.agent(&agent).join("frameworks")) {
            let name =
                framework.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            match known.frameworks().get(&name) {
                Some(found) => {
                    unknown.extend(directories(&framework.join("executors")).into_iter().filter(|path| {
                        path.file_name()
                            .is_none_or(|name| !found.executors.contains_key(&*name.to_string_lossy()))
                    }))
                }
                None => unknown.push(framework),
            }
        }
        unknown
    });
    let paths = listed.await.map_err(|error| error.to_string())?;
    Ok(paths.into_iter().map(|path| Garbage { path, fresh: false }).collect())
}

fn directories(path: &Path) -> Vec<PathBuf> {
    use mesos_workload::recovery::Disk;
    match StdDisk.directories(path) {
        Ok(names) => names.into_iter().map(|name| path.join(name)).collect(),
        Err(reason) => {
            warn!(path = %path.display(), %reason, "cannot look for other agents");
            Vec::new()
        }
    }
}

/// Which boot of the machine this is.
fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.inspect_err(|error| warn!(%error, "cannot tell which boot this is"))
        .ok()
        .map(|id| id.trim().to_owned())
}
