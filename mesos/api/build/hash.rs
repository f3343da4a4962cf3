//! `Eq` and `Hash` for the messages where they are possible and `prost-build` derives none.
//!
//! Its rule stops at repeated and at recursive messages; ours stops only at floats.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::field_descriptor_proto::Type;

use crate::model::{Kind, Message, Model, Presence};

pub(crate) fn generate(model: &Model) -> String {
    let by_name: BTreeMap<_, _> =
        model.messages.iter().map(|message| (message.name.as_str(), message)).collect();
    let floating = floating(model);
    let mut code = String::new();
    for message in &model.messages {
        let unhashable = floating.contains(message.name.as_str());
        if unhashable || is_derived(message, &by_name, 0) || message.package.starts_with("csi.") {
            continue;
        }
        let path = &message.path;
        code += &format!("impl Eq for {path} {{}}\n");
        code += &format!("impl ::core::hash::Hash for {path} {{\n");
        code += "    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {\n";
        for field in &message.fields {
            code += &format!("        self.{}.hash(state);\n", field.rust);
        }
        code += "    }\n}\n";
    }
    code
}

/// The messages with a float somewhere inside.
fn floating(model: &Model) -> BTreeSet<&str> {
    let mut floating = BTreeSet::new();
    loop {
        let before = floating.len();
        for message in &model.messages {
            let holds_float = message.fields.iter().any(|field| match &field.kind {
                Kind::Message(name) => floating.contains(name.as_str()),
                kind => is_float(kind),
            });
            if holds_float {
                floating.insert(message.name.as_str());
            }
        }
        if floating.len() == before {
            return floating;
        }
    }
}

fn is_float(kind: &Kind) -> bool {
    matches!(kind, Kind::Scalar(Type::Double | Type::Float))
}

/// Whether `prost-build` derives the two itself.
fn is_derived(message: &Message, by_name: &BTreeMap<&str, &Message>, depth: usize) -> bool {
    /// No chain of messages is longer, unless it is a circle.
    const LONGEST_CHAIN: usize = 32;
    message.fields.iter().all(|field| match &field.kind {
        Kind::Message(name) => {
            depth < LONGEST_CHAIN
                && !matches!(field.presence, Presence::Repeated)
                && by_name.get(name.as_str()).is_some_and(|inner| is_derived(inner, by_name, depth + 1))
        }
        Kind::Map => false,
        kind => !is_float(kind),
    })
}
