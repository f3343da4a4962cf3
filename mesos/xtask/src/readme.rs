//! The first program that a user of libprocess sees.

use crate::workspace::read;

/// The program in the README of libprocess.
///
/// # Panics
///
/// Panics when there is none.
pub fn first_program() -> String {
    let page = read("libprocess/README.md");
    let (_, rest) = page.split_once("```rust\n").expect("the README has a program");
    let (program, _) = rest.split_once("```\n").expect("the program ends");
    program.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::*;

    #[test]
    fn guide_begins_with_the_program_of_the_readme() {
        let lines = first_program()
            .lines()
            .map(|line| format!("//! {line}").trim_end().to_owned() + "\n")
            .collect::<String>();
        assert!(read("libprocess/src/guide.rs").contains(&lines), "the guide lacks:\n{lines}");
    }

    /// The newest build of libprocess beside this test: one that this test was linked with, or a later one.
    fn libprocess(directory: &Path) -> Option<PathBuf> {
        let entries = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
        let is_libprocess = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("liblibprocess-") && name.ends_with(".rlib")
        };
        entries.filter(is_libprocess).max_by_key(|path| path.metadata().and_then(|it| it.modified()).ok())
    }

    #[test]
    fn program_needs_nothing_but_libprocess() {
        let test = std::env::current_exe().unwrap();
        let directory = test.parent().unwrap();
        let libprocess = libprocess(directory).expect("libprocess was built for this test");
        let scratch = tempfile::tempdir().unwrap();
        let source = scratch.path().join("program.rs");
        std::fs::write(&source, first_program()).unwrap();
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let compiled = Command::new(rustc)
            .args(["--edition=2024", "--emit=metadata", "-Dwarnings", "--out-dir"])
            .arg(scratch.path())
            .arg(&source)
            // What libprocess itself needs is found there, and is not to be had for the program.
            .arg(format!("-Ldependency={}", directory.display()))
            .arg(format!("--extern=libprocess={}", libprocess.display()))
            .output()
            .unwrap();
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    }
}
