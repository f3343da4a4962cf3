use mesos_api::v1;
use mesos_api::v1::TaskState;
use serde::Serialize;
use serde_json::{Value, json};

use super::*;

fn json_of(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn message<M: mesos_api::Message>(json: Value) -> M {
    mesos_api::json::from_value(&json).unwrap_or_else(|error| panic!("{error}"))
}

fn parse(text: &str) -> mesos_resources::Resources {
    mesos_resources::Resources::parse(text, "*").unwrap()
}

#[test]
fn resources_are_summed_by_name_with_four_always_there() {
    let resources =
        parse("cpus:1.5;cpus(role):0.25;mem:512;ports:[31000-31001];ports(role):[31002-31005];zones:{b,a}");
    let expected = json!({
        "cpus": 1.75,
        "gpus": 0.0,
        "mem": 512.0,
        "disk": 0.0,
        "ports": "[31000-31005]",
        "zones": "{a, b}",
    });
    assert_eq!(json_of(Resources::from(&resources)), expected);
    assert_eq!(json_of(Resources::from(&resources.to_protos()[..])), expected);
    assert!(
        serde_json::to_string(&Resources::default()).unwrap().starts_with(r#"{"cpus":0.0,"gpus":0.0,"mem""#)
    );
}

#[test]
fn revocable_resources_are_counted_apart() {
    let mut protos = parse("cpus:1;gpus:1;ports:[1-2]").to_protos();
    protos.iter_mut().for_each(|proto| proto.revocable = Some(Default::default()));
    protos.extend(parse("cpus:2").to_protos());
    let resources = mesos_resources::Resources::from_protos(protos.clone()).unwrap();
    for json in [json_of(Resources::from(&protos[..])), json_of(Resources::from(&resources))] {
        assert_eq!(json["cpus"], 2.0);
        assert_eq!(json["cpus_revocable"], 1.0);
        assert_eq!(json["gpus"], 0.0);
        assert_eq!(json["ports_revocable"], "[1-2]");
    }
}

#[test]
fn parts_of_resources_can_be_added() {
    let parts = ["cpus:1;ports:[1-2]", "cpus:2;disk:3;ports:[3-4]"].map(|text| Resources::from(&parse(text)));
    let whole = Resources::from(&parse("cpus:3;disk:3;ports:[1-4]"));
    assert_eq!(parts.into_iter().collect::<Resources>(), whole);
}

#[test]
fn full_resources_have_both_forms_of_a_reservation() {
    let full = json_of(ResourcesFull::from(&parse("cpus(role):1")));
    assert_eq!(full[0]["role"], "role");
    assert_eq!(full[0]["reservations"][0]["role"], "role");
    assert_eq!(json_of(ResourcesFull::from(&parse("cpus:1")))[0]["role"], "*");
}

#[test]
fn task_has_the_keys_that_clients_read() {
    let task: v1::Task = message(json!({
        "name": "web",
        "task_id": { "value": "t" },
        "framework_id": { "value": "f" },
        "agent_id": { "value": "a" },
        "state": "TASK_RUNNING",
        "resources": [{
            "name": "cpus", "type": "SCALAR", "scalar": { "value": 1 }, "allocation_info": { "role": "r" },
        }],
        "statuses": [{
            "task_id": { "value": "t" },
            "state": "TASK_RUNNING",
            "timestamp": 1.5,
            "healthy": true,
            "container_status": {
                "container_id": { "value": "c" },
                "network_infos": [{ "ip_addresses": [{ "ip_address": "10.0.0.1" }] }],
                "executor_pid": 7,
            },
        }],
        "labels": { "labels": [{ "key": "k", "value": "v" }] },
        "discovery": { "visibility": "CLUSTER", "name": "web" },
        "user": "u",
    }));
    let expected = json!({
        "id": "t",
        "name": "web",
        "framework_id": "f",
        "executor_id": "",
        "slave_id": "a",
        "state": "TASK_RUNNING",
        "resources": { "cpus": 1.0, "gpus": 0.0, "mem": 0.0, "disk": 0.0 },
        "role": "r",
        "statuses": [{
            "state": "TASK_RUNNING",
            "timestamp": 1.5,
            "container_status": {
                "container_id": { "value": "c" },
                "network_infos": [{ "ip_addresses": [{ "ip_address": "10.0.0.1" }] }],
            },
            "healthy": true,
        }],
        "user": "u",
        "labels": [{ "key": "k", "value": "v" }],
        "discovery": { "visibility": "CLUSTER", "name": "web" },
    });
    let mut json = json_of(Task(&task));
    // The address of a container has a declared default, which is written.
    if let Some(address) =
        json["statuses"][0]["container_status"]["network_infos"][0]["ip_addresses"][0].as_object_mut()
    {
        address.retain(|key, _| key == "ip_address");
    }
    assert_eq!(json, expected);
}

#[test]
fn pending_task_is_staging() {
    let task: v1::TaskInfo = message(json!({
        "name": "web",
        "task_id": { "value": "t" },
        "agent_id": { "value": "a" },
        "executor": { "executor_id": { "value": "e" } },
    }));
    let framework_id = v1::FrameworkId { value: "f".to_owned() };
    let json = json_of(PendingTask { task: &task, framework_id: &framework_id });
    assert_eq!(json["state"], TaskState::TaskStaging.as_str_name());
    assert_eq!((&json["executor_id"], &json["framework_id"]), (&json!("e"), &json!("f")));
    assert_eq!((&json["role"], &json["statuses"]), (&json!("*"), &json!([])));
}

#[test]
fn executor_shows_its_command_and_role() {
    let executor: v1::ExecutorInfo = message(json!({
        "type": "CUSTOM",
        "executor_id": { "value": "e" },
        "framework_id": { "value": "f" },
        "command": {
            "value": "run",
            "arguments": ["a"],
            "environment": { "variables": [{ "name": "N", "value": "V" }] },
            "uris": [{ "value": "http://u", "executable": true }],
        },
        "resources": [{
            "name": "mem", "type": "SCALAR", "scalar": { "value": 32 }, "allocation_info": { "role": "r" },
        }],
    }));
    let json = json_of(ExecutorInfo(&executor));
    assert_eq!((&json["type"], &json["role"], &json["name"]), (&json!("CUSTOM"), &json!("r"), &json!("")));
    assert_eq!(json["command"]["argv"], json!(["a"]));
    assert_eq!(json["command"]["uris"], json!([{ "value": "http://u", "executable": true }]));
    assert_eq!(json["command"]["environment"]["variables"][0]["name"], "N");
    let bare = json_of(ExecutorInfo(&v1::ExecutorInfo::default()));
    assert_eq!(bare["command"], json!({ "argv": [], "uris": [] }));
    assert!(bare.get("role").is_none() && bare.get("type").is_none());
}

#[test]
fn framework_has_one_role_or_several() {
    let framework = |capabilities: Value| -> v1::FrameworkInfo {
        message(json!({
            "user": "u",
            "name": "n",
            "id": { "value": "f" },
            "role": "one",
            "roles": ["a", "b"],
            "capabilities": capabilities,
            "hostname": "h",
        }))
    };
    let single = framework(json!([]));
    let details = json_of(FrameworkDetails(&single));
    let expected = json!({ "user": "u", "failover_timeout": 0.0, "checkpoint": false, "role": "one" });
    assert_eq!(details, expected);
    let multiple = framework(json!([{ "type": "MULTI_ROLE" }]));
    let details = json_of(FrameworkDetails(&multiple));
    assert_eq!((&details["roles"], details.get("role")), (&json!(["a", "b"]), None));
    let summary = json_of(FrameworkSummary(&multiple));
    let expected =
        json!({ "id": "f", "name": "n", "capabilities": ["MULTI_ROLE"], "hostname": "h", "webui_url": "" });
    assert_eq!(summary, expected);
}

#[test]
fn attributes_have_their_names_as_keys() {
    let attributes: Vec<v1::Attribute> = [
        json!({ "name": "rack", "type": "TEXT", "text": { "value": "r1" } }),
        json!({ "name": "level", "type": "SCALAR", "scalar": { "value": 4 } }),
        json!({ "name": "bays", "type": "RANGES", "ranges": { "range": [{ "begin": 1, "end": 3 }] } }),
        json!({ "name": "tags", "type": "SET", "set": { "item": ["x", "y"] } }),
        json!({ "name": "rack", "type": "TEXT", "text": { "value": "r2" } }),
    ]
    .map(message)
    .to_vec();
    let text = serde_json::to_string(&Attributes(&attributes)).unwrap();
    assert_eq!(text, r#"{"level":4.0,"bays":"[1-3]","tags":"{x, y}","rack":"r2"}"#);
}

#[test]
fn agent_and_master_tell_where_they_are() {
    let domain = json!({ "fault_domain": { "region": { "name": "eu" }, "zone": { "name": "eu-1" } } });
    let agent: v1::AgentInfo =
        message(json!({ "hostname": "h", "id": { "value": "a" }, "domain": domain.clone() }));
    let expected = json!({ "id": "a", "hostname": "h", "port": 5051, "attributes": {}, "domain": domain });
    assert_eq!(json_of(AgentInfo(&agent)), expected);
    let master: v1::MasterInfo = message(
        json!({ "id": "m", "ip": 16_777_343, "port": 5050, "pid": "master@127.0.0.1:5050", "hostname": "h" }),
    );
    let expected = json!({ "id": "m", "pid": "master@127.0.0.1:5050", "port": 5050, "hostname": "h" });
    assert_eq!(json_of(MasterInfo(&master)), expected);
    let capabilities = [v1::agent_info::Capability { r#type: Some(1) }];
    assert_eq!(json_of(AgentCapabilities(&capabilities)), json!(["MULTI_ROLE"]));
}

#[test]
fn offer_names_the_agent_as_slave() {
    let offer: v1::Offer = message(json!({
        "id": { "value": "o" },
        "framework_id": { "value": "f" },
        "agent_id": { "value": "a" },
        "hostname": "h",
        "allocation_info": { "role": "r" },
    }));
    let json = json_of(Offer(&offer));
    assert_eq!((&json["slave_id"], &json["allocation_info"]), (&json!("a"), &json!({ "role": "r" })));
}
