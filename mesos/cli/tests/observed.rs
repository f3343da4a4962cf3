//! What a real Mesos 1.5.2 does and old clients depend on: `docs/compatibility.md` lists it, with these tests.

mod endpoints;
mod environment;
mod health;
mod json;
mod old_protocol;
mod reconciliation;
mod refused;
mod routing;
mod streams;
mod tasks;
mod updates;

use std::collections::BTreeSet;
use std::path::Path;

/// The names of the tests in a file and in those of its modules, with the modules that they are in.
fn tests_of(file: &Path, module: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut names = BTreeSet::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "#[test]" {
            let name = lines.next().and_then(|line| line.strip_prefix("fn ")?.split('(').next());
            names.insert(format!("{module}::{}", name.expect("the name of a test")));
        } else if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            let inner = file.with_extension("").join(format!("{name}.rs"));
            names.extend(tests_of(&inner, &format!("{module}::{name}")));
        }
    }
    names
}

#[test]
fn compatibility_page_lists_every_test_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../docs/compatibility.md")).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let listed: BTreeSet<_> =
        rows.flat_map(|row| row.split('`')).filter(|part| part.contains("::")).map(str::to_owned).collect();
    let observed = tests_of(&root.join("tests/observed.rs"), "observed");
    let mut all = tests_of(&root.join("tests/clients.rs"), "clients");
    all.extend(observed.iter().cloned());
    let absent: Vec<_> = listed.difference(&all).collect();
    assert!(absent.is_empty(), "the page lists tests that are not there: {absent:?}");
    let own = "observed::compatibility_page_lists_every_test_and_no_other";
    let unlisted: Vec<_> = observed.difference(&listed).filter(|name| *name != own).collect();
    assert!(unlisted.is_empty(), "tests are not on the page: {unlisted:?}");
}
