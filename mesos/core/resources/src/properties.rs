//! Laws of the algebra, over generated resources.

use std::sync::Arc;

use mesos_api::v1::resource::disk_info::source::{Mount, Path, Type as SourceType};
use mesos_api::v1::resource::disk_info::{Persistence, Source};
use mesos_api::v1::resource::reservation_info::Type as ReservationType;
use mesos_api::v1::resource::{DiskInfo, ReservationInfo};
use proptest::prelude::*;

use crate::{Resource, Resources, Scalar, Value, format};

fn scalar() -> impl Strategy<Value = Value> {
    (1i64..5_000_000).prop_map(|thousandths| Value::Scalar(Scalar::from_thousandths(thousandths)))
}

fn value() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        (prop_oneof![Just("cpus"), Just("mem"), Just("gpus"), Just("licences")], scalar()),
        (Just("ports"), proptest::collection::vec((0u64..50, 0u64..9), 1..4)).prop_map(|(name, ranges)| {
            (
                name,
                Value::Ranges(Arc::new(
                    ranges.into_iter().map(|(begin, more)| begin..=begin + more).collect(),
                )),
            )
        }),
        (Just("bugs"), proptest::collection::btree_set("[a-e]", 1..4))
            .prop_map(|(name, items)| (name, Value::Set(Arc::new(items)))),
    ]
}

fn reservation(r#type: ReservationType, role: &str, principal: Option<&str>) -> ReservationInfo {
    ReservationInfo {
        r#type: Some(r#type as i32),
        role: Some(role.to_owned()),
        principal: principal.map(str::to_owned),
        labels: None,
    }
}

fn reservations() -> impl Strategy<Value = Vec<ReservationInfo>> {
    use ReservationType::{Dynamic, Static};
    prop_oneof![
        3 => Just(vec![]),
        1 => Just(vec![reservation(Static, "a", None)]),
        1 => Just(vec![reservation(Dynamic, "a", Some("ops"))]),
        1 => Just(vec![reservation(Static, "a", None), reservation(Dynamic, "a/b", None)]),
    ]
}

fn disk() -> impl Strategy<Value = Option<DiskInfo>> {
    let source = prop_oneof![
        Just(None),
        Just(Some(Source {
            r#type: SourceType::Path as i32,
            path: Some(Path { root: Some("/data".to_owned()) }),
            ..Default::default()
        })),
        Just(Some(Source {
            r#type: SourceType::Mount as i32,
            mount: Some(Mount { root: Some("/mnt".to_owned()) }),
            ..Default::default()
        })),
        Just(Some(Source { r#type: SourceType::Raw as i32, ..Default::default() })),
    ];
    let persistence = prop_oneof![
        Just(None),
        prop_oneof![Just("v1"), Just("v2")]
            .prop_map(|id| Some(Persistence { id: id.to_owned(), principal: None })),
    ];
    (source, persistence).prop_map(|(source, persistence)| {
        (source.is_some() || persistence.is_some()).then_some(DiskInfo { source, persistence, volume: None })
    })
}

/// Resources without disks: what text can say.
fn plain() -> impl Strategy<Value = Resource> {
    (value(), reservations(), any::<bool>(), prop_oneof![Just(None), Just(Some("a/b"))]).prop_map(
        |((name, value), reservations, revocable, role)| {
            let mut resource = Resource::new(name, value).with(|parts| {
                parts.reservations = reservations;
                parts.revocable = revocable;
            });
            resource.allocation = role.map(Arc::from);
            resource
        },
    )
}

fn disk_resource() -> impl Strategy<Value = Resource> {
    (scalar(), reservations(), disk(), any::<bool>()).prop_map(|(value, reservations, disk, shared)| {
        Resource::new("disk", value).with(|parts| {
            parts.shared = shared && disk.as_ref().is_some_and(|disk| disk.persistence.is_some());
            parts.reservations = reservations;
            parts.disk = disk;
        })
    })
}

fn any_resource() -> impl Strategy<Value = Resource> {
    prop_oneof![3 => plain(), 1 => disk_resource()]
}

fn any_resources() -> impl Strategy<Value = Resources> {
    proptest::collection::vec(any_resource(), 0..6).prop_map(|all| all.into_iter().collect())
}

proptest! {
    #[test]
    fn a_sum_contains_its_parts(a in any_resources(), b in any_resources()) {
        let sum = &a + &b;
        prop_assert!(sum.contains(&a), "{sum} / {a}");
        prop_assert!(sum.contains(&b), "{sum} / {b}");
        prop_assert_eq!(sum, &b + &a);
    }

    #[test]
    fn subtracting_what_was_added_gives_the_rest(a in any_resources(), b in any_resources()) {
        // Numbers and items are sets: only where they are disjoint does adding keep both apart.
        let scalars = b.scalars();
        prop_assert_eq!((&a + &scalars) - &scalars, a.clone());
        let rest = (&a + &b) - &b;
        prop_assert!(a.contains(&rest), "{a} / {rest}");
    }

    #[test]
    fn subtraction_never_leaves_less_than_nothing(a in any_resources(), b in any_resources()) {
        let rest = &a - &b;
        prop_assert!(rest.iter().all(|resource| !resource.is_empty()));
        prop_assert!(a.contains(&rest), "{a} / {rest}");
        prop_assert_eq!(&a - &a, Resources::new());
    }

    #[test]
    fn containing_each_other_is_being_equal(a in any_resources(), b in any_resources()) {
        prop_assert!(a.contains(&a));
        prop_assert_eq!(a.contains(&b) && b.contains(&a), a == b);
    }

    #[test]
    fn text_is_read_back(all in proptest::collection::vec(plain(), 0..6)) {
        let all: Resources = all.into_iter().collect();
        prop_assert_eq!(all.to_string().parse::<Resources>(), Ok(all));
    }

    #[test]
    fn the_wire_form_is_read_back(all in any_resources()) {
        let protos = all.to_protos();
        let back = Resources::from_protos(protos.clone()).unwrap();
        // Copies of shared resources are counted in memory only.
        prop_assert_eq!(back.to_protos(), protos);
    }

    #[test]
    fn the_older_form_is_read_back(resource in any_resource()) {
        let mut proto = resource.to_proto();
        let list = proto.clone();
        if resource.has_refined_reservations() {
            prop_assert!(format::downgrade(&mut proto).is_err());
        } else {
            format::downgrade(&mut proto).unwrap();
            prop_assert_eq!(Resource::from_proto(proto.clone()).unwrap(), resource);
            format::upgrade(&mut proto);
        }
        prop_assert_eq!(proto, list);
    }

    #[test]
    fn quantities_follow_the_resources(a in any_resources(), b in any_resources()) {
        let (a, b) = (a.non_shared(), b.non_shared());
        prop_assert_eq!((&a + &b).quantities(), a.quantities() + &b.quantities());
        prop_assert_eq!(a.to_unreserved().quantities(), a.quantities());
    }
}
