use std::collections::VecDeque;

use mesos_api::internal::{StatusUpdate, StatusUpdateRecord, status_update_record};

use crate::seen::Seen;
use crate::{RETRY_WAIT_MIN, Refused, Retry, Uuid, state};

/// How many updates of a task wait for their acknowledgement at most; its end is always taken.
///
/// A framework that acknowledges nothing, and a task that is checked often, must not fill the memory.
pub const PENDING_MAX: usize = 10_000;

/// The updates of one task, oldest first, and what is known about them.
///
/// Only the oldest unacknowledged update is ever in flight; the rest wait behind it, so the receiver
/// sees updates in the order they were made.
#[derive(Debug, Default)]
pub struct Stream {
    checkpoint: bool,
    seen: Seen,
    pending: VecDeque<(Uuid, StatusUpdate)>,
    /// State of the newest update: what the master counts resources by.
    latest: Option<i32>,
    terminal: bool,
    attempt: u64,
}

/// What an acknowledgement has done.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledged {
    /// What to write, when the stream is checkpointed.
    pub record: Option<StatusUpdateRecord>,
    /// The acknowledged update was terminal: the stream has ended.
    pub finished: bool,
}

impl Stream {
    /// An empty stream; with `checkpoint` its updates and acknowledgements are to be written down.
    pub fn new(checkpoint: bool) -> Self {
        Stream { checkpoint, ..Stream::default() }
    }

    /// Rebuilds a stream from what was written down before a restart.
    ///
    /// Acknowledgements of updates that the file does not hold are ignored, and so are updates that
    /// could never have been accepted.
    pub fn replay<'a>(records: impl IntoIterator<Item = &'a StatusUpdateRecord>) -> Self {
        let mut stream = Stream::new(true);
        for record in records {
            match record.r#type() {
                status_update_record::Type::Update => {
                    if let Some(update) = &record.update {
                        // A refused update is one that this code would not have written.
                        let _ = stream.update(update.clone());
                    }
                }
                status_update_record::Type::Ack => {
                    if let Some(uuid) = record.uuid.as_deref().and_then(|bytes| Uuid::from_slice(bytes).ok())
                    {
                        stream.pending.retain(|(pending, _)| *pending != uuid);
                    }
                }
            }
        }
        stream
    }

    /// Whether this stream's records go to disk.
    pub fn checkpoint(&self) -> bool {
        self.checkpoint
    }

    /// Whether the terminal update was received and every update acknowledged.
    pub fn finished(&self) -> bool {
        self.terminal && self.pending.is_empty()
    }

    /// How many updates wait for an acknowledgement.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Appends an update. `None` means that it was received before.
    ///
    /// # Errors
    ///
    /// When the update has no valid uuid, a terminal one came before it, or too many wait.
    pub fn update(&mut self, update: StatusUpdate) -> Result<Option<Appended>, Refused> {
        let bytes = update.uuid.as_deref().ok_or(Refused::NoUuid)?;
        let uuid = Uuid::from_slice(bytes).map_err(|_| Refused::NoUuid)?;
        if self.seen.contains(uuid) {
            return Ok(None);
        }
        if self.terminal {
            return Err(Refused::AfterTerminal { uuid });
        }
        let terminal = state::is_terminal(update.status.state());
        if self.pending.len() >= PENDING_MAX && !terminal {
            return Err(Refused::TooMany { uuid });
        }
        self.seen.insert(uuid);
        self.terminal = terminal;
        self.latest = Some(update.status.state);
        let record = self.checkpoint.then(|| StatusUpdateRecord {
            r#type: status_update_record::Type::Update as i32,
            update: Some(update.clone()),
            uuid: None,
        });
        self.pending.push_back((uuid, update));
        Ok(Some(Appended { record, first: self.pending.len() == 1 }))
    }

    /// Takes the acknowledgement of the update in flight.
    ///
    /// # Errors
    ///
    /// When `uuid` names anything but the update in flight; nothing changes then.
    pub fn acknowledge(&mut self, uuid: Uuid) -> Result<Acknowledged, Refused> {
        let expected = self.pending.front().map(|(uuid, _)| *uuid);
        if expected != Some(uuid) {
            return Err(Refused::Unexpected { uuid, expected });
        }
        self.pending.pop_front();
        self.attempt += 1;
        let record = self.checkpoint.then(|| StatusUpdateRecord {
            r#type: status_update_record::Type::Ack as i32,
            update: None,
            uuid: Some(uuid.to_vec()),
        });
        Ok(Acknowledged { record, finished: self.finished() })
    }

    /// Sends the oldest update (anew), and the retry to arm; `None` when nothing waits.
    pub fn send(&mut self) -> Option<(StatusUpdate, Retry)> {
        self.send_with(RETRY_WAIT_MIN)
    }

    /// The wait of a retry is over: the update to send again, unless the retry was overtaken.
    pub fn retry_due(&mut self, retry: Retry) -> Option<(StatusUpdate, Retry)> {
        let in_flight = self.pending.front().is_some_and(|(uuid, _)| *uuid == retry.uuid);
        if in_flight && retry.attempt == self.attempt { self.send_with(retry.next_wait()) } else { None }
    }

    /// Makes every armed retry void.
    pub fn hold(&mut self) {
        self.attempt += 1;
    }

    fn send_with(&mut self, wait: std::time::Duration) -> Option<(StatusUpdate, Retry)> {
        let (uuid, update) = self.pending.front()?;
        self.attempt += 1;
        let retry = Retry { uuid: *uuid, wait, attempt: self.attempt };
        let mut update = update.clone();
        update.status.uuid = update.uuid.clone();
        update.latest_state = self.latest;
        Some((update, retry))
    }
}

/// What accepting a new update has done.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// What to write, when the stream is checkpointed.
    pub record: Option<StatusUpdateRecord>,
    /// Nothing was waiting before it: it may be sent at once.
    pub first: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::{ack, record, update};
    use mesos_api::v1::TaskState::{self, TaskFinished, TaskRunning, TaskStarting};

    fn state(sent: Option<(StatusUpdate, Retry)>) -> Option<(TaskState, Option<i32>, u64)> {
        sent.map(|(update, retry)| (update.status.state(), update.latest_state, retry.wait.as_secs()))
    }

    #[test]
    fn only_the_oldest_update_is_in_flight_and_it_tells_the_newest_state() {
        let mut stream = Stream::new(false);
        assert!(stream.update(update(1, TaskStarting)).unwrap().unwrap().first);
        assert!(!stream.update(update(2, TaskFinished)).unwrap().unwrap().first);
        assert_eq!(state(stream.send()), Some((TaskStarting, Some(TaskFinished as i32), 10)));
        assert!(!stream.acknowledge(Uuid([1; 16])).unwrap().finished);
        assert_eq!(state(stream.send()), Some((TaskFinished, Some(TaskFinished as i32), 10)));
        assert!(stream.acknowledge(Uuid([2; 16])).unwrap().finished);
        assert!(stream.finished());
        assert_eq!(state(stream.send()), None);
    }

    /// The wait doubles from ten seconds and stays at ten minutes.
    #[test]
    fn unacknowledged_update_is_retried_with_doubling_waits() {
        let mut stream = Stream::new(false);
        stream.update(update(1, TaskRunning)).unwrap();
        let mut retry = stream.send().unwrap().1;
        let mut waits = vec![retry.wait.as_secs()];
        for _ in 0..7 {
            retry = stream.retry_due(retry).unwrap().1;
            waits.push(retry.wait.as_secs());
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600]);
    }

    #[test]
    fn overtaken_retries_are_ignored() {
        let mut stream = Stream::new(false);
        stream.update(update(1, TaskStarting)).unwrap();
        stream.update(update(2, TaskRunning)).unwrap();
        let first = stream.send().unwrap().1;
        let again = stream.send().unwrap().1;
        assert_eq!(stream.retry_due(first), None, "sent anew meanwhile");
        stream.hold();
        assert_eq!(stream.retry_due(again), None, "held meanwhile");
        let again = stream.send().unwrap().1;
        stream.acknowledge(Uuid([1; 16])).unwrap();
        assert_eq!(stream.retry_due(again), None, "acknowledged meanwhile");
    }

    #[test]
    fn updates_that_cannot_be_kept_apart_or_come_too_late_are_refused() {
        let mut stream = Stream::new(true);
        for uuid in [None, Some(vec![]), Some(vec![1; 15])] {
            assert_eq!(stream.update(StatusUpdate { uuid, ..update(1, TaskRunning) }), Err(Refused::NoUuid));
        }
        stream.update(update(1, TaskFinished)).unwrap();
        assert_eq!(stream.update(update(1, TaskFinished)), Ok(None), "a duplicate");
        assert_eq!(
            stream.update(update(2, TaskRunning)),
            Err(Refused::AfterTerminal { uuid: Uuid([2; 16]) })
        );
        assert_eq!(stream.pending(), 1);
    }

    #[test]
    fn too_many_updates_are_refused_but_the_last_one_is_not() {
        let mut stream = Stream::new(false);
        let numbered = |number: u32, state| StatusUpdate {
            uuid: Some(u128::from(number).to_be_bytes().to_vec()),
            ..update(0, state)
        };
        for number in 0..PENDING_MAX as u32 {
            stream.update(numbered(number, TaskRunning)).unwrap();
        }
        let refused = stream.update(numbered(1 << 20, TaskRunning));
        assert!(matches!(refused, Err(Refused::TooMany { .. })));
        assert!(stream.update(numbered(1 << 21, TaskFinished)).unwrap().is_some());
    }

    #[test]
    fn replay_gives_what_was_not_acknowledged() {
        let records =
            [record(1, TaskStarting), ack(1), record(2, TaskRunning), record(3, TaskFinished), ack(9)];
        let mut stream = Stream::replay(&records);
        assert_eq!(stream.pending(), 2);
        assert!(stream.checkpoint() && !stream.finished());
        assert_eq!(state(stream.send()), Some((TaskRunning, Some(TaskFinished as i32), 10)));
        assert_eq!(stream.update(update(1, TaskStarting)), Ok(None), "acknowledged before the restart");
        let records = [record(1, TaskFinished), ack(1)];
        assert!(Stream::replay(&records).finished());
    }
}
