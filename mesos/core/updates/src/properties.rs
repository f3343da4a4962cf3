//! What holds for any order of events.

use mesos_api::internal::StatusUpdateRecord;
use mesos_api::v1::TaskState;
use proptest::prelude::*;

use crate::{Effect, Input, Manager, Retry, Stream, Uuid, test};

#[derive(Debug, Clone, Copy)]
enum Step {
    Update(u8),
    Ack(u8),
    Timer(usize),
    Pause,
    Resume,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..6).prop_map(Step::Update),
        4 => (0u8..6).prop_map(Step::Ack),
        3 => (0usize..20).prop_map(Step::Timer),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => Just(Step::Restart),
    ]
}

/// Update number 5 is the terminal one.
fn state(number: u8) -> TaskState {
    if number == 5 { TaskState::TaskFinished } else { TaskState::TaskRunning }
}

#[derive(Default)]
struct World {
    manager: Manager,
    disk: Vec<StatusUpdateRecord>,
    accepted: Vec<u8>,
    acknowledged: Vec<u8>,
    timers: Vec<Retry>,
    finished: bool,
}

impl World {
    fn apply(&mut self, input: Input) {
        let mut out = Vec::new();
        let _ = self.manager.apply(input, &mut out);
        for effect in out {
            match effect {
                Effect::Checkpoint { record, .. } => self.disk.push(*record),
                Effect::Accepted { uuid, .. } => {
                    assert!(self.on_disk(uuid), "accepted before it was written");
                    if !self.accepted.contains(&uuid.0[0]) {
                        self.accepted.push(uuid.0[0]);
                    }
                }
                Effect::Forward { update, .. } => {
                    let uuid = Uuid::from_slice(update.uuid.as_deref().unwrap()).unwrap();
                    assert!(self.on_disk(uuid), "sent before it was written");
                    let next = self.accepted.iter().find(|number| !self.acknowledged.contains(number));
                    assert!(next.is_none_or(|next| *next == uuid.0[0]), "sent out of order");
                }
                Effect::RetryAfter { retry, .. } => self.timers.push(retry),
                Effect::Acknowledged { uuid, finished, .. } => {
                    self.acknowledged.push(uuid.0[0]);
                    self.finished |= finished;
                }
            }
        }
    }

    fn on_disk(&self, uuid: Uuid) -> bool {
        let written = |record: &StatusUpdateRecord| {
            record.update.as_ref().is_some_and(|update| update.uuid.as_deref() == Some(&uuid.0[..]))
        };
        self.disk.iter().any(written)
    }
}

proptest! {
    /// Updates leave in the order in which they were accepted, never before they are on disk, and a
    /// restart forgets none.
    #[test]
    fn accepted_updates_arrive_in_order_over_any_restart(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::default();
        for step in steps {
            // A closed stream is not opened again: whoever made the updates is gone.
            if world.finished {
                break;
            }
            match step {
                Step::Update(number) => {
                    let update = Box::new(test::update(number, state(number)));
                    world.apply(Input::Update { update, checkpoint: true });
                }
                Step::Ack(number) => {
                    world.apply(Input::Acknowledge { key: test::key(), uuid: Uuid([number; 16]) });
                }
                Step::Timer(at) if at < world.timers.len() => {
                    let retry = world.timers.swap_remove(at);
                    world.apply(Input::RetryDue { key: test::key(), retry });
                }
                Step::Timer(_) => {}
                Step::Pause => world.apply(Input::Pause),
                Step::Resume => world.apply(Input::Resume),
                Step::Restart => {
                    world.manager = Manager::new();
                    world.manager.recover(test::key(), Stream::replay(&world.disk));
                    world.timers.clear();
                }
            }
            let kept = world.manager.stream(&test::key()).map_or(0, Stream::pending);
            prop_assert_eq!(kept, world.accepted.len() - world.acknowledged.len());
            prop_assert!(world.acknowledged.iter().eq(world.accepted.iter().take(world.acknowledged.len())));
        }
    }
}
