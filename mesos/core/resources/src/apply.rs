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
