//! Resources as messages carry them.

use mesos_api::v1::{FrameworkInfo, Resource, framework_info::capability::Type, resource::AllocationInfo};
use mesos_resources::{ResourceError, Resources};

use crate::model::has_capability;

/// Sums resources that were checked when they came in; one that is not valid counts as nothing.
pub(crate) fn collect(resources: &[Resource]) -> Resources {
    resources.iter().filter_map(|one| Resources::from_protos([one.clone()]).ok()).sum()
}

/// The roles that a framework uses.
pub fn framework_roles(info: &FrameworkInfo) -> Vec<&str> {
    if has_capability(info, Type::MultiRole) {
        info.roles.iter().map(String::as_str).collect()
    } else {
        vec![info.role.as_deref().unwrap_or("*")]
    }
}

/// Checks resources, brings them into the newer form, and says to which role they are given where a
/// master of before 1.3 did not.
///
/// # Errors
///
/// When a resource is not valid, or nobody can say for which role it is.
pub(crate) fn normalize(
    resources: &mut Vec<Resource>,
    framework: &FrameworkInfo,
) -> Result<(), NormalizeError> {
    let roles = framework_roles(framework);
    for resource in resources.iter_mut().filter(|resource| resource.allocation_info.is_none()) {
        let [role] = roles[..] else { return Err(NormalizeError::NoRole { name: resource.name.clone() }) };
        resource.allocation_info = Some(AllocationInfo { role: Some(role.to_owned()) });
    }
    *resources = Resources::from_protos(std::mem::take(resources))?.to_protos();
    Ok(())
}

/// Why resources of a task cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NormalizeError {
    /// The framework has several roles, or none.
    #[error("resource '{name}' is not allocated to one of the framework's roles")]
    NoRole {
        /// The resource.
        name: String,
    },
    /// The resource breaks a rule.
    #[error(transparent)]
    Invalid(#[from] ResourceError),
}
