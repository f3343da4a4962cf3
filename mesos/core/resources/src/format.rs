//! The wire forms of reservations.
//!
//! Peers that know reservation refinement send the list `Resource.reservations`. Older ones send
//! `Resource.role` and `Resource.reservation`, which can say only one reservation. Everything inside
//! the system uses the list; these functions convert at the borders.
#![allow(deprecated)] // `Resource.role` and `.reservation` are what this is about.

use mesos_api::v1;
use mesos_api::v1::offer::Operation;
use mesos_api::v1::resource::reservation_info::Type as ReservationType;
use mesos_api::v1::resource::{AllocationInfo, ReservationInfo};

use crate::{ResourceError, roles};

/// Messages that hold resources somewhere.
pub trait HasResources {
    /// Calls `visit` with every resource in the message.
    fn visit_resources(&mut self, visit: &mut dyn FnMut(&mut v1::Resource));
}

/// Converts a valid resource of either form to the one with a list.
pub fn upgrade(resource: &mut v1::Resource) {
    let role = resource.role.take();
    let reservation = resource.reservation.take();
    if !resource.reservations.is_empty() {
        return;
    }
    let role = role.unwrap_or_else(|| roles::DEFAULT.to_owned());
    if role == roles::DEFAULT {
        return;
    }
    let (r#type, reservation) = match reservation {
        None => (ReservationType::Static, ReservationInfo::default()),
        Some(reservation) => (ReservationType::Dynamic, reservation),
    };
    resource.reservations.push(ReservationInfo {
        r#type: Some(r#type as i32),
        role: Some(role),
        ..reservation
    });
}

/// Converts a resource with a list of reservations to the form for peers without refinement.
///
/// # Errors
///
/// [`ResourceError::Refined`], and nothing changed, if it has more than one reservation.
pub fn downgrade(resource: &mut v1::Resource) -> Result<(), ResourceError> {
    if resource.reservations.len() > 1 {
        return Err(ResourceError::Refined);
    }
    endpoint(resource);
    resource.reservations.clear();
    Ok(())
}

/// Adds the older form beside the list where it can say the same, as endpoints for people do.
pub fn endpoint(resource: &mut v1::Resource) {
    match resource.reservations.as_slice() {
        // Already the older form, or unreserved.
        [] if resource.role.is_none() => resource.role = Some(roles::DEFAULT.to_owned()),
        [only] => {
            resource.role = only.role.clone();
            resource.reservation = (only.r#type() == ReservationType::Dynamic).then(|| ReservationInfo {
                r#type: None,
                role: None,
                ..only.clone()
            });
        }
        _ => {}
    }
}

/// Upgrades every resource in a message whose resources are valid.
pub fn upgrade_all<M: HasResources + ?Sized>(message: &mut M) {
    message.visit_resources(&mut upgrade);
}

/// Downgrades every resource in a message.
///
/// # Errors
///
/// [`ResourceError::Refined`] if any has more than one reservation; others may be converted by then.
pub fn downgrade_all<M: HasResources + ?Sized>(message: &mut M) -> Result<(), ResourceError> {
    let mut result = Ok(());
    message.visit_resources(&mut |resource| {
        if result.is_ok() {
            result = downgrade(resource);
        }
    });
    result
}

/// Gives every resource in a message the form for endpoints.
pub fn endpoint_all<M: HasResources + ?Sized>(message: &mut M) {
    message.visit_resources(&mut endpoint);
}

/// Marks every resource in a message that is not allocated yet as allocated to a role.
///
/// Schedulers that know one role only leave this out.
pub fn allocate_all<M: HasResources + ?Sized>(message: &mut M, role: &str) {
    message.visit_resources(&mut |resource| {
        resource.allocation_info.get_or_insert_with(|| AllocationInfo { role: Some(role.to_owned()) });
    });
}

/// Removes every allocation in a message, for schedulers that know one role only.
pub fn unallocate_all<M: HasResources + ?Sized>(message: &mut M) {
    message.visit_resources(&mut |resource| resource.allocation_info = None);
}

impl HasResources for v1::Resource {
    fn visit_resources(&mut self, visit: &mut dyn FnMut(&mut v1::Resource)) {
        visit(self);
    }
}

impl<M: HasResources> HasResources for [M] {
    fn visit_resources(&mut self, visit: &mut dyn FnMut(&mut v1::Resource)) {
        self.iter_mut().for_each(|item| item.visit_resources(visit));
    }
}

impl<M: HasResources> HasResources for Vec<M> {
    fn visit_resources(&mut self, visit: &mut dyn FnMut(&mut v1::Resource)) {
        self.as_mut_slice().visit_resources(visit);
    }
}

impl<M: HasResources> HasResources for Option<M> {
    fn visit_resources(&mut self, visit: &mut dyn FnMut(&mut v1::Resource)) {
        self.iter_mut().for_each(|item| item.visit_resources(visit));
    }
}

macro_rules! holds_resources {
    ($($message:ty: $($field:ident),+;)+) => {$(
        impl HasResources for $message {
            fn visit_resources(&mut self, visit: &mut dyn FnMut(&mut v1::Resource)) {
                $(self.$field.visit_resources(visit);)+
            }
        }
    )+};
}

holds_resources! {
    v1::AgentInfo: resources;
    v1::ExecutorInfo: resources;
    v1::TaskInfo: resources, executor;
    v1::TaskGroupInfo: tasks;
    v1::Task: resources;
    v1::Offer: resources;
    v1::InverseOffer: resources;
    v1::Request: resources;
    v1::Operation: info, latest_status, statuses;
    v1::OperationStatus: converted_resources;
    v1::offer::operation::Launch: task_infos;
    v1::offer::operation::LaunchGroup: executor, task_group;
    v1::offer::operation::Reserve: resources;
    v1::offer::operation::Unreserve: resources;
    v1::offer::operation::Create: volumes;
    v1::offer::operation::Destroy: volumes;
    v1::offer::operation::CreateVolume: source;
    v1::offer::operation::DestroyVolume: volume;
    v1::offer::operation::CreateBlock: source;
    v1::offer::operation::DestroyBlock: block;
    Operation: launch, launch_group, reserve, unreserve, create, destroy, create_volume, destroy_volume,
        create_block, destroy_block;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(r#type: ReservationType, role: &str) -> ReservationInfo {
        ReservationInfo {
            r#type: Some(r#type as i32),
            role: Some(role.to_owned()),
            principal: (r#type == ReservationType::Dynamic).then(|| "ops".to_owned()),
            ..Default::default()
        }
    }

    #[test]
    fn every_single_reservation_survives_a_round_trip() {
        for reservations in [
            vec![],
            vec![reservation(ReservationType::Static, "a")],
            vec![reservation(ReservationType::Dynamic, "a/b")],
        ] {
            let list = v1::Resource { reservations, ..Default::default() };
            let mut converted = list.clone();
            downgrade(&mut converted).unwrap();
            assert!(converted.reservations.is_empty() && converted.role.is_some());
            upgrade(&mut converted);
            assert_eq!(converted, list);

            endpoint(&mut converted);
            upgrade(&mut converted);
            assert_eq!(converted, list);
        }
    }

    #[test]
    fn refined_reservations_have_no_older_form() {
        let reservations =
            vec![reservation(ReservationType::Static, "a"), reservation(ReservationType::Dynamic, "a/b")];
        let mut resource = v1::Resource { reservations, ..Default::default() };
        let before = resource.clone();
        assert_eq!(downgrade(&mut resource), Err(ResourceError::Refined));
        endpoint(&mut resource);
        assert_eq!(resource, before);
    }

    #[test]
    fn allocation_is_filled_in_only_where_it_is_missing() {
        let given = v1::Resource {
            allocation_info: Some(AllocationInfo { role: Some("a".to_owned()) }),
            ..Default::default()
        };
        let mut all = vec![given, v1::Resource::default()];
        allocate_all(&mut all, "b");
        let roles: Vec<_> = all.iter().map(|r| r.allocation_info.as_ref().unwrap().role()).collect();
        assert_eq!(roles, ["a", "b"]);
        unallocate_all(&mut all);
        assert!(all.iter().all(|r| r.allocation_info.is_none()));
    }
}
