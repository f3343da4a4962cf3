//! Changing what a container may use while it runs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use libprocess::{Context, Future, Promise};
use mesos_api::v1;
use tracing::warn;

use super::{Container, ContainerizerProcess, HelperState};
use crate::id::Id;
use crate::runtime::{ContainerDir, Limits};
use crate::volumes::VolumeChange;
use crate::{ContainerError, Volume};

/// Where a container is on its way to what it may use, which its record says.
#[derive(Debug, Default)]
pub(super) struct Update {
    /// The volumes that its sandbox shows for sure.
    linked: BTreeSet<Volume>,
    /// Whether one is being made.
    busy: bool,
    /// Who asked for one since.
    waiting: Vec<Promise<()>>,
}

impl Update {
    /// A container that has what its record says.
    pub(super) fn done(volumes: &BTreeSet<Volume>) -> Self {
        Self { linked: volumes.clone(), ..Self::default() }
    }

    /// The container is gone.
    pub(super) fn give_up(self, id: &Id) {
        for promise in self.waiting {
            promise.fail(ContainerError::Unknown { id: id.to_string() });
        }
    }
}

impl ContainerizerProcess {
    pub(crate) fn update(
        &mut self,
        cx: &mut Context<Self>,
        id: &v1::ContainerId,
        resources: &[v1::Resource],
        volumes: BTreeSet<Volume>,
    ) -> Future<()> {
        let found = Id::new(id).ok().filter(Id::is_root);
        let Some((id, container)) = found.and_then(|id| Some((id.clone(), self.containers.get_mut(&id)?)))
        else {
            return Future::failed(ContainerError::Unknown { id: id.to_string() });
        };
        container.record.limits = Limits::of(resources);
        container.record.volumes = volumes;
        let promise = Promise::new();
        let updated = promise.future();
        container.update.waiting.push(promise);
        self.advance_update(cx, &id);
        updated
    }

    /// Makes what was asked for last, for all who asked, unless something is being made.
    pub(super) fn advance_update(&mut self, cx: &mut Context<Self>, id: &Id) {
        let used = self.used_besides(id);
        let Some(container) = self.containers.get_mut(id) else { return };
        let Container { record, update, helper, .. } = container;
        // Until the helper is started, its sandbox is being made.
        if *helper == HelperState::Starting || update.busy || update.waiting.is_empty() {
            return;
        }
        update.busy = true;
        let promises = std::mem::take(&mut update.waiting);
        let change = VolumeChange::new(&update.linked, &record.volumes, &used);
        let (id, record, directory) = (id.clone(), record.clone(), self.runtime.container(id));
        let work = move || {
            let made = change.make(&record.directory, record.user.as_deref());
            // Not before: a link that is missing must not count as made after a crash.
            if made.is_ok()
                && let Err(error) = directory.write_json(ContainerDir::CONFIG, &record)
            {
                warn!(directory = %directory.path().display(), %error, "what a container may use is not written down");
            }
            made.map(|()| record.volumes)
        };
        cx.run_blocking(work, move |p, cx, made| {
            let problem = made.as_ref().err().map(ToString::to_string);
            if let Some(container) = p.containers.get_mut(&id) {
                container.update.busy = false;
                if let Ok(linked) = made {
                    container.update.linked = linked;
                }
            }
            for promise in promises {
                match &problem {
                    None => promise.set(()),
                    Some(problem) => {
                        let (id, problem) = (id.to_string(), problem.clone());
                        promise.fail(ContainerError::Update { id, problem });
                    }
                }
            }
            p.advance_update(cx, &id);
        });
    }

    /// The directories of volumes that containers have besides this one.
    pub(super) fn used_besides(&self, id: &Id) -> BTreeSet<PathBuf> {
        let others = self.containers.iter().filter(|(other, _)| *other != id);
        let volumes = others.flat_map(|(_, container)| &container.record.volumes);
        volumes.map(|volume| volume.directory.clone()).collect()
    }
}
