//! Resources in tasks, executors and operations.

use std::collections::{BTreeMap, BTreeSet};

use mesos_api::v1::volume::Mode;
use mesos_api::v1::{self, Resource as Proto};
use mesos_resources::{Resources, validate};

use super::{Verdict, id, within};

/// Checks resources one by one and converts them.
///
/// # Errors
///
/// Names the rule that one of them breaks.
pub fn resources(protos: &[Proto]) -> Result<Resources, String> {
    validate::resources(protos).map_err(|error| format!("Invalid resources: {error}"))?;
    let resources = Resources::from_protos(protos.iter().cloned())
        .map_err(|error| format!("Invalid resources: {error}"))?;
    within(integral_gpus(&resources), "Invalid 'gpus' resource")?;
    within(disks(protos, &resources), "Invalid DiskInfo")?;
    within(dynamic_reservations(&resources), "Invalid ReservationInfo")?;
    Ok(resources)
}

fn integral_gpus(resources: &Resources) -> Verdict {
    match resources.get_scalar("gpus") {
        Some(gpus) if gpus.thousandths() % 1000 != 0 => {
            Err("The 'gpus' resource must be an unsigned integer".to_owned())
        }
        _ => Ok(()),
    }
}

fn disks(protos: &[Proto], resources: &Resources) -> Verdict {
    protos.iter().filter_map(|proto| proto.disk.as_ref()).try_for_each(disk)?;
    for volume in resources.iter().filter(|resource| resource.is_persistent_volume()) {
        if volume.is_revocable() {
            return Err("Persistent volumes cannot be created from revocable resources".to_owned());
        }
        if volume.is_unreserved() {
            return Err("Persistent volumes cannot be created from unreserved resources".to_owned());
        }
    }
    Ok(())
}

fn disk(disk: &v1::resource::DiskInfo) -> Verdict {
    let Some(persistence) = &disk.persistence else {
        return if disk.volume.is_some() {
            Err("Non-persistent volume not supported".to_owned())
        } else if disk.source.is_none() {
            Err("DiskInfo is set but empty".to_owned())
        } else {
            Ok(())
        };
    };
    match &disk.volume {
        None => Err("Expecting 'volume' to be set for persistent volume".to_owned()),
        Some(volume) if volume.host_path.is_some() => {
            Err("Expecting 'host_path' to be unset for persistent volume".to_owned())
        }
        Some(_) => within(id::id(&persistence.id), "Invalid persistence ID for persistent volume"),
    }
}

fn dynamic_reservations(resources: &Resources) -> Verdict {
    match resources.iter().find(|resource| resource.is_dynamically_reserved() && resource.is_revocable()) {
        Some(resource) => Err(format!(
            "Dynamically reserved resource {resource} cannot be created from revocable resources"
        )),
        None => Ok(()),
    }
}

/// Checks that persistence ids are unique within a role.
///
/// # Errors
///
/// Names the id that is there twice.
pub fn unique_persistence_ids(resources: &Resources) -> Verdict {
    let mut seen = BTreeSet::new();
    for volume in resources.iter().filter(|resource| resource.is_persistent_volume()) {
        let id = volume.persistence_id().unwrap_or_default();
        if !seen.insert((volume.reservation_role(), id)) {
            return Err(format!("Persistence ID '{id}' is not unique"));
        }
    }
    Ok(())
}

/// Checks that no name has both revocable and other resources.
///
/// # Errors
///
/// Names the resource.
pub fn not_mixed_with_revocable(resources: &Resources) -> Verdict {
    let mut kinds: BTreeMap<&str, bool> = BTreeMap::new();
    for resource in resources {
        let name = resource.name().as_str();
        let revocable = *kinds.entry(name).or_insert(resource.is_revocable());
        if revocable != resource.is_revocable() {
            return Err(format!("Cannot use both revocable and non-revocable '{name}' at the same time"));
        }
    }
    Ok(())
}

/// Checks that all resources are allocated to one role.
///
/// # Errors
///
/// Names the roles.
pub fn allocated_to_one_role(resources: &Resources) -> Verdict {
    let mut first = None;
    for resource in resources {
        let Some(role) = resource.allocation_role() else {
            return Err("The resources are not allocated to a role".to_owned());
        };
        let first = *first.get_or_insert(role);
        if role != first {
            return Err(format!(
                "The resources have multiple allocation roles ('{role}' and '{first}') but only one \
                 allocation role is allowed"
            ));
        }
    }
    Ok(())
}

/// Checks that all resources are the agent's own, or all of one provider.
///
/// # Errors
///
/// Names the providers.
pub fn one_provider(resources: &Resources) -> Verdict {
    let providers: BTreeSet<_> = resources.iter().map(|resource| resource.provider_id()).collect();
    if providers.len() <= 1 {
        Ok(())
    } else if providers.contains(&None) {
        Err("Some resources have a resource provider and some do not".to_owned())
    } else {
        let names: Vec<_> = providers.into_iter().flatten().collect();
        Err(format!("The resources have multiple resource providers: {}", names.join(", ")))
    }
}

/// Checks that all are persistent volumes that can be written to.
///
/// # Errors
///
/// Says what is missing.
pub fn persistent_volumes(resources: &Resources) -> Verdict {
    for resource in resources {
        let Some(disk) = resource.disk() else {
            return Err(format!("Resource {resource} does not have DiskInfo"));
        };
        if disk.persistence.is_none() {
            return Err("'persistence' is not set in DiskInfo".to_owned());
        }
        match &disk.volume {
            None => return Err("Expecting 'volume' to be set for persistent volume".to_owned()),
            Some(volume) if volume.mode() == Mode::Ro => {
                return Err("Read-only persistent volume not supported".to_owned());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Whether ranges or sets of the parts overlap: what is there twice counts once in the sum.
#[must_use]
pub fn overlap(parts: &[&Resources]) -> bool {
    let sum: Resources = parts.iter().copied().sum();
    parts.iter().map(|part| items(part)).sum::<u128>() != items(&sum)
}

/// How many numbers and names the ranges and sets hold.
fn items(resources: &Resources) -> u128 {
    resources
        .iter()
        .map(|resource| {
            let numbers: u128 = resource
                .ranges()
                .map(|ranges| ranges.ranges().map(|range| u128::from(range.end() - range.start()) + 1).sum())
                .unwrap_or(0);
            let names = resource.set().map_or(0, |names| names.len() as u128);
            (numbers + names) * u128::from(if resource.is_shared() { resource.copies() } else { 1 })
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Resources {
        Resources::parse(text, "*").unwrap()
    }

    fn volume(id: &str, role: &str) -> Proto {
        let mut proto = Resources::parse(&format!("disk({role}):10"), "*").unwrap().to_protos().remove(0);
        proto.disk = Some(v1::resource::DiskInfo {
            persistence: Some(v1::resource::disk_info::Persistence { id: id.into(), principal: None }),
            volume: Some(v1::Volume {
                mode: Mode::Rw as i32,
                container_path: "p".into(),
                ..v1::Volume::default()
            }),
            source: None,
        });
        proto
    }

    fn expect(result: Result<Resources, String>, error: &str) {
        let found = result.unwrap_err();
        assert!(found.contains(error), "{found} instead of {error}");
    }

    #[test]
    fn rules_for_single_resources() {
        assert!(resources(&parse("cpus:1;gpus:2;ports:[1-2]").to_protos()).is_ok());
        assert!(resources(&[volume("v", "web")]).is_ok());
        expect(resources(&parse("gpus:1.5").to_protos()), "must be an unsigned integer");
        expect(resources(&[volume("a/b", "web")]), "Invalid persistence ID");
        expect(resources(&[volume("v", "*")]), "from unreserved resources");

        let change = |change: &dyn Fn(&mut v1::resource::DiskInfo)| {
            let mut proto = volume("v", "web");
            proto.disk.as_mut().map(change);
            resources(&[proto])
        };
        expect(change(&|disk| disk.volume = None), "Expecting 'volume' to be set");
        expect(change(&|disk| disk.persistence = None), "Non-persistent volume");
        expect(
            change(&|disk| {
                disk.persistence = None;
                disk.volume = None;
            }),
            "DiskInfo is set but empty",
        );
        expect(
            change(&|disk| {
                disk.volume.as_mut().unwrap().host_path = Some("/a".into());
            }),
            "Expecting 'host_path' to be unset",
        );
        let mut revocable = volume("v", "web");
        revocable.revocable = Some(v1::resource::RevocableInfo {});
        expect(resources(&[revocable]), "from revocable resources");
    }

    #[test]
    fn persistence_ids_are_unique_within_a_role() {
        let of = |protos: Vec<Proto>| Resources::from_protos(protos).unwrap();
        assert!(unique_persistence_ids(&of(vec![volume("a", "x"), volume("b", "x")])).is_ok());
        assert!(unique_persistence_ids(&of(vec![volume("a", "x"), volume("a", "y")])).is_ok());
        assert!(unique_persistence_ids(&of(vec![volume("a", "x"), volume("a", "x")])).is_err());
    }

    #[test]
    fn revocable_resources_do_not_mix_with_others_of_the_name() {
        let mut protos = parse("cpus:1").to_protos();
        protos[0].revocable = Some(v1::resource::RevocableInfo {});
        let revocable = Resources::from_protos(protos).unwrap();
        assert!(not_mixed_with_revocable(&(&revocable + &parse("mem:1"))).is_ok());
        assert!(not_mixed_with_revocable(&(&revocable + &parse("cpus:1"))).is_err());
    }

    #[test]
    fn one_role_for_all() {
        let mut a = parse("cpus:1");
        assert!(allocated_to_one_role(&a).is_err());
        a.allocate("a");
        assert!(allocated_to_one_role(&a).is_ok());
        let mut b = parse("cpus:1");
        b.allocate("b");
        assert!(allocated_to_one_role(&(a + b)).is_err());
    }

    #[test]
    fn volumes_must_be_writable() {
        assert!(persistent_volumes(&parse("disk:1")).unwrap_err().contains("does not have DiskInfo"));
        let mut proto = volume("v", "web");
        assert!(persistent_volumes(&Resources::from_protos([proto.clone()]).unwrap()).is_ok());
        proto.disk.as_mut().unwrap().volume.as_mut().unwrap().mode = Mode::Ro as i32;
        assert!(persistent_volumes(&Resources::from_protos([proto]).unwrap()).is_err());
    }

    #[test]
    fn ranges_and_sets_must_not_overlap() {
        let cases = [
            ("ports:[1-10]", "ports:[11-20]", false),
            ("ports:[1-10]", "ports:[10-20]", true),
            ("disks:{a,b}", "disks:{c}", false),
            ("disks:{a,b}", "disks:{b}", true),
            ("cpus:1", "cpus:1", false),
        ];
        for (a, b, expected) in cases {
            assert_eq!(overlap(&[&parse(a), &parse(b)]), expected, "{a} {b}");
        }
    }
}
