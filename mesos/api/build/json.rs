//! Writes the JSON code of every message: one call of the run-time's `Writer` or `Reader` a field.

use prost_types::field_descriptor_proto::Type;

use crate::model::{Enum, Field, Kind, Message, Model, Presence};

pub(crate) fn generate(model: &Model) -> String {
    let mut code = String::new();
    for kind in &model.enums {
        code += &enum_names(kind);
    }
    for message in &model.messages {
        code += &writer(message);
        code += &reader(message);
    }
    code
}

fn enum_names(kind: &Enum) -> String {
    let (mut names, mut numbers) = (String::new(), String::new());
    for value in &kind.values {
        let number = value.number;
        for (name, guard) in dialects(&value.name, value.v0_name.as_deref(), "dialect == Dialect::V0") {
            numbers += &format!("            \"{name}\"{guard} => {number},\n");
            // Of names for one number the first is written.
            let is_alias = kind
                .values
                .iter()
                .take_while(|other| other.name != value.name)
                .any(|other| other.number == number);
            if !is_alias {
                names += &format!("            {number}{guard} => \"{name}\",\n");
            }
        }
    }
    let dialect = if numbers.contains("dialect") { "dialect" } else { "_dialect" };
    format!(
        "impl EnumNames for {path} {{
    fn name_of(number: i32, {dialect}: Dialect) -> Option<&'static str> {{
        Some(match number {{
{names}            _ => return None,
        }})
    }}
    fn number_of(name: &str, {dialect}: Dialect) -> Option<i32> {{
        Some(match name {{
{numbers}            _ => return None,
        }})
    }}
}}
",
        path = kind.path,
    )
}

/// The names of something in the dialects it has, each with the guard of its match arm.
fn dialects<'a>(v1: &'a str, v0: Option<&'a str>, is_v0: &str) -> Vec<(&'a str, String)> {
    match v0 {
        None => vec![(v1, String::new())],
        Some(v0) => vec![(v0, format!(" if {is_v0}")), (v1, format!(" if !({is_v0})"))],
    }
}

fn writer(message: &Message) -> String {
    let fields: String = message.fields.iter().map(write_field).collect();
    format!(
        "impl WriteJson for {path} {{
    fn write(&self, writer: &mut Writer) {{
        writer.open();
{fields}        writer.close();
    }}
}}
",
        path = message.path,
    )
}

fn write_field(field: &Field) -> String {
    let key = match &field.v0_name {
        None => format!("\"\\\"{}\\\":\"", field.name),
        Some(v0) => format!("writer.pick(\"\\\"{}\\\":\", \"\\\"{v0}\\\":\")", field.name),
    };
    let (kind, value) = (&field.kind, format!("self.{}", field.rust));
    let call = match (&field.presence, kind) {
        (Presence::Oneof { path, variant }, _) => {
            let call = match kind {
                Kind::Enum(kind) => format!("writer.name::<{kind}>({key}, *value)"),
                _ => format!("writer.member({key}, value)"),
            };
            format!("if let Some({path}::{variant}(value)) = &{value} {{ {call} }}")
        }
        (Presence::Required, Kind::Enum(kind)) => format!("writer.name::<{kind}>({key}, {value})"),
        (Presence::Required, _) => format!("writer.member({key}, &{value})"),
        (Presence::Repeated, Kind::Enum(kind)) => format!("writer.names::<{kind}>({key}, &{value})"),
        (Presence::Repeated, Kind::Map) => format!("writer.map({key}, &{value})"),
        (Presence::Repeated, _) => format!("writer.list({key}, &{value})"),
        (Presence::Implicit, Kind::Enum(kind)) => {
            format!("writer.optional_name::<{kind}>({key}, (({value}) != 0).then_some({value}))")
        }
        (Presence::Implicit, _) => format!("writer.implicit({key}, &{value})"),
        (Presence::Optional, Kind::WellKnown(name)) if name == "BoolValue" => {
            format!("writer.optional_bool_value({key}, &{value})")
        }
        (Presence::Optional, kind) => match (&field.default, kind) {
            (Some(default), Kind::Enum(kind)) if !field.deprecated => {
                let default = format!("{kind}::from_str_name({default:?}).map_or(0, i32::from)");
                format!("writer.name::<{kind}>({key}, {value}.unwrap_or_else(|| {default}))")
            }
            (Some(default), Kind::Scalar(kind)) if !field.deprecated => {
                format!("writer.member({key}, {})", or_default(&value, *kind, default))
            }
            (_, Kind::Enum(kind)) => format!("writer.optional_name::<{kind}>({key}, {value})"),
            _ => format!("writer.optional({key}, &{value})"),
        },
    };
    match field.v0_only {
        true => format!("        if writer.is_v0() {{ {call}; }}\n"),
        false => format!("        {call};\n"),
    }
}

/// The value of a field that is written also if it is not set.
fn or_default(value: &str, kind: Type, default: &str) -> String {
    match kind {
        Type::String => format!("{value}.as_deref().unwrap_or({default:?})"),
        Type::Double => format!("&{value}.unwrap_or({default}_f64)"),
        Type::Float => format!("&{value}.unwrap_or({default}_f32)"),
        _ => format!("&{value}.unwrap_or({default})"),
    }
}

fn reader(message: &Message) -> String {
    let required: Vec<&Field> =
        message.fields.iter().filter(|field| matches!(field.presence, Presence::Required)).collect();
    let mut arms = String::new();
    for field in &message.fields {
        let bit = required.iter().position(|other| other.number == field.number).unwrap_or_default();
        let call = read_field(field, bit);
        for (name, mut guard) in dialects(&field.name, field.v0_name.as_deref(), "reader.is_v0()") {
            if field.v0_only {
                guard = " if reader.is_v0()".to_owned();
            }
            arms += &format!("            \"{name}\"{guard} => {call},\n");
        }
    }
    let (mut seen, mut check) = (String::new(), "Ok(())".to_owned());
    if !required.is_empty() {
        assert!(required.len() < 64, "{}: too many required fields", message.name);
        let all = (1_u64 << required.len()) - 1;
        let names: String = required
            .iter()
            .map(|field| format!("({:?}, {:?}), ", field.name, field.v0_name.as_ref().unwrap_or(&field.name)))
            .collect();
        seen = "        let mut seen = 0;\n".to_owned();
        check = format!("if seen == {all} {{ Ok(()) }} else {{ Err(reader.missing(seen, &[{names}])) }}");
    }
    format!(
        "impl ReadJson for {path} {{
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {{
{seen}        reader.object(|reader, key| match key {{
{arms}            _ => reader.skip(),
        }})?;
        {check}
    }}
}}
",
        path = message.path,
    )
}

fn read_field(field: &Field, bit: usize) -> String {
    let (bit, slot) = (1_u64 << bit, format!("&mut self.{}", field.rust));
    match (&field.presence, &field.kind) {
        (Presence::Oneof { path, variant }, kind) => {
            let read = match kind {
                Kind::Enum(kind) => format!("optional_name::<{kind}>"),
                _ => "optional".to_owned(),
            };
            let store = format!("self.{} = value.map({path}::{variant})", field.rust);
            format!("{{ let mut value = None; reader.{read}(&mut value)?; {store}; Ok(()) }}")
        }
        (Presence::Required, Kind::Enum(kind)) => {
            format!("reader.required_name::<{kind}>({slot}, &mut seen, {bit})")
        }
        (Presence::Required, _) => format!("reader.required({slot}, &mut seen, {bit})"),
        (Presence::Repeated, Kind::Enum(kind)) => format!("reader.names::<{kind}>({slot})"),
        (Presence::Repeated, Kind::Map) => format!("reader.map({slot})"),
        (Presence::Repeated, _) => format!("reader.list({slot})"),
        (Presence::Implicit, Kind::Enum(kind)) => format!("reader.implicit_name::<{kind}>({slot})"),
        (Presence::Implicit, _) => format!("reader.implicit({slot})"),
        (Presence::Optional, Kind::Enum(kind)) => format!("reader.optional_name::<{kind}>({slot})"),
        (Presence::Optional, Kind::WellKnown(name)) if name == "BoolValue" => {
            format!("reader.optional_bool_value({slot})")
        }
        (Presence::Optional, _) => format!("reader.optional({slot})"),
    }
}
