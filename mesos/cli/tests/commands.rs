//! What people type.

mod execute;
mod flags;
mod help;
mod leaving;
mod look;
mod output;
mod run;
mod strangers;

use std::path::Path;
use std::process::Command;

use crate::harness::{Finished, Scratch, descriptors, finish, get_json, interpreter, mesos, shared};

/// Runs `mesos` with these arguments to its end.
fn call(scratch: &Scratch, arguments: &[&str]) -> Finished {
    finish(mesos(scratch).args(arguments))
}

#[test]
fn version_is_told_by_the_program_and_by_daemons() {
    let cluster = shared();
    let own = call(&cluster.scratch, &["version"]);
    assert_eq!((own.code, own.stdout), (Some(0), format!("mesos {}\n", env!("CARGO_PKG_VERSION"))));
    let mesos = get_json(cluster.master(), "/version")["version"].as_str().expect("a version").to_owned();
    for (flag, address) in [("--master", cluster.master()), ("--agent", cluster.agent(0))] {
        let told = call(&cluster.scratch, &["version", flag, address]);
        assert_eq!((told.code, told.stdout), (Some(0), format!("mesos {mesos}\n")), "{}", told.stderr);
    }
    let json: serde_json::Value =
        serde_json::from_str(&call(&cluster.scratch, &["version", "--json"]).stdout).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn descriptors_are_those_of_mesos() {
    let Some(interpreter) = interpreter() else { return };
    let scratch = Scratch::new();
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/tests/wire/check.py");
    let arguments = ["--strict", "--descriptor-set", &descriptors(&scratch)];
    let checked = finish(Command::new(interpreter).arg("-B").arg(check).args(arguments));
    assert_eq!(checked.code, Some(0), "{}\n{}", checked.stdout, checked.stderr);
    assert!(
        checked.stdout.contains(" fields and enum values match, 0 missing, 0 differ"),
        "{}",
        checked.stdout
    );
}
