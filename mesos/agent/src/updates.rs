//! The status update streams as an actor: it writes, sends and waits as `mesos-updates` says.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use libprocess::{Context, Node, Pid, Process};
use mesos_api::internal::StatusUpdate;
use mesos_api::v1::FrameworkId;
use mesos_updates::{Effect, Input, Manager, Stream, TaskKey, Uuid, record};
use tracing::{debug, error, warn};

use crate::disk::append_record;
use crate::process::AgentProcess;

/// The wait before a record that could not be written is tried again.
const WRITE_RETRY_WAIT: Duration = Duration::from_secs(1);

/// What the update streams tell the agent.
#[derive(Debug)]
pub(crate) enum UpdateEvent {
    /// The update is safe.
    Accepted(TaskKey, Uuid),
    /// Send it to the master.
    Forward(Box<StatusUpdate>),
    /// The framework has seen an update; with `true` it was the task's last.
    Acknowledged(TaskKey, bool),
}

/// A handle on the update streams of an agent.
#[derive(Debug, Clone)]
pub(crate) struct Updates {
    pid: Pid<UpdatesProcess>,
}

impl Updates {
    /// Starts the streams of an agent, with what was recovered: each with the file it goes on in.
    pub(crate) fn start(node: &Node, recovered: Vec<(TaskKey, Stream, PathBuf)>) -> Self {
        let mut process = UpdatesProcess::default();
        for (key, stream, file) in recovered {
            process.files.insert(key.clone(), file);
            process.manager.recover(key, stream);
        }
        Updates { pid: node.spawn(process) }
    }

    /// Says whom to tell; before that, nothing is done.
    pub(crate) fn report_to(&self, agent: Pid<AgentProcess>) {
        self.pid.tell(move |updates, _cx| updates.agent = Some(agent));
    }

    /// A task has a new state; with a file it survives a restart.
    pub(crate) fn update(&self, update: StatusUpdate, file: Option<PathBuf>) {
        self.pid.tell(move |updates, cx| updates.update(cx, update, file));
    }

    /// The framework has seen an update.
    pub(crate) fn acknowledge(&self, key: TaskKey, uuid: Uuid) {
        self.pid.tell(move |updates, cx| updates.step(cx, Input::Acknowledge { key, uuid }));
    }

    /// There is no master.
    pub(crate) fn pause(&self) {
        self.pid.tell(|updates, cx| updates.step(cx, Input::Pause));
    }

    /// There is one.
    pub(crate) fn resume(&self) {
        self.pid.tell(|updates, cx| updates.step(cx, Input::Resume));
    }

    /// A framework is back.
    pub(crate) fn resume_framework(&self, id: FrameworkId) {
        self.pid.tell(move |updates, cx| updates.step(cx, Input::ResumeFramework(id)));
    }

    /// A framework is gone.
    pub(crate) fn remove_framework(&self, id: FrameworkId) {
        self.pid.tell(move |updates, cx| {
            updates.files.retain(|key, _| key.framework != id.value);
            updates.step(cx, Input::RemoveFramework(id));
        });
    }

    /// Ends the actor.
    pub(crate) fn terminate(&self) {
        self.pid.terminate();
    }
}

#[derive(Default)]
struct UpdatesProcess {
    manager: Manager,
    agent: Option<Pid<AgentProcess>>,
    /// Where the records of a stream go.
    files: HashMap<TaskKey, PathBuf>,
    /// Effects of a stream that wait for the one before them.
    queues: HashMap<TaskKey, VecDeque<Effect>>,
    /// Streams whose record is being written.
    writing: HashSet<TaskKey>,
}

impl Process for UpdatesProcess {
    const ID_PREFIX: &'static str = "task-status-update-manager";
}

impl UpdatesProcess {
    fn update(&mut self, cx: &mut Context<Self>, update: StatusUpdate, file: Option<PathBuf>) {
        let key = TaskKey::of(&update);
        let uuid = update.uuid.as_deref().and_then(|bytes| Uuid::from_slice(bytes).ok());
        let checkpoint = file.is_some();
        if let Some(file) = file {
            self.files.insert(key.clone(), file);
        }
        let mut effects = Vec::new();
        let input = Input::Update { update: Box::new(update), checkpoint };
        if let Err(refused) = self.manager.apply(input, &mut effects) {
            warn!(%key, %refused, "ignoring a status update");
            // Whoever made it must not send it for ever.
            if let Some(uuid) = uuid {
                self.tell(UpdateEvent::Accepted(key, uuid));
            }
            return;
        }
        self.enqueue(cx, effects);
    }

    fn step(&mut self, cx: &mut Context<Self>, input: Input) {
        let mut effects = Vec::new();
        match self.manager.apply(input, &mut effects) {
            Ok(()) => self.enqueue(cx, effects),
            Err(refused) => warn!(%refused, "ignoring a status update acknowledgement"),
        }
    }

    fn enqueue(&mut self, cx: &mut Context<Self>, effects: Vec<Effect>) {
        let mut keys = Vec::new();
        for effect in effects {
            let key = effect.key().clone();
            self.queues.entry(key.clone()).or_default().push_back(effect);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.iter().for_each(|key| self.drain(cx, key));
    }

    /// Performs what waits for a stream, up to a record that has to be on disk first.
    fn drain(&mut self, cx: &mut Context<Self>, key: &TaskKey) {
        while !self.writing.contains(key) {
            let Some(effect) = self.queues.get_mut(key).and_then(VecDeque::pop_front) else {
                self.queues.remove(key);
                return;
            };
            match effect {
                Effect::Checkpoint { key, record } => self.write(cx, key, record::encode(&*record)),
                Effect::Accepted { key, uuid } => self.tell(UpdateEvent::Accepted(key, uuid)),
                Effect::Forward { update, .. } => self.tell(UpdateEvent::Forward(update)),
                Effect::RetryAfter { key, retry } => {
                    cx.delay(retry.wait, move |updates, cx| {
                        updates.step(cx, Input::RetryDue { key, retry });
                    });
                }
                Effect::Acknowledged { key, finished, .. } => {
                    if finished {
                        self.files.remove(&key);
                    }
                    self.tell(UpdateEvent::Acknowledged(key, finished));
                }
            }
        }
    }

    fn write(&mut self, cx: &mut Context<Self>, key: TaskKey, bytes: Vec<u8>) {
        let Some(path) = self.files.get(&key).cloned() else {
            // The framework was removed while this waited: nobody will read it.
            debug!(%key, "dropping a record of a stream that was closed");
            return;
        };
        self.writing.insert(key.clone());
        let work = move || {
            let written = append_record(&path, &bytes);
            (bytes, written)
        };
        cx.run_blocking(work, move |updates, cx, (bytes, written)| match written {
            Ok(()) => {
                updates.writing.remove(&key);
                updates.drain(cx, &key);
            }
            Err(reason) => {
                // Nothing of this stream goes on before it is on disk.
                error!(%key, %reason, "failed to checkpoint a status update, trying again");
                cx.delay(WRITE_RETRY_WAIT, move |updates, cx| {
                    updates.writing.remove(&key);
                    updates.write(cx, key.clone(), bytes);
                    updates.drain(cx, &key);
                });
            }
        });
    }

    fn tell(&self, event: UpdateEvent) {
        if let Some(agent) = &self.agent {
            agent.tell(move |agent, cx| agent.update_event(cx, event));
        }
    }
}
