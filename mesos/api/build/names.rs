//! What a protobuf name is called in Rust; the same rules as `prost-build`'s.

use heck::{ToSnakeCase, ToUpperCamelCase};

/// Messages that also derive an order, to be keys of ordered maps.
pub(crate) const ORDERED: [&str; 10] = [
    "mesos.v1.AgentID",
    "mesos.v1.ContainerID",
    "mesos.v1.ExecutorID",
    "mesos.v1.FrameworkID",
    "mesos.v1.MachineID",
    "mesos.v1.OfferID",
    "mesos.v1.OperationID",
    "mesos.v1.ResourceProviderID",
    "mesos.v1.TaskID",
    "mesos.v1.UUID",
];

/// The module of this crate that holds a package's types.
pub(crate) fn module(package: &str) -> String {
    let path = match package {
        "mesos" => "v0",
        "csi.v1" => "csi::v1",
        _ => package.strip_prefix("mesos.").unwrap_or(package),
    };
    format!("crate::{}", path.replace('.', "::"))
}

/// The path of a type: `names` are the names from the outermost message to the type itself.
pub(crate) fn type_path(package: &str, names: &[String]) -> String {
    let mut path = module(package);
    if let Some((name, outer)) = names.split_last() {
        for message in outer {
            path.push_str("::");
            path.push_str(&module_name(message));
        }
        path.push_str("::");
        path.push_str(&type_name(name));
    }
    path
}

/// The module that holds what is nested in a message.
pub(crate) fn module_name(message: &str) -> String {
    field(message)
}

pub(crate) fn type_name(name: &str) -> String {
    name.to_upper_camel_case()
}

pub(crate) fn field(name: &str) -> String {
    let name = name.to_snake_case();
    match name.as_str() {
        "self" | "super" | "extern" | "crate" => format!("{name}_"),
        "as" | "async" | "await" | "box" | "break" | "const" | "continue" | "do" | "dyn" | "else"
        | "enum" | "false" | "final" | "fn" | "for" | "gen" | "if" | "impl" | "in" | "let" | "loop"
        | "macro" | "match" | "mod" | "move" | "mut" | "override" | "priv" | "pub" | "ref" | "return"
        | "static" | "struct" | "trait" | "true" | "try" | "type" | "typeof" | "unsafe" | "unsized"
        | "use" | "virtual" | "where" | "while" | "yield" | "abstract" | "become" => format!("r#{name}"),
        _ => name,
    }
}
