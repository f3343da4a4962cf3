//! The syntax of scheduler calls, before anything is looked up.

use mesos_api::v1::scheduler::Call;
use mesos_api::v1::scheduler::call::Type;

use super::Verdict;
use crate::wire::is_uuid;

/// Checks that a call has what its type asks for. `principal` is who sent it.
///
/// # Errors
///
/// Names what is missing or at odds.
pub fn call(call: &Call, principal: Option<&str>) -> Verdict {
    if call.r#type.is_none() {
        return Err("Expecting 'type' to be present".to_owned());
    }
    let r#type = call.r#type();
    if r#type == Type::Subscribe {
        return subscribe(call, principal);
    }
    if call.framework_id.is_none() {
        return Err("Expecting 'framework_id' to be present".to_owned());
    }
    let (name, present) = match r#type {
        Type::Subscribe | Type::Teardown | Type::Revive | Type::Suppress | Type::Unknown => return Ok(()),
        Type::Accept => ("accept", call.accept.is_some()),
        Type::Decline => ("decline", call.decline.is_some()),
        Type::AcceptInverseOffers => ("accept_inverse_offers", call.accept_inverse_offers.is_some()),
        Type::DeclineInverseOffers => ("decline_inverse_offers", call.decline_inverse_offers.is_some()),
        Type::Kill => ("kill", call.kill.is_some()),
        Type::Shutdown => ("shutdown", call.shutdown.is_some()),
        Type::Acknowledge => ("acknowledge", call.acknowledge.is_some()),
        Type::AcknowledgeOperationStatus => {
            ("acknowledge_operation_status", call.acknowledge_operation_status.is_some())
        }
        Type::Reconcile => ("reconcile", call.reconcile.is_some()),
        Type::ReconcileOperations => ("reconcile_operations", call.reconcile_operations.is_some()),
        Type::Message => ("message", call.message.is_some()),
        Type::Request => ("request", call.request.is_some()),
    };
    if !present {
        return Err(format!("Expecting '{name}' to be present"));
    }
    let uuid = match (&call.acknowledge, &call.acknowledge_operation_status) {
        (Some(acknowledge), _) if r#type == Type::Acknowledge => &acknowledge.uuid,
        (_, Some(acknowledge)) if r#type == Type::AcknowledgeOperationStatus => &acknowledge.uuid,
        _ => return Ok(()),
    };
    if is_uuid(uuid) { Ok(()) } else { Err("Not a valid UUID: expecting 16 bytes".to_owned()) }
}

fn subscribe(call: &Call, principal: Option<&str>) -> Verdict {
    let Some(subscribe) = &call.subscribe else {
        return Err("Expecting 'subscribe' to be present".to_owned());
    };
    let info = &subscribe.framework_info;
    let value = |id: &Option<mesos_api::v1::FrameworkId>| id.as_ref().map(|id| id.value.clone());
    if value(&info.id).unwrap_or_default() != value(&call.framework_id).unwrap_or_default() {
        return Err("'framework_id' differs from 'subscribe.framework_info.id'".to_owned());
    }
    match (principal, &info.principal) {
        (Some(authenticated), Some(named)) if authenticated != named => Err(format!(
            "Authenticated principal '{authenticated}' does not match principal '{named}' set in \
             `FrameworkInfo`"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::FrameworkInfo;
    use mesos_api::v1::scheduler::call;

    use super::*;

    fn of(r#type: Type) -> Call {
        Call { r#type: Some(r#type as i32), framework_id: Some("f".into()), ..Call::default() }
    }

    fn subscribe_as(outer: Option<&str>, inner: Option<&str>, principal: Option<&str>) -> Call {
        Call {
            framework_id: outer.map(Into::into),
            subscribe: Some(call::Subscribe {
                framework_info: FrameworkInfo {
                    id: inner.map(Into::into),
                    principal: principal.map(Into::into),
                    ..FrameworkInfo::default()
                },
                ..call::Subscribe::default()
            }),
            ..of(Type::Subscribe)
        }
    }

    #[test]
    fn content_that_the_type_asks_for_must_be_there() {
        for r#type in [Type::Teardown, Type::Revive, Type::Suppress, Type::Unknown] {
            assert_eq!(super::call(&of(r#type), None), Ok(()));
        }
        for (r#type, name) in [
            (Type::Subscribe, "subscribe"),
            (Type::Accept, "accept"),
            (Type::Decline, "decline"),
            (Type::AcceptInverseOffers, "accept_inverse_offers"),
            (Type::DeclineInverseOffers, "decline_inverse_offers"),
            (Type::Kill, "kill"),
            (Type::Shutdown, "shutdown"),
            (Type::Acknowledge, "acknowledge"),
            (Type::AcknowledgeOperationStatus, "acknowledge_operation_status"),
            (Type::Reconcile, "reconcile"),
            (Type::ReconcileOperations, "reconcile_operations"),
            (Type::Message, "message"),
            (Type::Request, "request"),
        ] {
            assert_eq!(super::call(&of(r#type), None), Err(format!("Expecting '{name}' to be present")));
        }
        assert_eq!(super::call(&Call::default(), None), Err("Expecting 'type' to be present".into()));
        let nameless = Call { framework_id: None, ..of(Type::Teardown) };
        assert_eq!(super::call(&nameless, None), Err("Expecting 'framework_id' to be present".into()));
    }

    #[test]
    fn uuid_of_an_acknowledgement_has_16_bytes() {
        let with = |uuid: Vec<u8>| Call {
            acknowledge: Some(call::Acknowledge { uuid, ..call::Acknowledge::default() }),
            ..of(Type::Acknowledge)
        };
        assert_eq!(super::call(&with(vec![0; 16]), None), Ok(()));
        assert!(super::call(&with(vec![0; 15]), None).is_err());
    }

    #[test]
    fn ids_and_principals_of_a_subscription_must_agree() {
        assert_eq!(super::call(&subscribe_as(None, None, None), Some("p")), Ok(()));
        assert_eq!(super::call(&subscribe_as(Some(""), None, Some("p")), Some("p")), Ok(()));
        assert_eq!(super::call(&subscribe_as(Some("f"), Some("f"), None), None), Ok(()));
        assert!(super::call(&subscribe_as(Some("f"), None, None), None).is_err());
        assert!(super::call(&subscribe_as(Some("f"), Some("g"), None), None).is_err());
        assert!(super::call(&subscribe_as(None, None, Some("p")), Some("q")).is_err());
    }
}
