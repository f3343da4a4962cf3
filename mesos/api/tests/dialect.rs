//! The older names.

use mesos_api::json::{self, v0};
use mesos_api::v1::{AgentInfo, TaskStatus, master, scheduler, task_status};

#[test]
fn v0_names_agents_slaves() {
    let text = r#"{"task_id":{"value":"t"},"state":"TASK_LOST","source":"SOURCE_SLAVE","reason":"REASON_SLAVE_REMOVED_BY_OPERATOR","slave_id":{"value":"a"}}"#;
    let status: TaskStatus = v0::from_str(text).unwrap();
    assert_eq!(status.source(), task_status::Source::Agent);
    assert_eq!(status.agent_id.as_ref().map(ToString::to_string).as_deref(), Some("a"));
    let v1 = json::to_string(&status);
    assert!(
        v1.contains(r#""agent_id":{"value":"a"}"#) && v1.contains("REASON_AGENT_REMOVED_BY_OPERATOR"),
        "{v1}"
    );
    // The order of the keys is that of the declaration.
    let again: serde_json::Value = serde_json::from_str(&v0::to_string(&status)).unwrap();
    assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
}

#[test]
fn each_dialect_knows_only_its_own_names() {
    let text =
        r#"{"task_id":{"value":"t"},"state":"TASK_LOST","source":"SOURCE_SLAVE","slave_id":{"value":"a"}}"#;
    let status: TaskStatus = json::from_str(text).unwrap();
    assert_eq!((status.agent_id, status.source), (None, None));
    let text = text.replace("slave_id", "agent_id").replace("SOURCE_SLAVE", "SOURCE_AGENT");
    let status: TaskStatus = v0::from_str(&text).unwrap();
    assert_eq!((status.agent_id, status.source), (None, None));
}

#[test]
fn only_v0_has_the_checkpoint_of_agents() {
    let agent = AgentInfo { hostname: "h".into(), checkpoint: Some(true), ..AgentInfo::default() };
    assert_eq!(json::to_string(&agent), r#"{"hostname":"h","port":5051}"#);
    assert_eq!(v0::to_string(&agent), r#"{"hostname":"h","port":5051,"checkpoint":true}"#);
    let text = r#"{"hostname":"h","checkpoint":true}"#;
    assert_eq!(json::from_str::<AgentInfo>(text).unwrap().checkpoint, None);
    assert_eq!(v0::from_str::<AgentInfo>(text).unwrap().checkpoint, Some(true));
}

#[test]
fn only_v0_has_force() {
    let text = r#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"},"force":true,"suppressed_roles":["r"]}}"#;
    let v1: scheduler::Call = json::from_str(text).unwrap();
    let v0: scheduler::Call = v0::from_str(text).unwrap();
    assert_eq!(v1.subscribe.unwrap().force, None);
    let subscribe = v0.subscribe.unwrap();
    assert_eq!((subscribe.force, subscribe.suppressed_roles), (Some(true), vec!["r".to_owned()]));
}

#[test]
fn values_are_those_of_the_text() {
    let mut call = master::Call::default();
    call.set_type(master::call::Type::MarkAgentGone);
    call.mark_agent_gone = Some(master::call::MarkAgentGone { agent_id: "a".into() });
    let value = v0::to_value(&call);
    assert_eq!(value["mark_agent_gone"]["slave_id"]["value"], "a");
    assert_eq!(v0::from_value(&value), Ok(call.clone()));
    assert_eq!(json::from_value(&json::to_value(&call)), Ok(call));
}
