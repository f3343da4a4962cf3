//! Compiles the `.proto` files into one descriptor set.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use prost_types::FileDescriptorSet;
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};

use crate::v0::{self, Diff};

/// The folder, below the root of the `.proto` files, of the packages that have v0 twins.
const V1: &str = "mesos/v1";

/// Everything: v1, the derived v0 packages, and what stands on them, each file after its imports.
pub(crate) fn compile(root: &Path, diff: &Diff) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let names = proto_files(root)?;
    let (v1, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with(V1));

    let mut compiler = Compiler::with_file_resolver(resolver(root, Derived::default()));
    compiler.include_source_info(true).include_imports(true).open_files(&v1)?;
    let derived = v0::derive(&compiler.file_descriptor_set(), diff)?;

    let mut compiler = Compiler::with_file_resolver(resolver(root, Derived(derived.clone())));
    let roots = v1.iter().cloned().chain(derived.file.iter().map(|file| PathBuf::from(file.name())));
    compiler.include_source_info(true).include_imports(true).open_files(roots)?.open_files(&others)?;
    Ok(compiler.file_descriptor_set())
}

/// The same set without comments and positions, for the descriptors that a program carries.
pub(crate) fn without_source_info(files: &FileDescriptorSet) -> FileDescriptorSet {
    let mut files = files.clone();
    for file in &mut files.file {
        file.source_code_info = None;
    }
    files
}

/// Paths of all `.proto` files relative to `root`, sorted.
fn proto_files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                found.extend(path.strip_prefix(root).map(Path::to_path_buf));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn resolver(root: &Path, derived: Derived) -> ChainFileResolver {
    let mut chain = ChainFileResolver::new();
    chain.add(derived);
    chain.add(IncludeFileResolver::new(root.to_path_buf()));
    chain.add(GoogleFileResolver::new());
    chain
}

/// Serves the derived v0 files as if they were on disk.
#[derive(Default)]
struct Derived(FileDescriptorSet);

impl FileResolver for Derived {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.file.iter().find(|file| file.name() == name) {
            Some(file) => Ok(File::from_file_descriptor_proto(file.clone())),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}
