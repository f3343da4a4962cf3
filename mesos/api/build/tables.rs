//! Writes the presence tables that decoding checks a message against, and what goes with a name.

use crate::model::{Kind, Message, Model, Presence};

/// Packages whose messages travel between processes under their own full names.
const WIRE_PACKAGES: [&str; 2] = ["mesos.internal", "mesos.internal.log"];

/// The most fields a message can have: one bit each in the check of what was seen.
const FIELDS_MAX: usize = 64;

pub(crate) fn generate(model: &Model) -> String {
    let mut code = String::new();
    for (index, message) in model.messages.iter().enumerate() {
        code += &table(index, message, model);
        code += &format!(
            "impl Message for {path} {{
    const FULL_NAME: &'static str = {name:?};
    fn table() -> &'static Table {{ &TABLE_{index} }}
}}
",
            path = message.path,
            name = message.name,
        );
        if message.top_level && WIRE_PACKAGES.contains(&message.package.as_str()) {
            code += &format!("wire_message!({});\n", message.path);
        }
    }
    code += &list(model);
    code
}

fn table(index: usize, message: &Message, model: &Model) -> String {
    assert!(message.fields.len() <= FIELDS_MAX, "{}: too many fields", message.name);
    let mut fields: Vec<_> = message.fields.iter().collect();
    fields.sort_by_key(|field| field.number);
    let (mut rows, mut required, mut only_plain) = (String::new(), 0_u64, true);
    for (bit, field) in fields.iter().enumerate() {
        let kind = match &field.kind {
            // proto3 keeps numbers that it does not know.
            Kind::Enum(_) if matches!(field.presence, Presence::Implicit) => "Kind::Plain".to_owned(),
            Kind::Enum(path) => format!("Kind::Enum({})", numbers(path, model)),
            Kind::Message(name) => match model.messages.iter().position(|other| other.name == *name) {
                Some(other) => format!("Kind::Message(&TABLE_{other})"),
                None => panic!("{name} has no table"),
            },
            Kind::Scalar(_) | Kind::Map | Kind::WellKnown(_) => "Kind::Plain".to_owned(),
        };
        only_plain &= kind == "Kind::Plain";
        if matches!(field.presence, Presence::Required) {
            required |= 1 << bit;
        }
        let repeated = matches!(field.presence, Presence::Repeated);
        rows += &format!(
            "    Field {{ number: {}, name: {:?}, repeated: {repeated}, kind: {kind} }},\n",
            field.number, field.name
        );
    }
    format!(
        "static TABLE_{index}: Table = Table {{
    size: ::core::mem::size_of::<{}>(),
    required: {required},
    only_plain: {only_plain},
    fields: &[\n{rows}],
}};
",
        message.path
    )
}

/// What numbers the enum at `path` has.
fn numbers(path: &str, model: &Model) -> String {
    let Some(kind) = model.enums.iter().find(|kind| kind.path == path) else {
        panic!("{path} is no enum");
    };
    let small = kind.values.iter().filter(|value| (0..64).contains(&value.number));
    let small = small.fold(0_u64, |bits, value| bits | 1 << value.number);
    format!("Numbers {{ small: {small}, any: |number| {path}::try_from(number).is_ok() }}")
}

/// A macro that names every message, for tests that go through all of them.
fn list(model: &Model) -> String {
    let paths: String =
        model.messages.iter().map(|message| message.path.replacen("crate::", "$crate::", 1) + ", ").collect();
    format!(
        "/// Calls a macro with the types of all messages.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_message {{
    ($callback:ident) => {{ $callback! {{ {paths} }} }};
}}
"
    )
}
