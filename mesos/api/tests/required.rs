//! What proto2 demands: required fields, and enum numbers that have a name.

use mesos_api::json;
use mesos_api::protobuf::{self, DecodeError};
use mesos_api::v1::scheduler::{Call, Event, call};
use mesos_api::v1::{
    CapabilityInfo, CsiPluginContainerInfo, FrameworkInfo, TaskInfo, TaskState, TaskStatus,
    csi_plugin_container_info,
};
use mesos_api::{Message, internal};

fn missing<M: Message>(bytes: &[u8]) -> String {
    match protobuf::decode::<M>(bytes) {
        Err(DecodeError::Missing { path }) => path,
        other => panic!("{other:?}"),
    }
}

/// A field that holds bytes, text or a message.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, value.len() as u8], value].concat()
}

#[test]
fn missing_field_is_named_with_its_path() {
    assert_eq!(missing::<FrameworkInfo>(&[]), "user");
    assert_eq!(missing::<FrameworkInfo>(&field(1, b"u")), "name");
    let subscribe = field(3, &field(1, &field(2, b"n")));
    assert_eq!(missing::<Call>(&subscribe), "subscribe.framework_info.user");
    let offers = field(3, &[field(1, &[]), field(1, &[])].concat());
    assert_eq!(missing::<Event>(&offers), "offers.offers[0].id");
    // The first declared number counts, as in Mesos' own message.
    let uris = [field(1, &field(1, b"u")), field(1, &[])].concat();
    let task =
        [field(1, b"n"), field(2, &field(1, b"t")), field(3, &field(1, b"a")), field(7, &uris)].concat();
    assert_eq!(missing::<TaskInfo>(&task), "command.uris[1].value");
}

#[test]
fn missing_field_is_named_with_its_path_in_json() {
    for (text, path) in [
        (
            r#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"name":"n"}}}"#,
            "subscribe.framework_info.user",
        ),
        (r#"{"subscribe":{}}"#, "subscribe.framework_info"),
        (r#"{"accept":{"offer_ids":[{"value":"o"},[{}]]}}"#, "accept.offer_ids[1].value"),
        (r#"{"acknowledge":{"task_id":{"value":"t"},"uuid":"AA=="}}"#, "acknowledge.agent_id"),
    ] {
        let error = json::from_str::<Call>(text).unwrap_err();
        assert_eq!(error.to_string(), format!("missing required field '{path}'"));
    }
    let acknowledge = r#"{"acknowledge":{"task_id":{"value":"t"},"uuid":"AA=="}}"#;
    let error = json::v0::from_str::<Call>(acknowledge).unwrap_err();
    assert_eq!(error.to_string(), "missing required field 'acknowledge.slave_id'");
}

#[test]
fn misfits_are_named_with_their_path_in_json() {
    for (text, problem) in [
        (r#"{"kill":{"task_id":5}}"#, "field 'kill.task_id': expected an object, found a number"),
        (
            r#"{"accept":{"offer_ids":["o"]}}"#,
            "field 'accept.offer_ids[0]': expected an object, found a string",
        ),
        (r#"{"message":{"data":"?"}}"#, "field 'message.data': expected base64"),
        (
            r#"{"accept":{"filters":{"refuse_seconds":"soon"}}}"#,
            "field 'accept.filters.refuse_seconds': expected a number, found a string",
        ),
        (r#"{"kill":{"task_id":{"value":"t"}}"#, "malformed JSON at byte 33: the text ends too early"),
        ("\u{feff}{}", "malformed JSON at byte 0: expected an object"),
        (r#"{"type":nil}"#, "malformed JSON at byte 8: expected a value"),
        ("null", "expected a JSON object, found null"),
    ] {
        assert_eq!(json::from_str::<Call>(text).unwrap_err().to_string(), problem, "{text}");
    }
    assert!(json::from_slice::<Call>(b"{\"type\":\"\xff\"}").is_err());
}

#[test]
fn required_field_of_an_internal_message_is_found_through_the_v0_names() {
    let registry = field(2, &field(1, &field(1, &[])));
    assert_eq!(missing::<internal::Registry>(&registry), "slaves.slaves[0].info.hostname");
}

#[test]
fn unknown_enum_number_counts_as_unset() {
    let call: Call = protobuf::decode(&[0x10, 99]).unwrap();
    assert_eq!(call.r#type, None);
    let call: Call = protobuf::decode(&[0x10, 5, 0x10, 99]).unwrap();
    assert_eq!(call.r#type(), call::Type::Revive, "the last number that has a name counts");
    // -1 takes ten bytes.
    let negative = [[0x10].as_slice(), &[0xff; 9], &[1]].concat();
    assert_eq!(protobuf::decode::<Call>(&negative).unwrap().r#type, None);
}

#[test]
fn unknown_enum_number_in_a_required_field_is_a_missing_field() {
    let status = [field(1, &field(1, b"t")), vec![0x10, 99]].concat();
    assert_eq!(missing::<TaskStatus>(&status), "state");
    let update = field(5, &field(1, &status));
    assert_eq!(missing::<Event>(&update), "update.status.state");
}

#[test]
fn unknown_enum_numbers_are_left_out_of_lists() {
    use csi_plugin_container_info::Service::{ControllerService, NodeService};
    let expected = [ControllerService as i32, NodeService as i32];
    let one_by_one: CsiPluginContainerInfo = protobuf::decode(&[0x08, 1, 0x08, 77, 0x08, 2]).unwrap();
    assert_eq!(one_by_one.services, expected);
    let packed: CsiPluginContainerInfo = protobuf::decode(&[0x0a, 3, 1, 77, 2]).unwrap();
    assert_eq!(packed.services, expected);
    let capabilities: CapabilityInfo =
        json::from_str(r#"{"capabilities":["CHOWN","NO_SUCH",null,"KILL"]}"#).unwrap();
    assert_eq!(json::to_string(&capabilities), r#"{"capabilities":["CHOWN","KILL"]}"#);
}

/// protobuf allows a message to come in parts, which are to be merged.
#[test]
fn message_in_several_parts_is_merged_before_its_fields_are_required() {
    let status = [field(1, &[]), vec![0x10, 1], field(1, &field(1, b"t"))].concat();
    let status: TaskStatus = protobuf::decode(&status).unwrap();
    assert_eq!((status.task_id.value.as_str(), status.state()), ("t", TaskState::TaskRunning));
    let still_missing = [field(1, &[]), vec![0x10, 1], field(1, &[])].concat();
    assert_eq!(missing::<TaskStatus>(&still_missing), "task_id.value");
}

/// Each of the parts of a message may itself hold parts of a message.
#[test]
fn parts_are_merged_at_every_level() {
    let id = |value: &[u8]| field(1, value);
    let parent = |inner: &[u8]| field(2, inner);
    let container = [
        parent(&[parent(&id(b"old")), id(b"b")].concat()),
        id(b"c"),
        parent(&parent(&[parent(&[]), id(b"a")].concat())),
        parent(&parent(&parent(&id(b"0")))),
    ];
    let container: mesos_api::v1::ContainerId = protobuf::decode(&container.concat()).unwrap();
    assert_eq!(container.to_string(), "0.a.b.c");
}

/// An empty operation takes two bytes on the wire and five thousand in memory.
#[test]
fn nearly_empty_elements_do_not_take_all_memory() {
    let accept = |operation: &[u8], count: usize| {
        let operations = [&[0x12, operation.len() as u8], operation].concat().repeat(count);
        let mut call = vec![0x22];
        prost::encoding::encode_varint(operations.len() as u64, &mut call);
        [call, operations].concat()
    };
    assert_eq!(protobuf::decode::<Call>(&accept(&[], 1_000_000)), Err(DecodeError::TooLarge));
    let unknown_type = [0x08, 99];
    assert_eq!(protobuf::decode::<Call>(&accept(&unknown_type, 1_000_000)), Err(DecodeError::TooLarge));
    let json = format!(r#"{{"accept":{{"operations":[{}]}}}}"#, vec!["{}"; 1_000_000].join(","));
    let error = json::from_str::<Call>(&json).unwrap_err().to_string();
    assert!(error.ends_with("too many nearly empty elements"), "{error}");

    // RESERVE of one processor.
    let cpus = [field(1, b"cpus"), vec![0x10, 0], field(3, &[0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f])].concat();
    let reserve = [vec![0x08, 2], field(3, &field(1, &cpus))].concat();
    let call: Call = protobuf::decode(&accept(&reserve, 2_000)).unwrap();
    let read: Call = json::from_str(&json::to_string(&call)).unwrap();
    assert_eq!(read.accept.unwrap().operations.len(), 2_000);
}

#[test]
fn error_messages_repeat_only_the_beginning_of_what_was_sent() {
    let long = "9".repeat(1_000_000);
    for text in [
        format!(r#"{{"status":{{"task_id":{{"value":"t"}},"state":"{long}"}}}}"#),
        format!(r#"{{"status":{{"task_id":{{"value":"t"}},"state":"TASK_LOST","timestamp":"{long}"}}}}"#),
    ] {
        let error = json::from_str::<mesos_api::v1::executor::call::Update>(&text).unwrap_err().to_string();
        assert!(error.len() < 200, "{}", error.len());
    }
}

#[test]
fn depth_is_bounded() {
    let mut container = field(1, b"c");
    for _ in 0..3 {
        container = [field(1, b"c"), field(2, &container)].concat();
    }
    assert!(protobuf::decode::<mesos_api::v1::ContainerId>(&container).is_ok());

    let mut deep = Vec::new();
    for _ in 0..100_000 {
        let length = prost::encoding::encoded_len_varint(deep.len() as u64);
        let mut outer = Vec::with_capacity(deep.len() + length + 1);
        outer.push(0x12);
        prost::encoding::encode_varint(deep.len() as u64, &mut outer);
        if deep.len() > 10_000 {
            break;
        }
        outer.extend_from_slice(&deep);
        deep = outer;
    }
    assert!(protobuf::decode::<mesos_api::v1::ContainerId>(&deep).is_err());

    for open in ["{\"parent\":", "{\"x\":{\"y\":", "[", "{\"x\":["] {
        let error = json::from_str::<mesos_api::v1::ContainerId>(&format!(
            "{{\"value\":\"c\",\"z\":{}",
            open.repeat(10_000)
        ));
        assert!(error.is_err(), "{open}");
    }
}
