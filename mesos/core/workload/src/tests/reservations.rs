//! Reservations and volumes that are put in force.

use mesos_api::v1::{Resource, TaskState::*, task_status::Reason};
use mesos_resources::Resources;

use super::world::{World, framework, registered, resources, task};
use crate::{Effect, Input, VolumeRemoval};

const VOLUME: &str = r#"[{"name":"disk","type":"SCALAR","scalar":{"value":100},
    "reservations":[{"type":"DYNAMIC","role":"web/a"}],"disk":{"persistence":{"id":"v"},"volume":{"container_path":"d","mode":"RW"}}}]"#;

fn volume() -> Vec<Resource> {
    let list: Vec<serde_json::Value> = serde_json::from_str(VOLUME).unwrap();
    list.iter().map(|one| mesos_api::json::from_slice(one.to_string().as_bytes()).unwrap()).collect()
}

fn synced(world: &mut World, outcome: Result<(), String>) {
    let resources = world.effects.iter().find_map(|effect| match effect {
        Effect::SyncResources { resources, .. } => Some(resources.clone()),
        _ => None,
    });
    world.apply(Input::ResourcesSynced { resources: resources.expect("it is synced"), outcome });
}

#[test]
fn a_volume_gets_its_directory_and_loses_it() {
    let mut world = registered();
    world.apply(Input::CheckpointResources(volume()));
    let [Effect::SyncResources { create, remove, content, .. }] = &world.effects[..] else {
        panic!("{:?}", world.effects)
    };
    assert_eq!(create, &[std::path::PathBuf::from("/w/volumes/roles/web a/v")]);
    assert!(remove.is_empty() && !content.is_empty());
    synced(&mut world, Ok(()));
    assert_eq!(world.workload.total().reserved_to("web/a").disk(), Some(100.0));
    assert_eq!(world.workload.total().disk(), Some(1000.0));
    world.apply(Input::CheckpointResources(volume()));
    assert_eq!(world.words(), [""; 0], "nothing changes");
    world.apply(Input::CheckpointResources(Vec::new()));
    let [Effect::SyncResources { create, remove, .. }] = &world.effects[..] else {
        panic!("{:?}", world.effects)
    };
    let gone = VolumeRemoval { path: "/w/volumes/roles/web a/v".into(), keep_root: false };
    assert!(create.is_empty() && *remove == [gone]);
}

#[test]
fn what_does_not_fit_the_agent_is_ignored() {
    let mut world = registered();
    let mut large = volume();
    large[0].scalar = Some(mesos_api::v1::value::Scalar { value: 1e6 });
    let mut invalid = volume();
    invalid[0].scalar = None;
    for resources in [large, invalid, resources("cpus:1")] {
        world.apply(Input::CheckpointResources(resources));
        assert!(matches!(world.effects[..], [Effect::Note(_)]), "{:?}", world.effects);
    }
}

#[test]
fn a_task_waits_for_the_volume_that_came_before_it() {
    let mut world = registered();
    world.apply(Input::CheckpointResources(volume()));
    let sync = world.effects[0].clone();
    let mut with_volume = task("t", "e");
    let mut allocated = Resources::from_protos(volume()).unwrap();
    allocated.allocate("web/a");
    with_volume.resources.extend(allocated.to_protos());
    world.start(framework(false), with_volume);
    world.allow(1);
    assert_eq!(world.words(), [""; 0]);
    world.effects = vec![sync];
    synced(&mut world, Ok(()));
    assert_eq!(world.words(), ["launch e", "after 60"]);
}

#[test]
fn a_task_with_a_volume_nobody_made_is_dropped() {
    let mut world = registered();
    let mut with_volume = task("t", "e");
    with_volume.resources.extend(volume());
    with_volume.resources.iter_mut().for_each(|resource| {
        resource.allocation_info = Some(mesos_api::v1::resource::AllocationInfo { role: Some("*".into()) });
    });
    world.run(framework(false), with_volume);
    let updates = world.updates();
    assert_eq!((updates[0].1, updates[0].2), (TaskLost, Some(Reason::ResourcesUnknown)));
}

#[test]
fn a_full_disk_is_tried_again_and_holds_up_nobody_else() {
    let mut world = registered();
    world.apply(Input::CheckpointResources(volume()));
    synced(&mut world, Err("the disk is full".into()));
    assert_eq!(world.words(), ["after 5"]);
    world.run(framework(false), task("t", "e"));
    assert_eq!(world.words(), ["launch e", "after 60"]);
    world.apply(Input::RetrySync);
    assert_eq!(world.words(), ["sync"]);
    synced(&mut world, Ok(()));
    assert_eq!(world.workload.checkpointed_resources().len(), 1);
}

#[test]
fn the_newest_word_of_the_master_counts() {
    let mut world = registered();
    world.apply(Input::CheckpointResources(volume()));
    let sync = world.effects[0].clone();
    world.apply(Input::CheckpointResources(Vec::new()));
    assert_eq!(world.words(), [""; 0], "one after the other");
    world.effects = vec![sync];
    synced(&mut world, Ok(()));
    assert_eq!(world.words(), ["sync"]);
    synced(&mut world, Ok(()));
    assert!(world.workload.checkpointed_resources().is_empty());
}
