//! The packages of the workspace, read from their manifests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name, such as `mesos-cluster`.
    pub name: String,
    /// Its directory, from the root of the workspace.
    pub directory: PathBuf,
    /// The names under `[dependencies]`.
    pub dependencies: BTreeSet<String>,
    /// The names under `[dev-dependencies]`, `[build-dependencies]` and those of a target.
    pub other_dependencies: BTreeSet<String>,
}

/// Where the workspace is.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the workspace, as text.
///
/// # Panics
///
/// Panics when it cannot be read: this is for checks of files that must be there.
pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// All packages of the workspace.
///
/// # Panics
///
/// Panics when a manifest cannot be read.
pub fn packages() -> Vec<Package> {
    let mut packages = Vec::new();
    for directory in ["", "libprocess", "mesos", "mesos/core"] {
        let entries =
            std::fs::read_dir(root().join(directory)).expect("the directories of the layout are there");
        for entry in entries.flatten() {
            let directory = Path::new(directory).join(entry.file_name());
            if root().join(&directory).join("Cargo.toml").is_file() {
                packages.push(package(directory));
            }
        }
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    packages
}

fn package(directory: PathBuf) -> Package {
    let manifest = read(directory.join("Cargo.toml"));
    let mut package = Package {
        name: String::new(),
        directory,
        dependencies: BTreeSet::new(),
        other_dependencies: BTreeSet::new(),
    };
    let mut section = "";
    for line in manifest.lines() {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().trim_end_matches(".workspace").to_owned();
        match section {
            "package" if key == "name" => package.name = value.trim().trim_matches('"').to_owned(),
            "dependencies" => drop(package.dependencies.insert(key)),
            "dev-dependencies" | "build-dependencies" => drop(package.other_dependencies.insert(key)),
            // Of one system, or of one way to build.
            _ if section.starts_with("target.") && section.ends_with("dependencies") => {
                package.other_dependencies.insert(key);
            }
            _ => {}
        }
    }
    package
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outside_dependency_has_its_note_and_each_note_its_dependency() {
        let ours: BTreeSet<String> = packages().into_iter().map(|package| package.name).collect();
        // Not of the workspace, but with an outside dependency of its own.
        let fuzz = package("mesos/xtask/fuzz".into());
        let used: BTreeSet<String> = packages()
            .into_iter()
            .chain([fuzz])
            .flat_map(|package| package.dependencies.into_iter().chain(package.other_dependencies))
            .filter(|name| !ours.contains(name))
            .collect();
        let notes = std::fs::read_dir(root().join("3rdparty-notes")).unwrap().flatten();
        let noted: BTreeSet<String> = notes
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".md").map(str::to_owned))
            .collect();
        // One note covers the parts of a crate that is split up.
        let covered = |name: &String| match name.as_str() {
            "prost-build" | "prost-types" => "prost".to_owned(),
            "tracing-subscriber" => "tracing".to_owned(),
            "http" | "http-body-util" | "hyper-util" | "tower-service" => "hyper".to_owned(),
            "hyper-openssl" | "openssl-probe" | "tokio-openssl" => "openssl".to_owned(),
            "tokio-stream" => "tokio".to_owned(),
            "tonic-health" | "tonic-prost" | "tower" => "tonic".to_owned(),
            "serde" => "serde_json".to_owned(),
            "itoa" | "ryu" | "heck" => "small-crates".to_owned(),
            _ => name.clone(),
        };
        let wanted: BTreeSet<String> = used.iter().map(covered).collect();
        assert_eq!(noted, wanted, "left: the notes, right: what is used");
    }

    #[test]
    fn each_dependency_is_declared_once_for_all() {
        let manifest = read("Cargo.toml");
        let declared: BTreeSet<&str> = manifest
            .lines()
            .skip_while(|line| *line != "[workspace.dependencies]")
            .skip(1)
            .take_while(|line| !line.starts_with('['))
            .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
            .collect();
        let used: BTreeSet<String> = packages()
            .into_iter()
            .flat_map(|package| package.dependencies.into_iter().chain(package.other_dependencies))
            .collect();
        let unused: Vec<_> = declared.iter().filter(|name| !used.contains(**name)).collect();
        assert!(unused.is_empty(), "declared in the root manifest, and used by no package: {unused:?}");
    }

    #[test]
    fn each_package_has_its_row_in_the_architecture() {
        let page = read("ARCHITECTURE.md");
        for package in packages() {
            let row = format!("| `{}` |", package.directory.display());
            assert!(page.contains(&row), "ARCHITECTURE.md has no row that begins with {row}");
        }
    }

    #[test]
    fn no_package_but_the_ground_may_hold_unsafe_code() {
        for package in packages() {
            let lib = root().join(&package.directory).join("src/lib.rs");
            let main = root().join(&package.directory).join("src/main.rs");
            for file in [lib, main].iter().filter(|file| file.is_file()) {
                let forbids = std::fs::read_to_string(file).unwrap().contains("#![forbid(unsafe_code)]");
                let ground = matches!(package.name.as_str(), "libprocess" | "stout");
                assert!(forbids || ground, "{} does not forbid unsafe code", file.display());
            }
        }
    }

    #[test]
    fn versions_and_lints_are_those_of_the_workspace() {
        for package in packages() {
            let manifest = read(package.directory.join("Cargo.toml"));
            for line in ["version.workspace = true", "license.workspace = true", "[lints]\nworkspace = true"]
            {
                assert!(manifest.contains(line), "{} lacks '{line}'", package.name);
            }
        }
    }
}
