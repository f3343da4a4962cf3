//! Reservations and volumes: what the master decided, put in force on disk.

use std::path::PathBuf;
use std::time::Duration;

use mesos_api::v1::{Resource, resource::disk_info::source};
use mesos_resources::{Resources, apply_checkpointed};
use stout::Time;

use crate::events::{Effect, Input, VolumeRemoval};
use crate::{Layout, Workload, records};

/// The wait before a failed attempt is repeated.
pub const SYNC_RETRY_WAIT: Duration = Duration::from_secs(5);

/// Reservations and volumes that are being put in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Sync {
    /// What is in force afterwards.
    pub target: Resources,
    /// What the master said meanwhile.
    pub next: Option<Vec<Resource>>,
    /// An attempt failed and the next one waits: nobody waits for it.
    pub failed: bool,
}

/// What to do on disk so that `target` is in force where `current` was: directories to create and to remove.
pub fn volume_changes(
    layout: &Layout,
    current: &Resources,
    target: &Resources,
) -> (Vec<PathBuf>, Vec<VolumeRemoval>) {
    let (old, new) = (current.persistent_volumes(), target.persistent_volumes());
    let create = new.iter().filter(|volume| !old.contains(&only(volume)));
    let gone = old.iter().filter(|volume| !new.contains(&only(volume)));
    let remove = gone.filter_map(|volume| {
        let path = layout.volume(volume)?;
        Some(VolumeRemoval { path, keep_root: volume.disk_source() == Some(source::Type::Mount) })
    });
    (create.filter_map(|volume| layout.volume(volume)).collect(), remove.collect())
}

fn only(resource: &mesos_resources::Resource) -> Resources {
    std::iter::once(resource.clone()).collect()
}

impl Workload {
    pub(crate) fn checkpoint_resources(&mut self, resources: Vec<Resource>, out: &mut Vec<Effect>) {
        if let Some(sync) = &mut self.syncing {
            sync.next = Some(resources);
            return;
        }
        let target = match Resources::from_protos(resources) {
            Ok(target) => target,
            Err(error) => {
                out.push(Effect::Note(format!("ignoring checkpointed resources: {error}")));
                return;
            }
        };
        if target.iter().any(|resource| resource.provider_id().is_some()) {
            let text = "ignoring checkpointed resources: resource providers remember their own";
            out.push(Effect::Note(text.to_owned()));
            return;
        }
        if target == self.checkpointed {
            return;
        }
        if let Err(error) = apply_checkpointed(&self.configured(), &target) {
            out.push(Effect::Note(format!(
                "ignoring checkpointed resources {target}: they do not apply to the agent's resources: {error}"
            )));
            return;
        }
        let (create, remove) = volume_changes(&self.layout, &self.checkpointed, &target);
        let content = records::resources(&target);
        self.syncing = Some(Sync { target: target.clone(), next: None, failed: false });
        out.push(Effect::SyncResources { resources: target, content, create, remove });
    }

    pub(crate) fn resources_synced(
        &mut self,
        resources: Resources,
        outcome: Result<(), String>,
        now: Time,
        out: &mut Vec<Effect>,
    ) {
        let Some(sync) = self.syncing.take_if(|sync| sync.target == resources) else { return };
        match outcome {
            Ok(()) => {
                match apply_checkpointed(&self.configured(), &resources) {
                    Ok(total) => {
                        self.total = total;
                        self.checkpointed = resources;
                    }
                    Err(error) => {
                        out.push(Effect::Note(format!("cannot use checkpointed resources: {error}")))
                    }
                }
                if let Some(next) = sync.next {
                    self.checkpoint_resources(next, out);
                }
            }
            Err(error) => {
                out.push(Effect::Note(format!(
                    "failed to checkpoint resources {resources}, trying again in {} s: {error}",
                    SYNC_RETRY_WAIT.as_secs()
                )));
                self.syncing = Some(Sync { failed: true, ..sync });
                out.push(Effect::After(SYNC_RETRY_WAIT, Box::new(Input::RetrySync)));
            }
        }
        self.resume_launches(now, out);
    }

    pub(crate) fn retry_sync(&mut self, out: &mut Vec<Effect>) {
        if let Some(sync) = self.syncing.take_if(|sync| sync.failed) {
            self.checkpoint_resources(sync.next.unwrap_or_else(|| sync.target.to_protos()), out);
        }
    }

    /// Whether a launch has to wait until what it may use is known.
    pub(crate) fn is_syncing(&self) -> bool {
        self.syncing.as_ref().is_some_and(|sync| !sync.failed)
    }

    /// The resources of the command line.
    pub(crate) fn configured(&self) -> Resources {
        crate::resources::collect(&self.info.resources)
    }
}
