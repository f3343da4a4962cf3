//! Messages of the old protocol from strangers.

use mesos_api::internal;
use mesos_api::v1::{ExecutorId, FrameworkId, TaskId, TaskState, TaskStatus, scheduler};
use serde_json::json;
use stout::WireMessage;

use crate::harness::{Cluster, Connection, Framework, command_task, framework_info, get};

/// Who sends them: nobody listens there.
const STRANGER: &str = "stranger(1)@127.0.0.1:1";

/// Posts a message; its receiver is there.
#[track_caller]
fn send(address: &str, process: &str, name: &str, body: &[u8]) {
    let mut connection = Connection::open(address);
    let length = body.len();
    let head = format!(
        "POST /{process}/{name} HTTP/1.1\r\nLibprocess-From: {STRANGER}\r\nContent-Length: {length}\r\n\r\n"
    );
    connection.send(&[head.as_bytes(), body].concat());
    assert_eq!(connection.answer().map(|answer| answer.status), Some(202), "{name}");
}

#[track_caller]
fn send_message<M: WireMessage>(address: &str, process: &str, message: &M) {
    send(address, process, M::wire_name(), &message.encode_wire());
}

/// Bytes that differ from run to run of the generator, but not from run to run of the test.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect()
}

#[test]
fn messages_that_cannot_be_read_do_no_harm() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("noise"));
    framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let table = include_str!("../../../api/tests/wire/v0-messages.tsv");
    let mut count = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let (receiver, name) = (columns.next().unwrap_or_default(), columns.nth(1).unwrap_or_default());
        let address = match receiver {
            "master" => cluster.master(),
            "slave(1)" => cluster.agent(0),
            _ => continue,
        };
        for seed in 0..20 {
            count += 1;
            send(address, receiver, name, &noise(count, usize::try_from(seed).unwrap_or_default() * 7));
        }
    }
    assert!(count > 500, "{count}");
    framework.kill("task");
    framework.updates_to("task", "TASK_KILLED");
    assert_eq!(get(cluster.master(), "/state").status, 200);
}

/// Everything here would end the task, its framework or its agent, if it came from the one who may say so.
#[test]
fn strangers_change_nothing() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("strangers"));
    let status = framework.run(|offer| command_task("task", offer, "sleep 1000"));
    let framework_id = FrameworkId { value: framework.id().to_owned() };
    let executor_id = ExecutorId { value: "task".to_owned() };
    let task_id = TaskId { value: "task".to_owned() };
    let agent_id: mesos_api::v1::AgentId =
        mesos_api::json::from_str(&status["agent_id"].to_string()).expect("an id");

    let agent = cluster.agent(0);
    let to_agent = "slave(1)";
    send_message(agent, to_agent, &internal::ShutdownMessage { message: Some("go".to_owned()) });
    let shutdown = internal::ShutdownFrameworkMessage { framework_id: framework_id.clone() };
    send_message(agent, to_agent, &shutdown);
    let shutdown = internal::ShutdownExecutorMessage {
        framework_id: Some(framework_id.clone()),
        executor_id: Some(executor_id.clone()),
    };
    send_message(agent, to_agent, &shutdown);
    let kill = internal::KillTaskMessage {
        framework_id: framework_id.clone(),
        task_id: task_id.clone(),
        ..Default::default()
    };
    send_message(agent, to_agent, &kill);
    let mut failed = TaskStatus { task_id: task_id.clone(), ..Default::default() };
    failed.set_state(TaskState::TaskFailed);
    failed.uuid = Some(vec![7; 16]);
    let update = internal::StatusUpdate {
        framework_id: framework_id.clone(),
        executor_id: Some(executor_id.clone()),
        slave_id: Some(agent_id.clone()),
        status: failed,
        uuid: Some(vec![7; 16]),
        ..Default::default()
    };
    let update = internal::StatusUpdateMessage { update, pid: Some(STRANGER.to_owned()) };

    let master = cluster.master();
    send_message(master, "master", &update);
    send_message(master, "master", &internal::UnregisterSlaveMessage { slave_id: agent_id.clone() });
    let exited = internal::ExitedExecutorMessage {
        slave_id: agent_id,
        framework_id: framework_id.clone(),
        executor_id,
        status: 1,
    };
    send_message(master, "master", &exited);
    let unregister = internal::UnregisterFrameworkMessage { framework_id: framework_id.clone() };
    send_message(master, "master", &unregister);
    let deactivate = internal::DeactivateFrameworkMessage { framework_id: framework_id.clone() };
    send_message(master, "master", &deactivate);
    send_message(master, "master", &kill);
    for kind in [scheduler::call::Type::Teardown, scheduler::call::Type::Kill] {
        let mut call = scheduler::Call { framework_id: Some(framework_id.clone()), ..Default::default() };
        call.set_type(kind);
        call.kill = Some(scheduler::call::Kill { task_id: task_id.clone(), ..Default::default() });
        send_message(master, "master", &call);
    }

    // Had anything been believed, an update had come before the answer to this.
    let reconcile = json!({ "tasks": [{ "task_id": { "value": "task" } }] });
    framework.call(json!({ "type": "RECONCILE", "reconcile": reconcile }));
    let status = framework.update_of("task");
    assert_eq!(
        (&status["state"], &status["reason"]),
        (&json!("TASK_RUNNING"), &json!("REASON_RECONCILIATION"))
    );
    framework.kill("task");
    let status = framework.update_of("task");
    assert_eq!((&status["state"], &status["source"]), (&json!("TASK_KILLED"), &json!("SOURCE_EXECUTOR")));
    framework.offer();
}
