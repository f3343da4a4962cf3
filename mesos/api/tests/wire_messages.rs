//! Messages that travel between processes under their names.

use mesos_api::internal::log::PromiseRequest;
use mesos_api::internal::{PingSlaveMessage, RegisterSlaveMessage, Registry};
use mesos_api::v1::scheduler::{Call, Event, call};
use mesos_api::v1::{AgentInfo, FrameworkInfo};
use mesos_api::{Message, json, protobuf};
use stout::WireMessage;

#[test]
fn internal_messages_go_by_their_full_names() {
    assert_eq!(PingSlaveMessage::wire_name(), "mesos.internal.PingSlaveMessage");
    assert_eq!(Registry::FULL_NAME, "mesos.internal.Registry");
    assert_eq!(PromiseRequest::wire_name(), "mesos.internal.log.PromiseRequest");
    assert_eq!(PingSlaveMessage { connected: true }.encode_wire(), [0x08, 1]);
    let error = PingSlaveMessage::decode_wire(&[]).unwrap_err();
    assert_eq!(error, "missing required field 'connected'");
}

/// The field 7 that only `SlaveInfo` has.
#[test]
fn checkpoint_of_an_agent_is_on_the_v0_wire() {
    let slave = AgentInfo { hostname: "h".into(), checkpoint: Some(true), ..AgentInfo::default() };
    let message = RegisterSlaveMessage { slave, ..RegisterSlaveMessage::default() };
    let bytes = message.encode_wire();
    assert_eq!(bytes, [0x0a, 5, 0x0a, 1, b'h', 0x38, 1]);
    assert_eq!(RegisterSlaveMessage::decode_wire(&bytes), Ok(message));
}

fn subscription() -> Call {
    let framework_info = FrameworkInfo { user: "u".into(), name: "n".into(), ..FrameworkInfo::default() };
    let suppressed_roles = vec!["a".to_owned(), "b".to_owned()];
    let mut call = Call::default();
    call.set_type(call::Type::Subscribe);
    call.subscribe = Some(call::Subscribe { framework_info, suppressed_roles, force: Some(true) });
    call
}

#[test]
fn subscription_has_other_numbers_on_the_v0_wire() {
    let call = subscription();
    let bytes = call.encode_wire();
    let info = [0x0a, 6, 0x0a, 1, b'u', 0x12, 1, b'n'];
    let subscribe = [info.as_slice(), &[0x10, 1, 0x1a, 1, b'a', 0x1a, 1, b'b']].concat();
    assert_eq!(bytes, [[0x10, 1, 0x1a, subscribe.len() as u8].as_slice(), &subscribe].concat());
    assert_eq!(Call::decode_wire(&bytes), Ok(call));
    assert_eq!(Call::wire_name(), "mesos.scheduler.Call");
    assert_eq!(Event::wire_name(), "mesos.scheduler.Event");
}

#[test]
fn subscription_of_v1_is_not_rewritten() {
    let mut call = subscription();
    call.subscribe.as_mut().unwrap().force = None;
    let bytes = protobuf::encode(&call);
    assert_eq!(protobuf::decode(&bytes), Ok(call.clone()));
    assert!(bytes.windows(3).any(|window| window == [0x12, 1, b'a']));
    assert_eq!(
        json::from_str(&json::to_string(&call))
            .map(|call: Call| call.subscribe.map(|it| it.suppressed_roles)),
        Ok(Some(vec!["a".to_owned(), "b".to_owned()]))
    );
}

#[test]
fn what_is_no_subscription_is_refused_on_the_v0_wire() {
    assert_eq!(
        Call::decode_wire(&[0x1a, 0]).unwrap_err(),
        "missing required field 'subscribe.framework_info'"
    );
    assert!(Call::decode_wire(&[0x1a, 9, 1]).is_err());
    assert!(Call::decode_wire(&[0x1a, 1, 0xff]).is_err());
}
