//! Derives the unversioned (v0) packages from the v1 packages.
//!
//! The two differ by a table of renamed messages, fields and values, `mesos.v0-diff.tsv`.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use heck::ToLowerCamelCase;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

const V1: &str = "mesos.v1";
const V0: &str = "mesos";

/// The table of differences.
#[derive(Default)]
pub(crate) struct Diff {
    /// v1 message -> its v0 name, where that is not just another package.
    messages: BTreeMap<String, String>,
    /// (v1 scope, v1 name) -> v0 name, of fields and enum values.
    members: BTreeMap<(String, String), String>,
    /// (v1 scope, v1 name) of fields that v0 has not.
    only_v1: BTreeSet<(String, String)>,
    /// v0 scope -> fields that v1 has not.
    only_v0: BTreeMap<String, Vec<FieldDescriptorProto>>,
}

impl Diff {
    pub(crate) fn parse(table: &str) -> Result<Self, Box<dyn Error>> {
        let mut diff = Self::default();
        for line in table.lines().filter(|line| !line.starts_with('#') && !line.starts_with("op\t")) {
            let cells: Vec<&str> = line.split('\t').collect();
            let [op, v0_scope, number, label, kind, v0_name, default, v1_scope, v1_name] = cells[..] else {
                return Err(format!("mesos.v0-diff.tsv: unexpected row '{line}'").into());
            };
            let v1_member = (v1_scope.to_owned(), v1_name.to_owned());
            match op {
                "message" => drop(diff.messages.insert(v1_scope.to_owned(), v0_scope.to_owned())),
                "field" | "value" => drop(diff.members.insert(v1_member, v0_name.to_owned())),
                "only-v1-field" => drop(diff.only_v1.insert(v1_member)),
                "only-v0-field" => {
                    let field = new_field(v0_name, number.parse()?, label, kind, default)?;
                    diff.only_v0.entry(v0_scope.to_owned()).or_default().push(field);
                }
                _ => return Err(format!("mesos.v0-diff.tsv: unknown op '{op}'").into()),
            }
        }
        Ok(diff)
    }

    /// The v0 name of a message or enum of a v1 package; any other name as it is.
    pub(crate) fn scope(&self, v1: &str) -> String {
        for (from, to) in &self.messages {
            if let Some(rest) = v1.strip_prefix(from.as_str())
                && (rest.is_empty() || rest.starts_with('.'))
            {
                return format!("{to}{rest}");
            }
        }
        match v1.strip_prefix(V1) {
            Some(rest) if rest.is_empty() || rest.starts_with('.') => format!("{V0}{rest}"),
            _ => v1.to_owned(),
        }
    }

    /// The v0 name of a field or an enum value, if it has another one there.
    pub(crate) fn member(&self, v1_scope: &str, v1_name: &str) -> Option<&str> {
        self.members.get(&(v1_scope.to_owned(), v1_name.to_owned())).map(String::as_str)
    }
}

/// The v0 twins of all files of v1 packages in `files`.
pub(crate) fn derive(files: &FileDescriptorSet, diff: &Diff) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let mut derived = FileDescriptorSet::default();
    for file in files.file.iter().filter(|file| file.package().starts_with(V1)) {
        let mut file = file.clone();
        let v1_package = file.package().to_owned();
        file.name = Some(v0_path(file.name()));
        file.dependency.iter_mut().for_each(|name| *name = v0_path(name));
        file.package = Some(diff.scope(&v1_package));
        // Comments were written for v1; a reader finds them there.
        file.source_code_info = None;
        for message in &mut file.message_type {
            rename_message(message, &v1_package, diff);
        }
        for kind in &mut file.enum_type {
            rename_values(kind, &v1_package, diff);
        }
        if !file.service.is_empty() || !file.extension.is_empty() {
            return Err(format!("{}: services and extensions have no v0 twin", file.name()).into());
        }
        derived.file.push(file);
    }
    Ok(derived)
}

fn v0_path(v1: &str) -> String {
    v1.replacen("mesos/v1/", "mesos/", 1)
}

fn rename_message(message: &mut DescriptorProto, v1_parent: &str, diff: &Diff) {
    let v1_name = format!("{v1_parent}.{}", message.name());
    let v0_name = diff.scope(&v1_name);
    message.name = v0_name.rsplit('.').next().map(str::to_owned);
    message.field.retain(|field| !diff.only_v1.contains(&(v1_name.clone(), field.name().to_owned())));
    for field in &mut message.field {
        if let Some(name) = diff.member(&v1_name, field.name()) {
            field.json_name = Some(name.to_lower_camel_case());
            field.name = Some(name.to_owned());
        }
        if let Some(v1_type) = field.type_name().strip_prefix('.') {
            field.type_name = Some(format!(".{}", diff.scope(v1_type)));
        }
    }
    message.field.extend(diff.only_v0.get(&v0_name).into_iter().flatten().cloned());
    for nested in &mut message.nested_type {
        rename_message(nested, &v1_name, diff);
    }
    for nested in &mut message.enum_type {
        rename_values(nested, &v1_name, diff);
    }
}

fn rename_values(kind: &mut EnumDescriptorProto, v1_parent: &str, diff: &Diff) {
    let v1_name = format!("{v1_parent}.{}", kind.name());
    for value in &mut kind.value {
        if let Some(name) = diff.member(&v1_name, value.name()) {
            value.name = Some(name.to_owned());
        }
    }
}

/// A scalar field as a table row describes it.
fn new_field(
    name: &str,
    number: i32,
    label: &str,
    kind: &str,
    default: &str,
) -> Result<FieldDescriptorProto, Box<dyn Error>> {
    let label = match label {
        "optional" => Label::Optional,
        "repeated" => Label::Repeated,
        _ => return Err(format!("mesos.v0-diff.tsv: field '{name}' cannot be {label}").into()),
    };
    let kind = match kind {
        "bool" => Type::Bool,
        "string" => Type::String,
        _ => return Err(format!("mesos.v0-diff.tsv: field '{name}' has the unexpected type {kind}").into()),
    };
    Ok(FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(kind.into()),
        default_value: (default != "-").then(|| default.to_owned()),
        json_name: Some(name.to_lower_camel_case()),
        ..Default::default()
    })
}
