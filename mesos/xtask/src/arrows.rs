//! Which of our packages may depend on which: only downwards.

use crate::workspace::Package;

/// The layers, from the ground up. A package may depend on those of lower layers, and within a
/// layer only where [`SIDEWAYS`] says so.
pub const LAYERS: [&[&str]; 9] = [
    &["stout"],
    &["libprocess", "mesos-api"],
    &["mesos-resources", "libprocess-grpc", "libprocess-test"],
    &[
        "mesos-access",
        "mesos-allocation",
        "mesos-registry",
        "mesos-cluster",
        "mesos-updates",
        "mesos-workload",
    ],
    &["mesos-auth", "mesos-registrar", "mesos-allocator", "mesos-fetcher", "mesos-checks"],
    &["mesos-containerizer", "mesos-executor", "mesos-scheduler", "mesos-daemon"],
    &["mesos-master", "mesos-agent"],
    &["mesos-local"],
    &["mesos-cli", "mesos-examples", "mesos-benches", "mesos-testing", "mesos-xtask"],
];

/// Arrows within a layer, each with its reason.
pub const SIDEWAYS: [(&str, &str, &str); 4] = [
    ("mesos-cluster", "mesos-registry", "the effects of the master's model speak the registry's vocabulary"),
    ("mesos-cluster", "mesos-allocation", "and the allocator's, rather than copies of them"),
    (
        "mesos-cluster",
        "mesos-access",
        "what the authorizer is asked is said in the table's actions and objects",
    ),
    ("mesos-workload", "mesos-updates", "the agent's model holds the streams of its tasks' updates"),
];

/// What a pure package may not use.
pub const IMPURE: [&str; 7] = ["libprocess", "tokio", "futures", "hyper", "rand", "nix", "tempfile"];

/// What is wrong with the arrows of a package.
pub fn faults(package: &Package) -> Vec<String> {
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let Some(own) = layer(&package.name) else {
        return vec![format!("{} is in no layer", package.name)];
    };
    let mut faults = Vec::new();
    for dependency in &package.dependencies {
        let Some(below) = layer(dependency) else { continue };
        let sideways = SIDEWAYS.iter().any(|(from, to, _)| *from == package.name && to == dependency);
        if below >= own && !sideways {
            faults.push(format!("{} must not depend on {dependency}", package.name));
        }
    }
    if package.directory.starts_with("mesos/core") || package.name == "mesos-api" {
        let impure = package.dependencies.iter().filter(|name| IMPURE.contains(&name.as_str()));
        faults.extend(impure.map(|name| format!("{} is pure, and must not use {name}", package.name)));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::packages;

    #[test]
    fn all_arrows_point_downwards() {
        let faults: Vec<String> = packages().iter().flat_map(faults).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn an_arrow_upwards_is_found() {
        let mut package = packages().into_iter().find(|package| package.name == "mesos-cluster").unwrap();
        package.dependencies.extend(["mesos-master".to_owned(), "tokio".to_owned()]);
        assert_eq!(faults(&package).len(), 2);
    }
}
