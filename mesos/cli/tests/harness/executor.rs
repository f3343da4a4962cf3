//! An executor that is played by the test itself.

use mesos_api::json;
use mesos_api::v1::TaskStatus;
use serde_json::{Value, json};

use super::events::Events;
use super::http::{Answer, post_json};
use super::wait::until;

/// The executor of a framework whose command only waits: who speaks for it is told by the ids alone.
pub(crate) struct Executor {
    agent: String,
    ids: Value,
    pub(crate) events: Events,
}

impl Executor {
    /// A command for an executor that is played here.
    pub(crate) const COMMAND: &str = "exec sleep 1000";

    /// Subscribes, once the agent knows the executor.
    #[track_caller]
    pub(crate) fn subscribe(agent: &str, framework_id: &Value, executor: &str) -> Self {
        let ids = json!({ "framework_id": framework_id, "executor_id": { "value": executor } });
        let mut call = ids.clone();
        call["type"] = "SUBSCRIBE".into();
        call["subscribe"] = json!({});
        let events = until("the agent to know the executor", || {
            Events::open(agent, "/api/v1/executor", &[], &call).ok()
        });
        let mut executor = Self { agent: agent.to_owned(), ids, events };
        executor.next_of("SUBSCRIBED");
        executor
    }

    /// The next event, which must be of a type: its member.
    #[track_caller]
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        let event = self.events.next().unwrap_or_else(|| panic!("the stream ended before {kind}"));
        assert_eq!(event["type"], kind, "{event}");
        event[kind.to_lowercase()].clone()
    }

    /// Makes a call; the ids are put in.
    #[track_caller]
    pub(crate) fn call(&self, mut call: Value) -> Answer {
        for (key, value) in self.ids.as_object().expect("ids") {
            call[key] = value.clone();
        }
        post_json(&self.agent, "/api/v1/executor", &call)
    }

    /// Sends a new state of a task; gives its uuid in base64.
    #[track_caller]
    pub(crate) fn update(&self, task: &str, state: &str) -> Value {
        self.update_with(task, state, "")
    }

    /// Sends a new state of a task, with a message; gives its uuid in base64.
    #[track_caller]
    pub(crate) fn update_with(&self, task: &str, state: &str, message: &str) -> Value {
        let uuid = uuid::Uuid::new_v4().into_bytes().to_vec();
        let status = TaskStatus { uuid: Some(uuid), ..TaskStatus::default() };
        let uuid: Value = serde_json::from_str(&json::to_string(&status)).expect("JSON");
        let status = json!({
            "task_id": { "value": task },
            "state": state,
            "source": "SOURCE_EXECUTOR",
            "message": message,
            "uuid": uuid["uuid"],
        });
        let answer = self.call(json!({ "type": "UPDATE", "update": { "status": status } }));
        assert_eq!(answer.status, 202, "{}", answer.text());
        uuid["uuid"].clone()
    }
}
