//! What is left.

use super::*;

fn drive() -> Arc<Drive> {
    Drive::new(NodeId::new(0), Arc::new(Mutex::new(World::new(1))))
}

#[test]
fn crash_loses_exactly_what_was_not_synced() {
    let drive = drive();
    let disk = drive.handle();
    disk.append("log", b"one ").unwrap();
    disk.sync("log").unwrap();
    disk.sync_dir("").unwrap();
    disk.append("log", b"two ").unwrap();
    disk.write("nameless", b"contents are synced, the name is not").unwrap();
    disk.sync("nameless").unwrap();
    drive.crash();
    assert!(disk.read("log").is_err(), "the handle is that of the life before");
    let disk = drive.handle();
    assert_eq!(disk.read("log").unwrap(), b"one ");
    assert_eq!(disk.list("").unwrap(), ["log"]);
}

#[test]
fn write_over_a_file_is_all_or_nothing_only_once_it_is_synced() {
    let drive = drive();
    let disk = drive.handle();
    disk.replace("a/state", b"first").unwrap();
    disk.write("a/state", b"second, which is longer").unwrap();
    disk.append("a/state", b"!").unwrap();
    drive.crash();
    assert_eq!(drive.handle().read("a/state").unwrap(), b"first");
    let disk = drive.handle();
    disk.write("a/state", b"third").unwrap();
    disk.sync("a/state").unwrap();
    drive.crash();
    assert_eq!(drive.handle().read("a/state").unwrap(), b"third");
}

#[test]
fn rename_and_removal_are_undone_until_their_directory_is_synced() {
    let drive = drive();
    let disk = drive.handle();
    for (name, contents) in [("d/old", b"old"), ("d/new", b"new")] {
        disk.write(name, contents).unwrap();
        disk.sync(name).unwrap();
    }
    disk.sync_dir("d").unwrap();
    disk.rename("d/new", "d/old").unwrap();
    assert_eq!(disk.read("d/old").unwrap(), b"new");
    drive.crash();
    let disk = drive.handle();
    assert_eq!(disk.read("d/old").unwrap(), b"old");
    assert_eq!(disk.read("d/new").unwrap(), b"new");
    disk.rename("d/new", "d/old").unwrap();
    disk.sync_dir("").unwrap(); // Another directory.
    drive.crash();
    assert_eq!(drive.handle().list("d").unwrap(), ["new", "old"]);
    let disk = drive.handle();
    disk.remove("d/new").unwrap();
    disk.sync_dir("d").unwrap();
    drive.crash();
    assert_eq!(drive.handle().list("d").unwrap(), ["old"]);
    assert_eq!(drive.handle().list("").unwrap(), ["d"]);
}

#[test]
fn failing_disk_fails_until_it_works_again() {
    let drive = drive();
    let disk = drive.handle();
    drive.set_failing(true);
    assert!(disk.write("a", b"x").is_err());
    drive.set_failing(false);
    assert_eq!(disk.read("a").unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn rename_between_directories_is_durable_as_a_whole() {
    for synced in ["a", "b"] {
        let drive = drive();
        let disk = drive.handle();
        disk.write("a/x", b"x").unwrap();
        disk.sync("a/x").unwrap();
        disk.rename("a/x", "b/y").unwrap();
        disk.rename("b/y", "c/z").unwrap();
        disk.sync_dir(synced).unwrap();
        drive.crash();
        let disk = drive.handle();
        let found: Vec<_> = ["a", "b", "c"].into_iter().flat_map(|name| disk.list(name).unwrap()).collect();
        assert_eq!(found, [if synced == "a" { "y" } else { "z" }], "{synced}");
    }
}

#[test]
fn drawn_loss_leaves_first_parts_of_what_was_not_synced_and_all_that_was() {
    let drive = drive();
    drive.set_loss(DiskLoss::Drawn);
    let mut lengths = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let disk = drive.handle();
        disk.replace("log", b"0123").unwrap();
        disk.append("log", b"4567").unwrap();
        disk.replace("state", b"old").unwrap();
        disk.write("state", b"new").unwrap();
        drive.crash();
        let disk = drive.handle();
        let log = disk.read("log").unwrap();
        assert!(log.len() >= 4 && b"01234567".starts_with(&log), "{log:?}");
        lengths.insert(log.len());
        let state = disk.read("state").unwrap();
        assert!(state == b"old" || b"new".starts_with(&state), "{state:?}");
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
}

#[test]
fn replaced_file_is_the_old_one_or_the_new_one_whatever_is_lost() {
    let drive = drive();
    drive.set_loss(DiskLoss::Drawn);
    drive.handle().replace("state", b"old").unwrap();
    for changes in 0..100 {
        drive.set_fuse(changes % 5);
        let replaced = drive.handle().replace("state", b"new");
        assert_eq!(replaced.is_err(), changes % 5 < 4);
        drive.crash();
        let state = drive.handle().read("state").unwrap();
        assert!(state == b"old" || state == b"new", "{state:?}");
        drive.handle().replace("state", b"old").unwrap();
    }
}
