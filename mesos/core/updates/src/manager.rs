use std::{collections::BTreeMap, fmt};

use mesos_api::{
    internal::{StatusUpdate, StatusUpdateRecord},
    v1::{FrameworkId, TaskId},
};

use crate::{Retry, Stream, Uuid};

/// Names a stream: a task id is only unique within its framework.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// The framework whose task it is.
    pub framework: String,
    /// The task.
    pub task: String,
}

impl TaskKey {
    /// The key of a task of a framework.
    pub fn new(framework: &FrameworkId, task: &TaskId) -> Self {
        TaskKey { framework: framework.value.clone(), task: task.value.clone() }
    }

    /// The key of the task that an update is about.
    pub fn of(update: &StatusUpdate) -> Self {
        TaskKey::new(&update.framework_id, &update.status.task_id)
    }

    /// The framework's id as a message holds it.
    pub fn framework_id(&self) -> FrameworkId {
        FrameworkId { value: self.framework.clone() }
    }

    /// The task's id as a message holds it.
    pub fn task_id(&self) -> TaskId {
        TaskId { value: self.task.clone() }
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task '{}' of framework {}", self.task, self.framework)
    }
}

/// What happens to the streams.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A task has a new state.
    Update {
        /// The update, with its uuid.
        update: Box<StatusUpdate>,
        /// Whether it must survive a restart of the agent.
        checkpoint: bool,
    },
    /// The framework has seen an update.
    Acknowledge {
        /// Whose update.
        key: TaskKey,
        /// Which update.
        uuid: Uuid,
    },
    /// The wait of a [`Effect::RetryAfter`] is over.
    RetryDue {
        /// The stream that asked for it.
        key: TaskKey,
        /// What it asked for.
        retry: Retry,
    },
    /// There is no master to send to.
    Pause,
    /// There is one again: everything in flight is sent anew.
    Resume,
    /// The framework is back, maybe elsewhere: what it has in flight is sent anew.
    ResumeFramework(FrameworkId),
    /// The framework is gone, nobody will acknowledge any more.
    RemoveFramework(FrameworkId),
}

/// What the caller has to do, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Append this record to the stream's file and have it on disk before going on.
    Checkpoint {
        /// Whose file.
        key: TaskKey,
        /// What to append.
        record: Box<StatusUpdateRecord>,
    },
    /// The update is safe now: whoever made it may forget it.
    Accepted {
        /// Whose update.
        key: TaskKey,
        /// Which update.
        uuid: Uuid,
    },
    /// Send this to the master.
    Forward {
        /// Whose update.
        key: TaskKey,
        /// What to send; the newest state of the task is filled in.
        update: Box<StatusUpdate>,
    },
    /// Come back with [`Input::RetryDue`] after `retry.wait`.
    RetryAfter {
        /// The stream that asks for it.
        key: TaskKey,
        /// What to come back with.
        retry: Retry,
    },
    /// The framework's acknowledgement counts; with `finished` the stream has ended and is closed.
    Acknowledged {
        /// Whose update.
        key: TaskKey,
        /// Which update.
        uuid: Uuid,
        /// It was the terminal one.
        finished: bool,
    },
}

impl Effect {
    /// The stream that an effect belongs to: effects of one stream must not overtake each other.
    pub fn key(&self) -> &TaskKey {
        match self {
            Effect::Checkpoint { key, .. }
            | Effect::Accepted { key, .. }
            | Effect::Forward { key, .. }
            | Effect::RetryAfter { key, .. }
            | Effect::Acknowledged { key, .. } => key,
        }
    }
}

/// Why an input was not taken. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The update cannot be identified.
    #[error("the update has no valid uuid")]
    NoUuid,
    /// The task had ended before.
    #[error("update {uuid} follows a terminal one")]
    AfterTerminal {
        /// The update that came late.
        uuid: Uuid,
    },
    /// The framework acknowledges nothing, and the task goes on telling.
    #[error("update {uuid} is one too many: {} wait to be acknowledged", crate::PENDING_MAX)]
    TooMany {
        /// The update that was dropped.
        uuid: Uuid,
    },
    /// A stream is either checkpointed or not.
    #[error("update {uuid} of {key} has checkpoint {found}, its stream has {expected}")]
    Mismatch {
        /// Whose update.
        key: TaskKey,
        /// Which update.
        uuid: String,
        /// What the stream does.
        expected: bool,
        /// What the update asked for.
        found: bool,
    },
    /// The acknowledgement is not for the update in flight.
    #[error("unexpected acknowledgement of update {uuid}, {}", in_flight(.expected))]
    Unexpected {
        /// The update it names.
        uuid: Uuid,
        /// The update in flight, if there is one.
        expected: Option<Uuid>,
    },
    /// No update of this task is known.
    #[error("there is no update stream for {0}")]
    UnknownStream(TaskKey),
}

fn in_flight(expected: &Option<Uuid>) -> String {
    match expected {
        Some(uuid) => format!("update {uuid} is in flight"),
        None => "no update is in flight".to_owned(),
    }
}

/// The streams of all tasks of an agent.
#[derive(Debug)]
pub struct Manager {
    streams: BTreeMap<TaskKey, Stream>,
    paused: bool,
}

impl Default for Manager {
    fn default() -> Self {
        Manager::new()
    }
}

impl Manager {
    /// A manager without streams. It is paused: there is no master yet.
    pub fn new() -> Self {
        Manager { streams: BTreeMap::new(), paused: true }
    }

    /// How many tasks have a stream.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The stream of a task.
    pub fn stream(&self, key: &TaskKey) -> Option<&Stream> {
        self.streams.get(key)
    }

    /// Takes over a stream that was read back; what it has in flight waits for [`Input::Resume`].
    ///
    /// A finished stream is dropped, as is one whose task already has one.
    pub fn recover(&mut self, key: TaskKey, stream: Stream) {
        if !stream.finished() {
            self.streams.entry(key).or_insert(stream);
        }
    }

    /// Feeds one event to the streams; what the caller must now do is appended to `out`.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`], and has changed nothing, for an update or an acknowledgement that does not
    /// fit. A duplicate update is no error: it is accepted anew, so that its maker stops sending it.
    pub fn apply(&mut self, input: Input, out: &mut Vec<Effect>) -> Result<(), Refused> {
        match input {
            Input::Update { update, checkpoint } => self.update(*update, checkpoint, out),
            Input::Acknowledge { key, uuid } => self.acknowledge(key, uuid, out),
            Input::RetryDue { key, retry } => {
                if let Some(stream) = self.streams.get_mut(&key).filter(|_| !self.paused) {
                    push_sent(&key, stream.retry_due(retry), out);
                }
                Ok(())
            }
            Input::Pause => {
                self.paused = true;
                self.streams.values_mut().for_each(Stream::hold);
                Ok(())
            }
            Input::Resume => {
                self.paused = false;
                for (key, stream) in &mut self.streams {
                    push_sent(key, stream.send(), out);
                }
                Ok(())
            }
            Input::ResumeFramework(id) => {
                let streams = self.streams.iter_mut().filter(|(key, _)| key.framework == id.value);
                for (key, stream) in streams.filter(|_| !self.paused) {
                    push_sent(key, stream.send(), out);
                }
                Ok(())
            }
            Input::RemoveFramework(id) => {
                self.streams.retain(|key, _| key.framework != id.value);
                Ok(())
            }
        }
    }

    fn update(
        &mut self,
        update: StatusUpdate,
        checkpoint: bool,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let key = TaskKey::of(&update);
        let bytes = update.uuid.as_deref().ok_or(Refused::NoUuid)?;
        let uuid = Uuid::from_slice(bytes).map_err(|_| Refused::NoUuid)?;
        let stream = self.streams.entry(key.clone()).or_insert_with(|| Stream::new(checkpoint));
        if stream.checkpoint() != checkpoint {
            let expected = stream.checkpoint();
            return Err(Refused::Mismatch { key, uuid: uuid.to_string(), expected, found: checkpoint });
        }
        let appended = stream.update(update)?;
        let Some(appended) = appended else {
            out.push(Effect::Accepted { key, uuid });
            return Ok(());
        };
        if let Some(record) = appended.record {
            out.push(Effect::Checkpoint { key: key.clone(), record: Box::new(record) });
        }
        out.push(Effect::Accepted { key: key.clone(), uuid });
        if appended.first && !self.paused {
            push_sent(&key, stream.send(), out);
        }
        Ok(())
    }

    fn acknowledge(&mut self, key: TaskKey, uuid: Uuid, out: &mut Vec<Effect>) -> Result<(), Refused> {
        let Some(stream) = self.streams.get_mut(&key) else {
            return Err(Refused::UnknownStream(key));
        };
        let done = stream.acknowledge(uuid)?;
        if let Some(record) = done.record {
            out.push(Effect::Checkpoint { key: key.clone(), record: Box::new(record) });
        }
        out.push(Effect::Acknowledged { key: key.clone(), uuid, finished: done.finished });
        if done.finished {
            self.streams.remove(&key);
        } else if !self.paused {
            push_sent(&key, stream.send(), out);
        }
        Ok(())
    }
}

fn push_sent(key: &TaskKey, sent: Option<(StatusUpdate, Retry)>, out: &mut Vec<Effect>) {
    if let Some((update, retry)) = sent {
        out.push(Effect::Forward { key: key.clone(), update: Box::new(update) });
        out.push(Effect::RetryAfter { key: key.clone(), retry });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{self, record, update};
    use mesos_api::v1::TaskState::{TaskFinished, TaskRunning, TaskStarting};

    /// What came out, in short: `write 1`, `ok 1`, `send 1`, `retry 10`, `acked 1`, `end 1`.
    fn short(effects: &[Effect]) -> Vec<String> {
        let first = |bytes: &[u8]| bytes.first().copied().unwrap_or(0);
        let written = |record: &StatusUpdateRecord| match &record.update {
            Some(update) => format!("write {}", first(update.uuid.as_deref().unwrap_or_default())),
            None => format!("write ack {}", first(record.uuid.as_deref().unwrap_or_default())),
        };
        effects
            .iter()
            .map(|effect| match effect {
                Effect::Checkpoint { record, .. } => written(record),
                Effect::Accepted { uuid, .. } => format!("ok {}", uuid.0[0]),
                Effect::Forward { update, .. } => {
                    format!("send {}", first(update.uuid.as_deref().unwrap_or_default()))
                }
                Effect::RetryAfter { retry, .. } => format!("retry {}", retry.wait.as_secs()),
                Effect::Acknowledged { uuid, finished: false, .. } => format!("acked {}", uuid.0[0]),
                Effect::Acknowledged { uuid, finished: true, .. } => format!("end {}", uuid.0[0]),
            })
            .collect()
    }

    fn apply(manager: &mut Manager, input: Input) -> Vec<String> {
        let mut out = Vec::new();
        manager.apply(input, &mut out).unwrap();
        short(&out)
    }

    fn new(number: u8, state: mesos_api::v1::TaskState, checkpoint: bool) -> Input {
        Input::Update { update: Box::new(update(number, state)), checkpoint }
    }

    fn ack(number: u8) -> Input {
        Input::Acknowledge { key: test::key(), uuid: Uuid([number; 16]) }
    }

    #[test]
    fn what_is_told_was_written_before() {
        let mut manager = Manager::new();
        assert_eq!(apply(&mut manager, Input::Resume), [""; 0]);
        let written = apply(&mut manager, new(1, TaskStarting, true));
        assert_eq!(written, ["write 1", "ok 1", "send 1", "retry 10"]);
        assert_eq!(apply(&mut manager, new(2, TaskFinished, true)), ["write 2", "ok 2"]);
        assert_eq!(apply(&mut manager, ack(1)), ["write ack 1", "acked 1", "send 2", "retry 10"]);
        assert_eq!(apply(&mut manager, ack(2)), ["write ack 2", "end 2"]);
        assert_eq!(manager.streams(), 0);
    }

    #[test]
    fn without_checkpoint_nothing_is_written() {
        let mut manager = Manager::new();
        apply(&mut manager, Input::Resume);
        assert_eq!(apply(&mut manager, new(1, TaskFinished, false)), ["ok 1", "send 1", "retry 10"]);
        assert_eq!(apply(&mut manager, ack(1)), ["end 1"]);
    }

    #[test]
    fn a_duplicate_is_accepted_anew_and_not_kept_twice() {
        let mut manager = Manager::new();
        assert_eq!(apply(&mut manager, new(1, TaskRunning, true)), ["write 1", "ok 1"]);
        assert_eq!(apply(&mut manager, new(1, TaskRunning, true)), ["ok 1"]);
        assert_eq!(manager.stream(&test::key()).unwrap().pending(), 1);
    }

    #[test]
    fn without_a_master_updates_are_kept_and_sent_when_there_is_one() {
        let mut manager = Manager::new();
        apply(&mut manager, Input::Resume);
        let mut out = Vec::new();
        manager.apply(new(1, TaskRunning, false), &mut out).unwrap();
        let Some(Effect::RetryAfter { key, retry }) = out.pop() else { panic!("{out:?}") };
        apply(&mut manager, Input::Pause);
        assert_eq!(apply(&mut manager, Input::RetryDue { key: key.clone(), retry }), [""; 0]);
        assert_eq!(apply(&mut manager, Input::Resume), ["send 1", "retry 10"]);
        assert_eq!(
            apply(&mut manager, Input::RetryDue { key, retry }),
            [""; 0],
            "the retry of before the pause"
        );
    }

    #[test]
    fn unexpected_acknowledgements_change_nothing() {
        let mut manager = Manager::new();
        apply(&mut manager, new(1, TaskRunning, true));
        let mut out = Vec::new();
        let wrong = manager.apply(ack(2), &mut out).unwrap_err();
        assert_eq!(wrong, Refused::Unexpected { uuid: Uuid([2; 16]), expected: Some(Uuid([1; 16])) });
        let mut other = test::key();
        other.task.push('x');
        let unknown = Input::Acknowledge { key: other.clone(), uuid: Uuid([1; 16]) };
        assert_eq!(manager.apply(unknown, &mut out), Err(Refused::UnknownStream(other)));
        assert!(out.is_empty());
        assert_eq!(apply(&mut manager, ack(1)), ["write ack 1", "acked 1"]);
        assert!(manager.apply(ack(1), &mut out).is_err(), "acknowledged twice");
    }

    #[test]
    fn a_stream_is_checkpointed_or_not() {
        let mut manager = Manager::new();
        apply(&mut manager, new(1, TaskRunning, true));
        let refused = manager.apply(new(2, TaskRunning, false), &mut Vec::new());
        assert!(matches!(refused, Err(Refused::Mismatch { expected: true, found: false, .. })));
    }

    #[test]
    fn recovered_streams_wait_for_a_master() {
        let mut manager = Manager::new();
        manager.recover(test::key(), Stream::replay(&[record(1, TaskRunning)]));
        let mut finished = test::key();
        finished.task.push('x');
        manager.recover(finished, Stream::replay(&[record(1, TaskFinished), test::ack(1)]));
        assert_eq!(manager.streams(), 1);
        assert_eq!(apply(&mut manager, Input::Resume), ["send 1", "retry 10"]);
    }

    #[test]
    fn framework_that_is_back_gets_its_own_updates_anew() {
        let mut manager = Manager::new();
        apply(&mut manager, new(1, TaskRunning, true));
        let back = |id: &str| Input::ResumeFramework(FrameworkId { value: id.into() });
        let own = test::key().framework;
        assert_eq!(apply(&mut manager, back(&own)), [""; 0], "there is no master");
        apply(&mut manager, Input::Resume);
        assert_eq!(apply(&mut manager, back("other")), [""; 0]);
        assert_eq!(apply(&mut manager, back(&own)), ["send 1", "retry 10"]);
    }

    #[test]
    fn nobody_acknowledges_for_a_framework_that_is_gone() {
        let mut manager = Manager::new();
        apply(&mut manager, new(1, TaskRunning, true));
        apply(&mut manager, Input::RemoveFramework(FrameworkId { value: "other".into() }));
        assert_eq!(manager.streams(), 1);
        apply(&mut manager, Input::RemoveFramework(test::key().framework_id()));
        assert_eq!(manager.streams(), 0);
    }
}
