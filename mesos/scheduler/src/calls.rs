//! Calls as the master takes them.

use mesos_api::v1::TaskInfo;
use mesos_api::v1::offer::{Operation, operation};
use mesos_api::v1::scheduler::{Call, call};

fn call(kind: call::Type) -> Call {
    Call { r#type: Some(kind as i32), ..Call::default() }
}

pub(crate) fn subscribe(subscribe: call::Subscribe) -> Call {
    let framework_id = subscribe.framework_info.id.clone();
    Call { framework_id, subscribe: Some(subscribe), ..call(call::Type::Subscribe) }
}

pub(crate) fn teardown() -> Call {
    call(call::Type::Teardown)
}

pub(crate) fn accept(accept: call::Accept) -> Call {
    Call { accept: Some(accept), ..call(call::Type::Accept) }
}

pub(crate) fn decline(decline: call::Decline) -> Call {
    Call { decline: Some(decline), ..call(call::Type::Decline) }
}

pub(crate) fn revive(roles: Vec<String>) -> Call {
    Call { revive: Some(call::Revive { roles }), ..call(call::Type::Revive) }
}

pub(crate) fn suppress(roles: Vec<String>) -> Call {
    Call { suppress: Some(call::Suppress { roles }), ..call(call::Type::Suppress) }
}

pub(crate) fn kill(kill: call::Kill) -> Call {
    Call { kill: Some(kill), ..call(call::Type::Kill) }
}

pub(crate) fn acknowledge(acknowledge: call::Acknowledge) -> Call {
    Call { acknowledge: Some(acknowledge), ..call(call::Type::Acknowledge) }
}

pub(crate) fn reconcile(reconcile: call::Reconcile) -> Call {
    Call { reconcile: Some(reconcile), ..call(call::Type::Reconcile) }
}

pub(crate) fn message(message: call::Message) -> Call {
    Call { message: Some(message), ..call(call::Type::Message) }
}

pub(crate) fn shutdown(shutdown: call::Shutdown) -> Call {
    Call { shutdown: Some(shutdown), ..call(call::Type::Shutdown) }
}

/// The operation that launches tasks.
pub(crate) fn launch(task_infos: Vec<TaskInfo>) -> Operation {
    Operation {
        r#type: Some(operation::Type::Launch as i32),
        launch: Some(operation::Launch { task_infos }),
        ..Operation::default()
    }
}
