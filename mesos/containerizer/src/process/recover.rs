//! Finding the containers of an agent that was here before.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use libprocess::{Context, Future, Promise};
use tracing::{info, warn};

use super::{Container, ContainerizerProcess, Ended, HelperState, State, Update};
use crate::id::Id;
use crate::runtime::{ContainerDir, Limits, Record, RuntimeDir, TerminationRecord};
use crate::watch::{self, Identity};
use crate::{ContainerError, Recovered, Termination};

/// What the runtime directory says about a container.
struct Found {
    id: Id,
    record: Option<Record>,
    helper: Option<Identity>,
    termination: Option<Termination>,
}

impl ContainerizerProcess {
    pub(crate) fn recover(&mut self, cx: &mut Context<Self>, checkpointed: Vec<Recovered>) -> Future<()> {
        let promise = Promise::new();
        let recovered = promise.future();
        let runtime = self.runtime.clone();
        cx.run_blocking(
            move || scan(&runtime),
            move |p, cx, found| match found {
                Ok(found) => {
                    p.take_back(cx, found, &checkpointed);
                    promise.set(());
                }
                Err(cause) => {
                    let path = p.options.runtime_dir.clone();
                    promise.fail(ContainerError::File { doing: "read", path, cause });
                }
            },
        );
        recovered
    }

    fn take_back(&mut self, cx: &mut Context<Self>, found: Vec<Found>, checkpointed: &[Recovered]) {
        let mut wanted: BTreeMap<Id, &Recovered> = checkpointed
            .iter()
            .filter_map(|recovered| Some((Id::new(&recovered.container_id).ok()?, recovered)))
            .collect();
        for Found { id, record, helper, termination } in found {
            let claim = wanted.remove(&id);
            if let (Some(termination), false) = (termination, id.is_root()) {
                let parent = self.nested_parent(&id);
                self.ended.insert(id, Ended { termination, parent, once: false });
                continue;
            }
            let claimed = match (&record, claim) {
                (_, Some(_)) => true,
                (Some(record), None) if id.is_root() => record.standalone,
                (Some(record), None) => !record.debug,
                (None, None) => false,
            };
            let mut record = record.unwrap_or_else(|| unrecorded(claim));
            if let Some(claim) = claim {
                record.limits = Limits::of(&claim.resources);
            }
            self.insert_recovered(cx, id, record, helper, claimed, claim.is_some());
        }
        for (id, gone) in wanted {
            warn!(container = %id, pid = gone.pid, "nothing is known about a container that was here");
            let message = Some("nothing is left of the container".to_owned());
            let termination = Termination { message, ..Termination::default() };
            self.ended.insert(id, Ended { termination, parent: None, once: true });
        }
    }

    fn insert_recovered(
        &mut self,
        cx: &mut Context<Self>,
        id: Id,
        record: Record,
        helper: Option<Identity>,
        claimed: bool,
        awaited: bool,
    ) {
        let ends = !claimed || helper.is_none();
        let parent = self.nested_parent(&id);
        let name = id.names().last().map(String::as_str).unwrap_or_default();
        let log_directory =
            parent.map_or_else(|| record.directory.clone(), |parent| parent.join("containers").join(name));
        info!(container = %id, alive = helper.is_some(), orphan = !claimed, "recovered");
        let update = Update::done(&record.volumes);
        let container = Container {
            record,
            log_directory,
            helper: helper.map_or(HelperState::Gone, HelperState::Alive),
            state: State::Running,
            update,
            waiters: Vec::new(),
            cause: None,
            // Its agent can ask only now, and it may be gone before that.
            awaited,
            fetches: false,
        };
        self.containers.insert(id.clone(), container);
        if let Some(helper) = helper {
            let id = id.clone();
            cx.run(watch::ended(helper), move |p, cx, ()| p.exited(cx, &id));
        }
        if ends {
            // After all are known, so that nested containers are seen.
            let pid = cx.pid();
            pid.tell(move |p, cx| p.begin_destroy(cx, &id));
        }
    }

    /// The directory in which the sandbox of a nested container lies; its parent is known already.
    fn nested_parent(&self, id: &Id) -> Option<PathBuf> {
        let parent = id.parent()?;
        match self.containers.get(&parent) {
            Some(container) => Some(container.log_directory.clone()),
            // It has ended, and its sandbox lies in that of its own parent.
            None => {
                let name = parent.names().last()?;
                Some(self.ended.get(&parent)?.parent.as_ref()?.join("containers").join(name))
            }
        }
    }
}

/// What can be said of a container whose record is lost.
fn unrecorded(claim: Option<&Recovered>) -> Record {
    Record {
        directory: claim.map(|claim| claim.directory.clone()).unwrap_or_default(),
        user: None,
        debug: false,
        standalone: false,
        limits: Limits::default(),
        volumes: BTreeSet::new(),
    }
}

fn scan(runtime: &RuntimeDir) -> io::Result<Vec<Found>> {
    let ids = runtime.list()?;
    Ok(ids.into_iter().map(|id| look_at(&runtime.container(&id), id)).collect())
}

/// A file that cannot be read counts as missing: what then cannot be claimed is destroyed.
fn look_at(directory: &ContainerDir, id: Id) -> Found {
    let record = directory.read_json::<Record>(ContainerDir::CONFIG).unwrap_or_else(|error| {
        warn!(container = %id, %error, "the record of a container is lost");
        None
    });
    let termination = directory.read_json::<TerminationRecord>(ContainerDir::TERMINATION).ok().flatten();
    Found { record, helper: helper(directory), termination: termination.map(Termination::from), id }
}

/// The helper of a container, if it lives.
fn helper(directory: &ContainerDir) -> Option<Identity> {
    let pid = directory.read_number::<u32>(ContainerDir::PID).ok().flatten()?;
    let start_ticks = directory.read_number::<u64>(ContainerDir::START_TIME).ok().flatten();
    let identity = Identity::of(pid)?;
    // Start times repeat after a reboot; the command line of a helper names its directory.
    let same_start = start_ticks.is_none_or(|start_ticks| start_ticks == identity.start_ticks);
    (same_start && is_helper_of(pid, directory.path())).then_some(identity)
}

fn is_helper_of(pid: u32, directory: &Path) -> bool {
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).any(|argument| argument == directory.as_os_str().as_encoded_bytes())
}
