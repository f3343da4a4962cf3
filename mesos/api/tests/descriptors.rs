//! The descriptor set against the tables, item by item.
//!
//! `check.py` beside the tables does the same and says more about what differs; this needs no Python.

use std::collections::BTreeMap;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::support::{read, table};

/// (scope, number and name) -> what is said about it. Of an rpc the number is `-`, as in the tables.
type Items = BTreeMap<(String, String), String>;

const TIERS: [&str; 4] = ["v1-api", "v0-wire", "csi", "storage"];

#[test]
fn descriptor_set_is_what_the_tables_say() {
    let index = table("packages.tsv");
    let packages = index.iter().filter(|row| TIERS.contains(&row[1].as_str()));
    let (mut expected, mut total) = (Items::new(), 0);
    let files = FileDescriptorSet::decode(mesos_api::descriptors()).unwrap();
    let mut actual = Items::new();
    for row in packages {
        expected.extend(items_of_table(row));
        actual.extend(items_of_package(&files, &row[0]));
        total += row[11].parse::<usize>().unwrap();
    }
    let different = |left: &Items, right: &Items| -> Vec<String> {
        left.iter()
            .filter(|(item, text)| right.get(item) != Some(text))
            .map(|((scope, member), text)| format!("{scope} {member}: {text}"))
            .collect()
    };
    assert_eq!(different(&expected, &actual), Vec::<String>::new(), "missing or different");
    assert_eq!(different(&actual, &expected), Vec::<String>::new(), "more than the tables have");
    assert_eq!((expected.len(), total), (3167, 3167));
}

#[test]
fn v0_packages_are_derived_by_the_table_of_differences_that_is_tested() {
    let used = include_str!("../proto/mesos.v0-diff.tsv");
    assert_eq!(used, read("mesos.v0-diff.tsv"));
}

fn items_of_table(package: &[String]) -> Items {
    let mut items = Items::new();
    let own = if package[3] == "-" { Vec::new() } else { table(&package[3]) };
    own.iter().for_each(|row| items.extend(item(row)));
    if package[4] != "-" {
        let v1 = table(&format!("{}.tsv", package[4]));
        let scopes: Vec<String> = v1.iter().map(|row| v0_scope(&row[1])).collect();
        v1.iter().filter_map(|row| v0_row(row)).for_each(|row| items.extend(item(&row)));
        for row in table("mesos.v0-diff.tsv")
            .iter()
            .filter(|row| row[0] == "only-v0-field" && scopes.contains(&row[1]))
        {
            let [label, kind, name, default] = [&row[3], &row[4], &row[5], &row[6]];
            items.extend(item(
                &["field", &row[1], &row[2], label, kind, name, default, "-"].map(str::to_owned),
            ));
        }
    }
    items
}

fn item(row: &[String]) -> Option<((String, String), String)> {
    let [kind, scope, number, label, value, name, default, notes] = row else { panic!("{row:?}") };
    // Where two packages will do, we have the newer.
    let value = value.split('|').next_back().unwrap_or_default();
    let packed = if notes.split(',').any(|note| note == "packed") { " packed" } else { "" };
    let text = match kind.as_str() {
        "message" => "message".to_owned(),
        "field" => format!("{label} {value} default {default}{packed}"),
        "value" => "value".to_owned(),
        "rpc" => format!("{label} {value}"),
        _ => panic!("{row:?}"),
    };
    Some(((scope.clone(), format!("{number} {name}")), text))
}

fn v0_scope(v1: &str) -> String {
    for row in table("mesos.v0-diff.tsv").iter().filter(|row| row[0] == "message") {
        if let Some(rest) = v1.strip_prefix(&row[7]).filter(|rest| rest.is_empty() || rest.starts_with('.')) {
            return format!("{}{rest}", row[1]);
        }
    }
    v1.strip_prefix("mesos.v1").map_or(v1.to_owned(), |rest| format!("mesos{rest}"))
}

fn v0_row(row: &[String]) -> Option<Vec<String>> {
    let differences = table("mesos.v0-diff.tsv");
    let mut of_row = differences.iter().filter(|other| other[7] == row[1] && other[8] == row[5]);
    let difference = of_row.next();
    if difference.is_some_and(|other| other[0].starts_with("only-v1-")) {
        return None;
    }
    let mut row = row.to_vec();
    if let Some(difference) = difference {
        row[5].clone_from(&difference[5]);
    }
    row[1] = v0_scope(&row[1]);
    row[4] = v0_scope(&row[4]);
    Some(row)
}

fn items_of_package(files: &FileDescriptorSet, package: &str) -> Items {
    let mut items = Items::new();
    for file in files.file.iter().filter(|file| file.package() == package) {
        file.message_type.iter().for_each(|message| add_message(message, package, file.syntax(), &mut items));
        file.enum_type.iter().for_each(|kind| add_enum(kind, package, &mut items));
        for service in &file.service {
            for method in &service.method {
                let types = format!("{}>{}", full_name(method.input_type()), full_name(method.output_type()));
                let label =
                    if method.client_streaming() || method.server_streaming() { "stream" } else { "unary" };
                let member = format!("- {}", method.name());
                items.insert((format!("{package}.{}", service.name()), member), format!("{label} {types}"));
            }
        }
    }
    items
}

fn add_message(message: &DescriptorProto, outer: &str, syntax: &str, items: &mut Items) {
    let scope = format!("{outer}.{}", message.name());
    let is_entry =
        |nested: &&DescriptorProto| nested.options.as_ref().is_some_and(|options| options.map_entry());
    if message.field.is_empty() {
        items.insert((scope.clone(), "- -".to_owned()), "message".to_owned());
    }
    for field in &message.field {
        let entry = message
            .nested_type
            .iter()
            .filter(is_entry)
            .find(|nested| field.type_name() == format!(".{scope}.{}", nested.name()));
        let (label, kind) = match entry {
            Some(entry) => ("map", format!("map<{},{}>", type_of(&entry.field[0]), type_of(&entry.field[1]))),
            None => (label_of(field), type_of(field)),
        };
        let default = field.default_value.as_deref().unwrap_or("-");
        let packable = !matches!(field.r#type(), Type::String | Type::Bytes | Type::Message | Type::Group);
        let packed = match field.options.as_ref().and_then(|options| options.packed) {
            _ if label != "repeated" || !packable => false,
            Some(packed) => packed,
            None => syntax == "proto3",
        };
        let packed = if packed { " packed" } else { "" };
        let member = format!("{} {}", field.number(), field.name());
        items.insert((scope.clone(), member), format!("{label} {kind} default {default}{packed}"));
    }
    message.enum_type.iter().for_each(|kind| add_enum(kind, &scope, items));
    for nested in message.nested_type.iter().filter(|nested| !is_entry(nested)) {
        add_message(nested, &scope, syntax, items);
    }
}

fn add_enum(kind: &EnumDescriptorProto, outer: &str, items: &mut Items) {
    for value in &kind.value {
        let member = format!("{} {}", value.number(), value.name());
        items.insert((format!("{outer}.{}", kind.name()), member), "value".to_owned());
    }
}

fn label_of(field: &FieldDescriptorProto) -> &'static str {
    match field.label() {
        Label::Optional => "optional",
        Label::Required => "required",
        Label::Repeated => "repeated",
    }
}

fn type_of(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => full_name(field.type_name()),
        scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    }
}

fn full_name(type_name: &str) -> String {
    type_name.trim_start_matches('.').to_owned()
}
