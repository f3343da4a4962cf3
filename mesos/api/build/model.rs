//! The messages and enums that have Rust types, in the form the generators read.

use std::collections::BTreeMap;
use std::error::Error;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::names;
use crate::patch::V0_FIELDS;
use crate::v0::Diff;

pub(crate) struct Model {
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
    /// v0 type -> Rust path of its v1 twin.
    twins: BTreeMap<String, String>,
}

pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) package: String,
    pub(crate) path: String,
    pub(crate) fields: Vec<Field>,
    /// Whether no other message contains its declaration.
    pub(crate) top_level: bool,
}

pub(crate) struct Field {
    pub(crate) name: String,
    /// Its name in the v0 dialect, if another.
    pub(crate) v0_name: Option<String>,
    /// Whether only the v0 dialect has it.
    pub(crate) v0_only: bool,
    pub(crate) number: i32,
    pub(crate) rust: String,
    pub(crate) presence: Presence,
    pub(crate) kind: Kind,
    pub(crate) default: Option<String>,
    pub(crate) deprecated: bool,
}

pub(crate) enum Presence {
    Required,
    Optional,
    /// proto3: set if it differs from the type's zero value.
    Implicit,
    Repeated,
    /// A variant of the Rust enum at `path`, held by the field that `Field::rust` names.
    Oneof {
        path: String,
        variant: String,
    },
}

pub(crate) enum Kind {
    Scalar(Type),
    /// Rust path of the enum.
    Enum(String),
    /// Full name of the message; in the v0 packages, that of its v1 twin.
    Message(String),
    Map,
    /// A message of `google.protobuf`: its short name.
    WellKnown(String),
}

pub(crate) struct Enum {
    pub(crate) path: String,
    pub(crate) values: Vec<Value>,
}

pub(crate) struct Value {
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) v0_name: Option<String>,
}

impl Model {
    pub(crate) fn new(files: &FileDescriptorSet, diff: &Diff) -> Result<Self, Box<dyn Error>> {
        let mut builder = Builder::new(files, diff);
        for file in files.file.iter().filter(|file| !file.package().starts_with("google.")) {
            let scope =
                Scope { package: file.package(), names: Vec::new(), proto3: file.syntax() == "proto3" };
            for message in &file.message_type {
                builder.message(message, &scope)?;
            }
            for kind in &file.enum_type {
                builder.enumeration(kind, &scope);
            }
        }
        let Builder { messages, enums, rust_paths, .. } = builder;
        let twins = rust_paths.iter().filter_map(|(name, path)| {
            let v0 = diff.scope(name);
            (v0 != *name).then(|| (v0, path.clone()))
        });
        Ok(Self { messages, enums, twins: twins.collect() })
    }

    /// v0 types and the Rust paths that stand for them.
    pub(crate) fn v0_twins(&self) -> impl Iterator<Item = (&String, &String)> {
        self.twins.iter()
    }
}

/// Where a declaration stands.
struct Scope<'a> {
    package: &'a str,
    names: Vec<String>,
    proto3: bool,
}

impl Scope<'_> {
    fn inner(&self, name: &str) -> Self {
        let mut names = self.names.clone();
        names.push(name.to_owned());
        Self { names, ..*self }
    }

    fn full_name(&self) -> String {
        format!("{}.{}", self.package, self.names.join("."))
    }
}

struct Builder<'a> {
    diff: &'a Diff,
    /// v0 name -> v1 name of every message and enum that has a twin.
    v1_names: BTreeMap<String, String>,
    /// Full name -> Rust path, of what has a Rust type.
    rust_paths: BTreeMap<String, String>,
    messages: Vec<Message>,
    enums: Vec<Enum>,
}

impl<'a> Builder<'a> {
    fn new(files: &FileDescriptorSet, diff: &'a Diff) -> Self {
        let mut rust_paths = BTreeMap::new();
        for file in &files.file {
            let scope = Scope { package: file.package(), names: Vec::new(), proto3: false };
            file.message_type.iter().for_each(|message| collect_paths(message, &scope, &mut rust_paths));
            for kind in &file.enum_type {
                let scope = scope.inner(kind.name());
                rust_paths.insert(scope.full_name(), names::type_path(scope.package, &scope.names));
            }
        }
        let v1_names: BTreeMap<String, String> = rust_paths
            .keys()
            .map(|name| (diff.scope(name), name.clone()))
            .filter(|(v0, name)| v0 != name)
            .collect();
        rust_paths.retain(|name, _| !v1_names.contains_key(name));
        Self { diff, v1_names, rust_paths, messages: Vec::new(), enums: Vec::new() }
    }

    fn message(&mut self, message: &DescriptorProto, outer: &Scope<'_>) -> Result<(), Box<dyn Error>> {
        let scope = outer.inner(message.name());
        let name = scope.full_name();
        if self.v1_names.contains_key(&name)
            || message.options.as_ref().is_some_and(|options| options.map_entry())
        {
            return Ok(());
        }
        let fields = message.field.iter().map(|field| self.field(field, message, &scope));
        let mut fields = fields.collect::<Result<Vec<_>, _>>()?;
        for added in V0_FIELDS.iter().filter(|added| added.scope() == name) {
            // It was added behind the others.
            if let Some(field) = fields.pop() {
                fields.insert(added.position, field);
            }
        }
        self.messages.push(Message {
            path: names::type_path(scope.package, &scope.names),
            package: scope.package.to_owned(),
            top_level: outer.names.is_empty(),
            name,
            fields,
        });
        for nested in &message.nested_type {
            self.message(nested, &scope)?;
        }
        for nested in &message.enum_type {
            self.enumeration(nested, &scope);
        }
        Ok(())
    }

    fn enumeration(&mut self, kind: &EnumDescriptorProto, outer: &Scope<'_>) {
        let scope = outer.inner(kind.name());
        let name = scope.full_name();
        if self.v1_names.contains_key(&name) {
            return;
        }
        let values = kind.value.iter().map(|value| Value {
            number: value.number(),
            name: value.name().to_owned(),
            v0_name: self.diff.member(&name, value.name()).map(str::to_owned),
        });
        let values = values.collect();
        self.enums.push(Enum { path: names::type_path(scope.package, &scope.names), values });
    }

    fn field(
        &self,
        field: &FieldDescriptorProto,
        message: &DescriptorProto,
        scope: &Scope<'_>,
    ) -> Result<Field, Box<dyn Error>> {
        let owner = scope.full_name();
        let oneof = field.oneof_index.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
        let kind = self.kind(field, message, &owner)?;
        let (rust, presence) = match (oneof, field.label()) {
            (Some(oneof), _) => {
                let path = names::type_path(scope.package, &scope.inner(oneof.name()).names);
                let variant = names::type_name(field.name());
                (names::field(oneof.name()), Presence::Oneof { path, variant })
            }
            (None, Label::Required) => (names::field(field.name()), Presence::Required),
            (None, Label::Repeated) => (names::field(field.name()), Presence::Repeated),
            (None, Label::Optional) if scope.proto3 && matches!(kind, Kind::Scalar(_) | Kind::Enum(_)) => {
                (names::field(field.name()), Presence::Implicit)
            }
            (None, Label::Optional) => (names::field(field.name()), Presence::Optional),
        };
        Ok(Field {
            name: field.name().to_owned(),
            v0_name: self.diff.member(&owner, field.name()).map(str::to_owned),
            v0_only: V0_FIELDS.iter().any(|added| added.scope() == owner && added.name == field.name()),
            number: field.number(),
            rust,
            presence,
            kind,
            default: field.default_value.clone(),
            deprecated: field.options.as_ref().is_some_and(|options| options.deprecated()),
        })
    }

    fn kind(
        &self,
        field: &FieldDescriptorProto,
        message: &DescriptorProto,
        owner: &str,
    ) -> Result<Kind, Box<dyn Error>> {
        let type_name = field.type_name().trim_start_matches('.');
        let v1_name = self.v1_names.get(type_name).map_or(type_name, String::as_str);
        Ok(match field.r#type() {
            Type::Group => return Err(format!("{owner}.{}: groups are not supported", field.name()).into()),
            Type::Enum => Kind::Enum(self.rust_path(v1_name)?),
            Type::Message => {
                let is_map = message.nested_type.iter().any(|nested| {
                    nested.options.as_ref().is_some_and(|options| options.map_entry())
                        && format!("{owner}.{}", nested.name()) == type_name
                });
                match type_name.strip_prefix("google.protobuf.") {
                    Some(name) => Kind::WellKnown(name.to_owned()),
                    None if is_map => Kind::Map,
                    None => Kind::Message(v1_name.to_owned()),
                }
            }
            scalar => Kind::Scalar(scalar),
        })
    }

    fn rust_path(&self, name: &str) -> Result<String, Box<dyn Error>> {
        Ok(self.rust_paths.get(name).ok_or_else(|| format!("{name} has no Rust type"))?.clone())
    }
}

fn collect_paths(message: &DescriptorProto, outer: &Scope<'_>, paths: &mut BTreeMap<String, String>) {
    let scope = outer.inner(message.name());
    if scope.package.starts_with("google.")
        || message.options.as_ref().is_some_and(|options| options.map_entry())
    {
        return;
    }
    paths.insert(scope.full_name(), names::type_path(scope.package, &scope.names));
    for nested in &message.nested_type {
        collect_paths(nested, &scope, paths);
    }
    for kind in &message.enum_type {
        let scope = scope.inner(kind.name());
        paths.insert(scope.full_name(), names::type_path(scope.package, &scope.names));
    }
}
