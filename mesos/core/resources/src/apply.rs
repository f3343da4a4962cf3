//! What offer operations turn resources into.

use mesos_api::v1::offer::{Operation, operation::Type as OperationType};
use mesos_api::v1::{self};

use crate::{Resource, ResourceError, Resources};

/// Resources that become others of the same amount.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversion {
    /// What must be there and goes.
    pub consumed: Resources,
    /// What takes its place.
    pub converted: Resources,
    /// Whether the consumed volume is destroyed, so that no other copy of it may be left.
    pub destroys: bool,
}

impl Conversion {
    /// A conversion without a further condition.
    pub fn new(consumed: Resources, converted: Resources) -> Self {
        Self { consumed, converted, destroys: false }
    }
}

impl From<(Resources, Resources)> for Conversion {
    fn from((consumed, converted): (Resources, Resources)) -> Self {
        Self::new(consumed, converted)
    }
}

/// What a RESERVE, UNRESERVE, CREATE or DESTROY converts.
///
/// # Errors
///
/// Other operations do not convert by themselves; resources may be invalid or not fit the operation.
pub fn conversions(operation: &Operation) -> Result<Vec<Conversion>, ResourceError> {
    let unsupported = |text: &str| Err(ResourceError::Operation(text.to_owned()));
    match operation.r#type() {
        OperationType::Unknown => unsupported("Unknown operation"),
        OperationType::Reserve => each(operation.reserve.as_ref().map(|it| &it.resources), |reserved| {
            let before = without_last_reservation(&reserved)?;
            Ok(Conversion::new(before.into(), reserved.into()))
        }),
        OperationType::Unreserve => each(operation.unreserve.as_ref().map(|it| &it.resources), |reserved| {
            let after = without_last_reservation(&reserved)?;
            Ok(Conversion::new(reserved.into(), after.into()))
        }),
        OperationType::Create => each(operation.create.as_ref().map(|it| &it.volumes), |volume| {
            Ok(Conversion::new(volume.without_volume().into(), volume.into()))
        }),
        OperationType::Destroy => each(operation.destroy.as_ref().map(|it| &it.volumes), |volume| {
            let space = volume.without_volume();
            Ok(Conversion { consumed: volume.into(), converted: space.into(), destroys: true })
        }),
        OperationType::Launch
        | OperationType::LaunchGroup
        | OperationType::CreateVolume
        | OperationType::DestroyVolume
        | OperationType::CreateBlock
        | OperationType::DestroyBlock => unsupported("Operation not supported"),
    }
}

fn each(
    resources: Option<&Vec<v1::Resource>>,
    convert: impl Fn(Resource) -> Result<Conversion, ResourceError>,
) -> Result<Vec<Conversion>, ResourceError> {
    resources
        .into_iter()
        .flatten()
        .map(|proto| Resource::from_proto(proto.clone()).and_then(&convert))
        .collect()
}

fn without_last_reservation(resource: &Resource) -> Result<Resource, ResourceError> {
    if resource.is_unreserved() {
        return Err(ResourceError::Operation(format!("Resource {resource} is not reserved")));
    }
    Ok(resource.with(|parts| {
        parts.reservations.pop();
    }))
}

/// The resource provider whose resources an operation is about; `None` for those of the agent.
///
/// # Errors
///
/// The operation has no resources of its own, as LAUNCH does, or is not known.
pub fn operation_provider_id(operation: &Operation) -> Result<Option<String>, ResourceError> {
    let first = match operation.r#type() {
        OperationType::Reserve => operation.reserve.as_ref().and_then(|it| it.resources.first()),
        OperationType::Unreserve => operation.unreserve.as_ref().and_then(|it| it.resources.first()),
        OperationType::Create => operation.create.as_ref().and_then(|it| it.volumes.first()),
        OperationType::Destroy => operation.destroy.as_ref().and_then(|it| it.volumes.first()),
        OperationType::CreateVolume => operation.create_volume.as_ref().map(|it| &it.source),
        OperationType::DestroyVolume => operation.destroy_volume.as_ref().map(|it| &it.volume),
        OperationType::CreateBlock => operation.create_block.as_ref().map(|it| &it.source),
        OperationType::DestroyBlock => operation.destroy_block.as_ref().map(|it| &it.block),
        other @ (OperationType::Launch | OperationType::LaunchGroup | OperationType::Unknown) => {
            return Err(ResourceError::Operation(format!("Unexpected {} operation", other.as_str_name())));
        }
    };
    let first =
        first.ok_or_else(|| ResourceError::Operation("Operation contains no resources".to_owned()))?;
    Ok(first.provider_id.as_ref().map(|id| id.value.clone()))
}

impl Resources {
    /// The resources after one conversion.
    ///
    /// # Errors
    ///
    /// What it consumes is not there, or copies of a destroyed volume would be left.
    pub fn convert(&self, conversion: &Conversion) -> Result<Resources, ResourceError> {
        if !self.contains(&conversion.consumed) {
            return Err(ResourceError::NotContained {
                have: self.to_string(),
                want: conversion.consumed.to_string(),
            });
        }
        let mut result = self - &conversion.consumed;
        result += &conversion.converted;
        if conversion.destroys && result.contains(&conversion.consumed) {
            return Err(ResourceError::SharedCopies { volume: conversion.consumed.to_string() });
        }
        Ok(result)
    }

    /// The resources after a RESERVE, UNRESERVE, CREATE or DESTROY.
    ///
    /// # Errors
    ///
    /// The operation is of another type, has invalid resources, or needs what is not there.
    pub fn apply(&self, operation: &Operation) -> Result<Resources, ResourceError> {
        conversions(operation)?
            .iter()
            .try_fold(self.clone(), |resources, conversion| resources.convert(conversion))
    }
}

/// What an agent has, given what its operator configured and the reservations and volumes that were
/// made at run time and remembered.
///
/// # Errors
///
/// Something remembered is not made at run time, or no longer fits what is configured.
pub fn apply_checkpointed(
    configured: &Resources,
    remembered: &Resources,
) -> Result<Resources, ResourceError> {
    let mut total = configured.clone();
    for resource in remembered {
        if !resource.needs_checkpointing() {
            return Err(ResourceError::Invalid(format!("Unexpected checkpointed resources {resource}")));
        }
        let mut base = resource.without_volume();
        if resource.is_dynamically_reserved() {
            use v1::resource::reservation_info::Type::Static;
            base = base.with(|parts| {
                let first = parts.reservations.first().cloned();
                parts.reservations = first.into_iter().filter(|first| first.r#type() == Static).collect();
            });
        }
        let base = Resources::from(base);
        if !total.contains(&base) {
            return Err(ResourceError::NotContained {
                have: format!("Incompatible agent resources: {total}"),
                want: base.to_string(),
            });
        }
        total -= &base;
        total.insert(resource.clone());
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos_api::v1::offer::operation;

    const VOLUME: &str = r#"[{"name":"disk","type":"SCALAR","scalar":{"value":10},
        "reservations":[{"type":"DYNAMIC","role":"r"}],"disk":{"persistence":{"id":"v"}}}]"#;
    const SHARED: &str = r#"[{"name":"disk","type":"SCALAR","scalar":{"value":10},"shared":{},
        "reservations":[{"type":"DYNAMIC","role":"r"}],"disk":{"persistence":{"id":"v"}}}]"#;
    const MOUNTED: &str = r#"[{"name":"disk","type":"SCALAR","scalar":{"value":10},
        "reservations":[{"type":"DYNAMIC","role":"r"}],
        "disk":{"persistence":{"id":"v"},"source":{"type":"MOUNT","mount":{"root":"/mnt"}}}}]"#;

    fn resources(text: &str) -> Resources {
        if text.starts_with('[') {
            let array: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
            return Resources::from_protos(array.iter().map(|one| mesos_api::json::from_value(one).unwrap()))
                .unwrap();
        }
        text.parse().unwrap()
    }

    fn operation(r#type: OperationType, resources: &Resources) -> Operation {
        let (resources, mut operation) = (resources.to_protos(), Operation::default());
        operation.r#type = Some(r#type as i32);
        match r#type {
            OperationType::Reserve => operation.reserve = Some(operation::Reserve { resources }),
            OperationType::Unreserve => operation.unreserve = Some(operation::Unreserve { resources }),
            OperationType::Create => operation.create = Some(operation::Create { volumes: resources }),
            OperationType::Destroy => operation.destroy = Some(operation::Destroy { volumes: resources }),
            other => panic!("{other:?}"),
        }
        operation
    }

    /// An operation and the one that takes it back.
    #[track_caller]
    fn check(before: &str, there: OperationType, back: OperationType, what: &str, after: &str) {
        let (before, what, after) = (resources(before), resources(what), resources(after));
        assert_eq!(before.apply(&operation(there, &what)), Ok(after.clone()));
        assert_eq!(after.apply(&operation(back, &what)), Ok(before.clone()));
        assert_eq!(before.quantities(), after.quantities());
    }

    #[test]
    fn reserving_pushes_one_reservation_and_unreserving_pops_it() {
        let there = OperationType::Reserve;
        let back = OperationType::Unreserve;
        let dynamic = "cpus(reservations: [(DYNAMIC,r,me)]):1";
        check("cpus:3;mem:5", there, back, dynamic, &format!("cpus:2;mem:5;{dynamic}"));
        check("cpus:1", there, back, dynamic, dynamic);
        let refined = "cpus(reservations: [(STATIC,r),(DYNAMIC,r/s)]):1";
        let reserved = "cpus(reservations: [(STATIC,r)])";
        check(&format!("{reserved}:2"), there, back, refined, &format!("{reserved}:1;{refined}"));
        check(
            "ports:[1-9]",
            there,
            back,
            "ports(reservations: [(DYNAMIC,r)]):[3-4]",
            "ports:[1-2,5-9];ports(reservations: [(DYNAMIC,r)]):[3-4]",
        );
    }

    #[test]
    fn creating_makes_a_volume_of_reserved_space_and_destroying_gives_it_back() {
        let (there, back) = (OperationType::Create, OperationType::Destroy);
        let space = "disk(reservations: [(DYNAMIC,r)])";
        let after = |volume| resources(&format!("{space}:5")) + resources(volume);
        for volume in [VOLUME, SHARED] {
            let before = resources(&format!("{space}:15"));
            assert_eq!(before.apply(&operation(there, &resources(volume))), Ok(after(volume)));
            assert_eq!(after(volume).apply(&operation(back, &resources(volume))), Ok(before));
        }
        let mount = resources(MOUNTED).map(Resource::without_volume);
        assert_eq!(mount.apply(&operation(there, &resources(MOUNTED))), Ok(resources(MOUNTED)));
        // A disk of its own is used whole.
        let bigger = mount.map(|disk| Resource {
            value: crate::Value::Scalar(crate::Scalar::from_f64(20.0)),
            ..disk.clone()
        });
        assert!(bigger.apply(&operation(there, &resources(MOUNTED))).is_err());
    }

    #[test]
    fn a_shared_volume_with_copies_left_is_not_destroyed() {
        let destroy = operation(OperationType::Destroy, &resources(SHARED));
        let two = resources(SHARED) + resources(SHARED);
        assert_eq!(two.len(), 1);
        assert!(matches!(two.apply(&destroy), Err(ResourceError::SharedCopies { .. })));
        assert!((two - resources(SHARED)).apply(&destroy).is_ok());
    }

    #[test]
    fn what_is_not_there_cannot_be_converted() {
        let reserve = operation(OperationType::Reserve, &resources("cpus(reservations: [(DYNAMIC,r)]):2"));
        let error = resources("cpus:1").apply(&reserve).unwrap_err();
        assert_eq!(error.to_string(), "cpus:1 does not contain cpus:2");
        let unreserved = operation(OperationType::Unreserve, &resources("cpus:2"));
        let error = resources("cpus:2").apply(&unreserved).unwrap_err();
        assert_eq!(error.to_string(), "Resource cpus:2 is not reserved");
        let launch = Operation { r#type: Some(OperationType::Launch as i32), ..Default::default() };
        assert_eq!(resources("cpus:2").apply(&launch).unwrap_err().to_string(), "Operation not supported");
    }

    #[test]
    fn operations_name_the_provider_of_their_resources() {
        let mut reserve =
            operation(OperationType::Reserve, &resources("cpus(reservations: [(DYNAMIC,r)]):2"));
        assert_eq!(operation_provider_id(&reserve), Ok(None));
        if let Some(reserve) = &mut reserve.reserve {
            reserve.resources[0].provider_id = Some(v1::ResourceProviderId { value: "p".to_owned() });
        }
        assert_eq!(operation_provider_id(&reserve), Ok(Some("p".to_owned())));
        reserve.reserve = None;
        assert!(operation_provider_id(&reserve).is_err());
        assert!(operation_provider_id(&Operation::default()).is_err());
    }

    #[test]
    fn remembered_reservations_and_volumes_are_found_again_in_what_is_configured() {
        let remembered = resources("cpus(reservations: [(DYNAMIC,r)]):1") + resources(SHARED);
        let found = apply_checkpointed(&resources("cpus:2;disk:30"), &remembered).unwrap();
        assert_eq!(found, resources("cpus:1;disk:20") + &remembered);
        let refined = resources("cpus(reservations: [(STATIC,r),(DYNAMIC,r/s)]):1");
        let configured = resources("cpus(reservations: [(STATIC,r)]):2");
        let found = apply_checkpointed(&configured, &refined).unwrap();
        assert_eq!(found, resources("cpus(reservations: [(STATIC,r)]):1") + refined);
        let error = apply_checkpointed(&resources("cpus:2"), &resources(VOLUME)).unwrap_err();
        assert_eq!(error.to_string(), "Incompatible agent resources: cpus:2 does not contain disk:10");
        assert!(apply_checkpointed(&resources("cpus:2"), &resources("cpus:1")).is_err());
    }
}
