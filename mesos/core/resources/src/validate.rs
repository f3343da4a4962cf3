//! Checks of resources from outside. The texts name the rule that is broken.
#![allow(deprecated)] // The older form of reservations is checked too.

use std::collections::HashSet;

use mesos_api::v1;
use mesos_api::v1::offer::{Operation, operation::Type as OperationType};
use mesos_api::v1::resource::ReservationInfo;
use mesos_api::v1::resource::disk_info::source::Type as SourceType;
use mesos_api::v1::resource::reservation_info::Type as ReservationType;
use mesos_api::v1::value::Type as ValueType;

use crate::display::ProtoText;
use crate::format::HasResources;
use crate::kind::same_labels;
use crate::{ResourceError, Scalar, format, roles};

/// Checks a role name; see [`roles::validate`].
///
/// # Errors
///
/// Names the rule that the name breaks.
pub fn role(role: &str) -> Result<(), ResourceError> {
    roles::validate(role)
}

/// Checks one resource in either form.
///
/// # Errors
///
/// Names the rule that the resource breaks.
pub fn resource(resource: &v1::Resource) -> Result<(), ResourceError> {
    if resource.name.is_empty() {
        return wrong("Empty resource name");
    }
    value(resource)?;
    disk(resource)?;
    if resource.reservations.is_empty() {
        single_reservation(resource)?;
    } else {
        reservations(resource)?;
    }
    if resource.shared.is_some() {
        if resource.name != "disk" {
            return wrong(format!("Resource {} cannot be shared", resource.name));
        }
        if resource.disk.as_ref().is_none_or(|disk| disk.persistence.is_none()) {
            return wrong("Only persistent volumes can be shared");
        }
    }
    Ok(())
}

/// Checks resources one by one.
///
/// # Errors
///
/// Names the first resource that breaks a rule, and the rule.
pub fn resources<'a>(all: impl IntoIterator<Item = &'a v1::Resource>) -> Result<(), ResourceError> {
    for one in all {
        resource(one).map_err(|error| {
            ResourceError::Invalid(format!("Resource '{}' is invalid: {error}", ProtoText(one)))
        })?;
    }
    Ok(())
}

/// Checks that an operation has the content its type asks for and that all resources in it are
/// valid, and converts them to the form with a list of reservations.
///
/// # Errors
///
/// Names what is missing or the resource that is invalid.
pub fn operation(operation: &mut Operation) -> Result<(), ResourceError> {
    let (name, field, present) = match operation.r#type() {
        OperationType::Unknown => return Err(ResourceError::Operation("Unknown offer operation".to_owned())),
        OperationType::Launch => ("A LAUNCH", "launch", operation.launch.is_some()),
        OperationType::LaunchGroup => ("A LAUNCH_GROUP", "launch_group", operation.launch_group.is_some()),
        OperationType::Reserve => ("A RESERVE", "reserve", operation.reserve.is_some()),
        OperationType::Unreserve => ("An UNRESERVE", "unreserve", operation.unreserve.is_some()),
        OperationType::Create => ("A CREATE", "create", operation.create.is_some()),
        OperationType::Destroy => ("A DESTROY", "destroy", operation.destroy.is_some()),
        OperationType::CreateVolume => {
            ("A CREATE_VOLUME", "create_volume", operation.create_volume.is_some())
        }
        OperationType::DestroyVolume => {
            ("A DESTROY_VOLUME", "destroy_volume", operation.destroy_volume.is_some())
        }
        OperationType::CreateBlock => ("A CREATE_BLOCK", "create_block", operation.create_block.is_some()),
        OperationType::DestroyBlock => {
            ("A DESTROY_BLOCK", "destroy_block", operation.destroy_block.is_some())
        }
    };
    if !present {
        let text = format!("{name} offer operation must have the Offer.Operation.{field} field set.");
        return Err(ResourceError::Operation(text));
    }
    let mut result = Ok(());
    operation.visit_resources(&mut |resource| {
        if result.is_ok() {
            result = resources([&*resource]);
        }
    });
    result?;
    format::upgrade_all(operation);
    Ok(())
}

fn wrong<T>(text: impl Into<String>) -> Result<T, ResourceError> {
    Err(ResourceError::invalid(text))
}

fn value(resource: &v1::Resource) -> Result<(), ResourceError> {
    let present = (resource.scalar.is_some(), resource.ranges.is_some(), resource.set.is_some());
    match (ValueType::try_from(resource.r#type), present) {
        (Err(_), _) => wrong("Invalid resource type"),
        (Ok(ValueType::Scalar), (true, false, false)) => {
            scalar(resource.scalar.as_ref().map_or(0.0, |scalar| scalar.value))
        }
        (Ok(ValueType::Ranges), (false, true, false)) => {
            ranges(resource.ranges.as_ref().map_or(&[], |ranges| ranges.range.as_slice()))
        }
        (Ok(ValueType::Set), (false, false, true)) => {
            let mut seen = HashSet::new();
            match resource.set.iter().flat_map(|set| &set.item).all(|item| seen.insert(item)) {
                true => Ok(()),
                false => wrong("Invalid set resource: duplicated elements"),
            }
        }
        (Ok(ValueType::Scalar), _) => wrong("Invalid scalar resource"),
        (Ok(ValueType::Ranges), _) => wrong("Invalid ranges resource"),
        (Ok(ValueType::Set), _) => wrong("Invalid set resource"),
        (Ok(ValueType::Text), _) => wrong("Unsupported resource type"),
    }
}

fn scalar(value: f64) -> Result<(), ResourceError> {
    if !value.is_finite() || value > Scalar::MAX.as_f64() {
        return wrong("Invalid scalar resource: value is not a number or too large");
    }
    if value != 0.0 && Scalar::from_f64(value).is_zero() {
        return wrong("Invalid scalar resource: value <= 0");
    }
    Ok(())
}

fn ranges(ranges: &[v1::value::Range]) -> Result<(), ResourceError> {
    if ranges.iter().any(|range| range.begin > range.end) {
        return wrong("Invalid ranges resource: begin > end");
    }
    let mut sorted: Vec<_> = ranges.iter().map(|range| (range.begin, range.end)).collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| matches!(pair, [a, b] if b.0 <= a.1)) {
        return wrong("Invalid ranges resource: overlapping ranges");
    }
    Ok(())
}

fn disk(resource: &v1::Resource) -> Result<(), ResourceError> {
    let Some(disk) = &resource.disk else { return Ok(()) };
    if resource.name != "disk" {
        return wrong(format!("DiskInfo should not be set for {} resource", resource.name));
    }
    match disk.source.as_ref().map(|source| source.r#type()) {
        Some(SourceType::Unknown) => wrong("Unsupported 'DiskInfo.Source.Type' in 'UNKNOWN'"),
        _ => Ok(()),
    }
}

/// The form with `role` and `reservation`.
fn single_reservation(resource: &v1::Resource) -> Result<(), ResourceError> {
    let role = resource.role.as_deref().unwrap_or(roles::DEFAULT);
    roles::validate(role)?;
    let Some(reservation) = &resource.reservation else { return Ok(()) };
    if reservation.r#type.is_some() {
        return wrong("'Resource.ReservationInfo.type' must not be set for the 'Resource.reservation' field");
    }
    if reservation.role.is_some() {
        return wrong("'Resource.ReservationInfo.role' must not be set for the 'Resource.reservation' field");
    }
    if role == roles::DEFAULT {
        return wrong("Invalid reservation: role \"*\" cannot be dynamically reserved");
    }
    Ok(())
}

/// The form with a list, beside which the older one may stand if it says the same.
fn reservations(resource: &v1::Resource) -> Result<(), ResourceError> {
    let mut above: Option<&ReservationInfo> = None;
    for reservation in &resource.reservations {
        let Some(r#type) = reservation.r#type else {
            return wrong("Invalid reservation: 'Resource.ReservationInfo.type' field must be set.");
        };
        let Some(role) = &reservation.role else {
            return wrong("Invalid reservation: 'Resource.ReservationInfo.role' field must be set.");
        };
        roles::validate(role)?;
        if role == roles::DEFAULT {
            return wrong("Invalid reservation: role \"*\" cannot be reserved");
        }
        if r#type != ReservationType::Static as i32 && r#type != ReservationType::Dynamic as i32 {
            return wrong("Unsupported 'Resource.ReservationInfo.Type'");
        }
        if let Some(above) = above {
            if r#type == ReservationType::Static as i32 {
                return wrong("Invalid refined reservation: A refined reservation cannot be STATIC");
            }
            if !roles::is_strict_subrole(role, above.role()) {
                let ancestor = above.role();
                return wrong(format!(
                    "Invalid refined reservation: role '{role}' is not a refinement of '{ancestor}'"
                ));
            }
        }
        above = Some(reservation);
    }
    match resource.reservations.as_slice() {
        [only] => agrees(resource, only),
        _ if resource.role.is_some() => wrong(
            "Invalid resource format: 'Resource.role' must not be set if there is more than one reservation \
             in 'Resource.reservations'",
        ),
        _ if resource.reservation.is_some() => wrong(
            "Invalid resource format: 'Resource.reservation' must not be set if there is more than one \
             reservation in 'Resource.reservations'",
        ),
        _ => Ok(()),
    }
}

fn agrees(resource: &v1::Resource, only: &ReservationInfo) -> Result<(), ResourceError> {
    if let Some(role) = resource.role.as_deref().filter(|role| *role != only.role()) {
        return wrong(format!(
            "Invalid resource format: 'Resource.role' field with '{role}' does not match the role '{}' in \
             'Resource.reservations'",
            only.role()
        ));
    }
    if only.r#type() == ReservationType::Static {
        return match resource.reservation {
            None => Ok(()),
            Some(_) => wrong(
                "Invalid resource format: 'Resource.reservation' must not be set if the single reservation in \
                 'Resource.reservations' is STATIC",
            ),
        };
    }
    if resource.role.is_some() != resource.reservation.is_some() {
        return wrong(
            "Invalid resource format: 'Resource.role' and 'Resource.reservation' must either be both set or \
             both not set if the single reservation in 'Resource.reservations' is DYNAMIC",
        );
    }
    let Some(older) = &resource.reservation else { return Ok(()) };
    if older.principal() != only.principal() {
        return wrong(format!(
            "Invalid resource format: 'Resource.reservation.principal' field with '{}' does not match the \
             principal '{}' in 'Resource.reservations'",
            older.principal(),
            only.principal()
        ));
    }
    let labels = |reservation: &ReservationInfo| reservation.labels.clone().unwrap_or_default();
    if !same_labels(&labels(older), &labels(only)) {
        return wrong(
            "Invalid resource format: 'Resource.reservation.labels' field does not match the labels in \
             'Resource.reservations'",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a scalar resource with other fields as JSON.
    #[track_caller]
    fn check(fields: &str, expected: &str) {
        let comma = if fields.is_empty() { "" } else { "," };
        let json = format!(r#"{{"name":"disk","type":"SCALAR","scalar":{{"value":1}}{comma}{fields}}}"#);
        let proto: v1::Resource = mesos_api::json::from_str(&json).unwrap();
        let found = resource(&proto).map_or_else(|error| error.to_string(), |()| String::new());
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{fields}: {found}");
    }

    #[test]
    fn both_forms_of_reservations_are_fine() {
        for fields in [
            "",
            r#""role":"*""#,
            r#""role":"a/b""#,
            r#""role":"a","reservation":{"principal":"p"}"#,
            r#""reservations":[{"type":"STATIC","role":"a"}]"#,
            r#""reservations":[{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"a/b"}]"#,
            r#""role":"a","reservations":[{"type":"STATIC","role":"a"}]"#,
            r#""role":"a","reservation":{"principal":"p"},
               "reservations":[{"type":"DYNAMIC","role":"a","principal":"p"}]"#,
        ] {
            check(fields, "");
        }
    }

    #[test]
    fn reservations_that_make_no_sense_are_refused() {
        let dynamic = r#"{"type":"DYNAMIC","role":"a"}"#;
        for (fields, rule) in [
            (r#""role":"a//b""#, "cannot contain two adjacent slashes"),
            (r#""role":"*","reservation":{}"#, "role \"*\" cannot be dynamically reserved"),
            (r#""role":"a","reservation":{"type":"DYNAMIC"}"#, "type' must not be set"),
            (r#""role":"a","reservation":{"role":"a"}"#, "role' must not be set"),
            (r#""reservations":[{"role":"a"}]"#, "type' field must be set"),
            (r#""reservations":[{"type":"STATIC"}]"#, "role' field must be set"),
            (r#""reservations":[{"type":"UNKNOWN","role":"a"}]"#, "Unsupported"),
            (r#""reservations":[{"type":"STATIC","role":"*"}]"#, "role \"*\" cannot be reserved"),
            (r#""reservations":[{"type":"STATIC","role":"a b"}]"#, "whitespace"),
            (&format!(r#""reservations":[{dynamic},{{"type":"STATIC","role":"a/b"}}]"#), "cannot be STATIC"),
            (
                &format!(r#""reservations":[{dynamic},{{"type":"DYNAMIC","role":"ab"}}]"#),
                "is not a refinement of 'a'",
            ),
            (&format!(r#""reservations":[{dynamic},{dynamic}]"#), "is not a refinement of 'a'"),
            (&format!(r#""role":"b","reservations":[{dynamic}]"#), "does not match the role"),
            (&format!(r#""role":"a","reservations":[{dynamic}]"#), "must either be both set or both not set"),
            (
                &format!(r#""role":"a","reservation":{{"principal":"p"}},"reservations":[{dynamic}]"#),
                "does not match the principal",
            ),
            (
                r#""role":"a","reservation":{},"reservations":[{"type":"STATIC","role":"a"}]"#,
                "must not be set if the single reservation",
            ),
            (
                r#""role":"a","reservations":[{"type":"STATIC","role":"a"},{"type":"DYNAMIC","role":"a/b"}]"#,
                "more than one reservation",
            ),
        ] {
            check(fields, rule);
        }
    }

    #[test]
    fn only_persistent_volumes_are_shared_and_only_disks_have_sources() {
        check(r#""shared":{}"#, "Only persistent volumes can be shared");
        check(r#""shared":{},"disk":{"persistence":{"id":"v"}}"#, "");
        check(r#""disk":{"source":{"type":"UNKNOWN"}}"#, "Unsupported 'DiskInfo.Source.Type'");
        let mut cpus = v1::Resource {
            name: "cpus".to_owned(),
            scalar: Some(v1::value::Scalar { value: 1.0 }),
            shared: Some(Default::default()),
            ..Default::default()
        };
        assert_eq!(resource(&cpus).unwrap_err().to_string(), "Resource cpus cannot be shared");
        cpus.disk = Some(Default::default());
        assert_eq!(resource(&cpus).unwrap_err().to_string(), "DiskInfo should not be set for cpus resource");
    }

    fn valued(r#type: i32) -> v1::Resource {
        v1::Resource { name: "x".to_owned(), r#type, ..Default::default() }
    }

    #[test]
    fn the_value_must_fit_the_type() {
        let scalar = |value| v1::Resource { scalar: Some(v1::value::Scalar { value }), ..valued(0) };
        let ranges = |ranges: &[(u64, u64)]| {
            let range = ranges.iter().map(|&(begin, end)| v1::value::Range { begin, end }).collect();
            v1::Resource { ranges: Some(v1::value::Ranges { range }), ..valued(1) }
        };
        let set = |items: &[&str]| {
            let item = items.iter().map(|item| (*item).to_owned()).collect();
            v1::Resource { set: Some(v1::value::Set { item }), ..valued(2) }
        };
        for (resource, expected) in [
            (scalar(0.0), ""),
            (scalar(-1.0), "Invalid scalar resource: value <= 0"),
            (scalar(0.0001), "Invalid scalar resource: value <= 0"),
            (scalar(f64::NAN), "Invalid scalar resource: value is not a number or too large"),
            (scalar(1e300), "Invalid scalar resource: value is not a number or too large"),
            (v1::Resource { r#type: 1, ..scalar(1.0) }, "Invalid ranges resource"),
            (v1::Resource { r#type: 9, ..scalar(1.0) }, "Invalid resource type"),
            (v1::Resource { set: Some(Default::default()), ..scalar(1.0) }, "Invalid scalar resource"),
            (v1::Resource { name: String::new(), ..scalar(1.0) }, "Empty resource name"),
            (ranges(&[(5, 6), (1, 4)]), ""),
            (ranges(&[(5, 4)]), "Invalid ranges resource: begin > end"),
            (ranges(&[(5, 9), (1, 5)]), "Invalid ranges resource: overlapping ranges"),
            (set(&["a", "b"]), ""),
            (set(&["a", "a"]), "Invalid set resource: duplicated elements"),
            (valued(3), "Unsupported resource type"),
            (valued(0), "Invalid scalar resource"),
        ] {
            let found = super::resource(&resource).map_or_else(|error| error.to_string(), |()| String::new());
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_operation_needs_the_content_of_its_type_and_valid_resources() {
        let mut reserve = Operation { r#type: Some(OperationType::Reserve as i32), ..Default::default() };
        let error = operation(&mut reserve).unwrap_err();
        assert_eq!(
            error.to_string(),
            "A RESERVE offer operation must have the Offer.Operation.reserve field set."
        );
        reserve.reserve = Some(Default::default());
        assert_eq!(operation(&mut reserve), Ok(()));
        reserve.reserve = Some(v1::offer::operation::Reserve { resources: vec![valued(0)] });
        let error = operation(&mut reserve).unwrap_err();
        assert_eq!(error.to_string(), "Resource 'x:' is invalid: Invalid scalar resource");
        assert_eq!(operation(&mut Operation::default()).unwrap_err().to_string(), "Unknown offer operation");
    }

    #[test]
    fn a_valid_operation_is_upgraded() {
        let resource = v1::Resource {
            scalar: Some(v1::value::Scalar { value: 1.0 }),
            role: Some("a".to_owned()),
            ..valued(0)
        };
        let mut launch = Operation {
            r#type: Some(OperationType::Launch as i32),
            launch: Some(v1::offer::operation::Launch {
                task_infos: vec![v1::TaskInfo { resources: vec![resource], ..Default::default() }],
            }),
            ..Default::default()
        };
        operation(&mut launch).unwrap();
        let upgraded = &launch.launch.unwrap().task_infos[0].resources[0];
        assert_eq!((upgraded.role.as_ref(), upgraded.reservations.len()), (None, 1));
    }
}
