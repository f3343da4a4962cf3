//! What the features of libprocess are, and what a program without them builds.

use std::collections::BTreeSet;
use std::process::Command;

use crate::workspace::{read, root};

/// The features of libprocess, without `default`.
pub fn names() -> Vec<String> {
    let manifest = read("libprocess/Cargo.toml");
    let section = manifest.lines().skip_while(|line| *line != "[features]").skip(1);
    let entries = section.take_while(|line| !line.starts_with('['));
    let names = entries.filter_map(|line| line.split_once(" = [")).map(|(name, _)| name.to_owned());
    names.filter(|name| name != "default").collect()
}

/// The crates that a program with libprocess and none of its features is built of, libprocess included.
///
/// # Errors
///
/// What cargo says when it cannot tell.
pub fn crates_without() -> Result<BTreeSet<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args(["tree", "--locked", "-p", "libprocess", "--no-default-features"])
        .args(["-e", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !told.status.success() {
        return Err(String::from_utf8_lossy(&told.stderr).into_owned());
    }
    let lines = String::from_utf8_lossy(&told.stdout);
    // A package that was told before has a mark behind it.
    Ok(lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_alone_are_built_of_few_crates() {
        let crates = crates_without().unwrap();
        assert!(crates.iter().any(|name| name.starts_with("libprocess ")), "{crates:?}");
        assert!(crates.len() < 40, "{} crates: {crates:#?}", crates.len());
    }

    #[test]
    fn each_feature_is_on_by_default_documented_and_checked_alone() {
        let manifest = read("libprocess/Cargo.toml");
        let default = manifest.lines().find(|line| line.starts_with("default = ")).unwrap();
        let checked = read(".ci/run");
        let checked = checked.lines().find(|line| line.starts_with("for features in")).unwrap();
        let names = names();
        assert!(!names.is_empty());
        for name in names {
            assert!(default.contains(&format!("\"{name}\"")), "{name} is not on by default");
            for page in ["libprocess/src/lib.rs", "libprocess/README.md"] {
                assert!(read(page).contains(&format!("| `{name}`")), "{page} has no row for {name}");
            }
            assert!(
                checked.split([' ', ';']).any(|word| word == name),
                ".ci/run does not check {name} alone"
            );
        }
    }
}
