//! What the tests of this crate share.

use mesos_api::internal::{StatusUpdate, StatusUpdateRecord, status_update_record};
use mesos_api::v1::{FrameworkId, TaskId, TaskState, TaskStatus};

use crate::TaskKey;

pub(crate) fn key() -> TaskKey {
    TaskKey { framework: "f".into(), task: "t".into() }
}

pub(crate) fn update(number: u8, state: TaskState) -> StatusUpdate {
    StatusUpdate {
        framework_id: FrameworkId { value: "f".into() },
        status: TaskStatus {
            task_id: TaskId { value: "t".into() },
            state: state as i32,
            ..TaskStatus::default()
        },
        uuid: Some(vec![number; 16]),
        ..StatusUpdate::default()
    }
}

pub(crate) fn record(number: u8, state: TaskState) -> StatusUpdateRecord {
    StatusUpdateRecord {
        r#type: status_update_record::Type::Update as i32,
        update: Some(update(number, state)),
        uuid: None,
    }
}

pub(crate) fn ack(number: u8) -> StatusUpdateRecord {
    StatusUpdateRecord {
        r#type: status_update_record::Type::Ack as i32,
        update: None,
        uuid: Some(vec![number; 16]),
    }
}
