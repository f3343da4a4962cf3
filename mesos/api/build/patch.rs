//! What the Rust types have otherwise than the v1 descriptors.
//!
//! Two messages get a field that only their v0 twin has. And no field is marked as deprecated:
//! what a framework should not use any more, we still have to read.

use std::error::Error;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::source_code_info::Location;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// A field of a Rust type that only the v0 dialect has.
pub(crate) struct V0Field {
    package: &'static str,
    /// The names of the messages, outermost first.
    message: &'static [&'static str],
    pub(crate) name: &'static str,
    number: i32,
    default: Option<&'static str>,
    doc: &'static str,
    /// How many fields v0 declares before it, which is where v0 JSON writes it.
    pub(crate) position: usize,
}

impl V0Field {
    /// Full name of the message that the field is added to.
    pub(crate) fn scope(&self) -> String {
        format!("{}.{}", self.package, self.message.join("."))
    }
}

pub(crate) const V0_FIELDS: [V0Field; 2] = [
    V0Field {
        package: "mesos.v1",
        message: &["AgentInfo"],
        name: "checkpoint",
        number: 7,
        default: Some("false"),
        doc: " Only in the v0 dialect, where agents set it to true.",
        position: 6,
    },
    V0Field {
        package: "mesos.v1.scheduler",
        message: &["Call", "Subscribe"],
        name: "force",
        // No Mesos uses this number. v0 has force as 2, which in v1 is suppressed_roles; a call is
        // rewritten on its way to and from the v0 wire, so that this number stays in the process.
        number: 536_870_911,
        default: None,
        doc: " Only in the v0 dialect: whether to take over from a driver that is still connected.",
        position: 1,
    },
];

/// Adds [`V0_FIELDS`] to the descriptors that the Rust types come from.
pub(crate) fn add_v0_fields(files: &mut FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    V0_FIELDS.iter().try_for_each(|field| add(files, field))
}

fn add(files: &mut FileDescriptorSet, new: &V0Field) -> Result<(), Box<dyn Error>> {
    let missing = || format!("{} is not among the .proto files", new.scope());
    let file = files.file.iter_mut().find(|file| file.package() == new.package).ok_or_else(missing)?;
    let mut siblings = &mut file.message_type;
    let (mut tag, mut path) = (4, Vec::new());
    let (last, outer) = new.message.split_last().ok_or_else(missing)?;
    for name in outer {
        let index = siblings.iter().position(|message| message.name() == *name).ok_or_else(missing)?;
        path.extend([tag, i32::try_from(index)?]);
        tag = 3;
        siblings = &mut siblings[index].nested_type;
    }
    let index = siblings.iter().position(|message| message.name() == *last).ok_or_else(missing)?;
    let fields = &mut siblings[index].field;
    path.extend([tag, i32::try_from(index)?, 2, i32::try_from(fields.len())?]);
    fields.push(FieldDescriptorProto {
        name: Some(new.name.to_owned()),
        number: Some(new.number),
        label: Some(Label::Optional.into()),
        r#type: Some(Type::Bool.into()),
        default_value: new.default.map(str::to_owned),
        ..Default::default()
    });
    // prost-build looks up every field's comment and insists on finding a location.
    let leading_comments = Some(new.doc.to_owned());
    let location = Location { path, span: vec![0, 0, 0], leading_comments, ..Default::default() };
    file.source_code_info.get_or_insert_default().location.push(location);
    Ok(())
}

/// Clears the mark of deprecation from every field.
pub(crate) fn forget_deprecations(files: &mut FileDescriptorSet) {
    files.file.iter_mut().flat_map(|file| &mut file.message_type).for_each(forget_in);
}

fn forget_in(message: &mut DescriptorProto) {
    for options in message.field.iter_mut().filter_map(|field| field.options.as_mut()) {
        options.deprecated = None;
    }
    message.nested_type.iter_mut().for_each(forget_in);
}
