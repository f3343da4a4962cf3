//! Generates the Rust side of the `.proto` files: types, JSON code, presence tables.
//!
//! The steps, in order:
//!
//! 1. [`protos`] compiles our `.proto` files. Those of the v0 packages that have a v1 twin do
//!    not exist as files: [`v0`] derives them from the v1 descriptors.
//! 2. [`patch`] adds to two v1 messages the field that only their v0 twin has, for the Rust types.
//! 3. `prost-build` writes the Rust types. Every v0 type is mapped to its v1 twin.
//! 4. [`model`] brings the descriptors into the form that [`hash`], [`json`] and [`tables`] generate
//!    from.

mod hash;
mod json;
mod model;
mod names;
mod patch;
mod protos;
mod tables;
mod v0;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let proto = Path::new("proto");

    let diff = v0::Diff::parse(&fs::read_to_string(proto.join("mesos.v0-diff.tsv"))?)?;
    let mut files = protos::compile(proto, &diff)?;
    fs::write(out.join("descriptors.bin"), protos::without_source_info(&files).encode_to_vec())?;

    patch::add_v0_fields(&mut files)?;
    let model = model::Model::new(&files, &diff)?;
    let mut config = prost_build::Config::new();
    config.btree_map(["."]);
    for (proto_name, rust_path) in model.v0_twins() {
        config.extern_path(format!(".{proto_name}"), rust_path);
    }
    for id in names::ORDERED {
        config.type_attribute(format!(".{id}"), "#[derive(PartialOrd, Ord)]");
    }
    patch::forget_deprecations(&mut files);
    config.compile_fds(files)?;

    fs::write(out.join("hash.rs"), hash::generate(&model))?;
    fs::write(out.join("json.rs"), json::generate(&model))?;
    fs::write(out.join("tables.rs"), tables::generate(&model))?;
    Ok(())
}
