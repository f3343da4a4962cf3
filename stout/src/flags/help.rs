//! Flags explained: for the terminal and for the documentation.

use std::fmt::Write;

use super::{FlagSpec, Flags};

const WIDTH: usize = 92;
const INDENT: &str = "      ";

/// The help text of a program with these flags.
pub fn help(program: &str, about: &str, specs: &[FlagSpec]) -> String {
    let mut text = format!("Usage: {program} [--name=value ...]\n\n");
    wrap(&mut text, "", about);
    text.push_str("\nA value file:///path is read from that file. ");
    text.push_str("--help shows this text, --version the version.\n");
    for group in groups(specs) {
        let _ = writeln!(text, "\n{group}:");
        for spec in specs.iter().filter(|spec| spec.group == group) {
            text.push_str(&title(spec));
            wrap(&mut text, INDENT, &spec.help);
            if !spec.deprecated.is_empty() {
                let _ = writeln!(text, "{INDENT}Old name: --{}", spec.deprecated.join(", --"));
            }
        }
    }
    text
}

/// `  --port=NUMBER (default: 5050)`
fn title(spec: &FlagSpec) -> String {
    let names = std::iter::once(spec.name).chain(spec.aliases.iter().copied());
    let forms: Vec<String> = names
        .map(|name| if spec.boolean { format!("--[no-]{name}") } else { format!("--{name}={}", spec.hint) })
        .collect();
    let note = match &spec.default {
        _ if spec.required => " (required)".to_owned(),
        Some(default) => format!(" (default: {default})"),
        None => String::new(),
    };
    format!("  {}{note}\n", forms.join(", "))
}

/// Group titles in order of their first flag.
fn groups(specs: &[FlagSpec]) -> Vec<&'static str> {
    let mut groups = Vec::new();
    for spec in specs {
        if !groups.contains(&spec.group) {
            groups.push(spec.group);
        }
    }
    groups
}

fn wrap(out: &mut String, indent: &str, text: &str) {
    for (index, paragraph) in text.split("\n\n").enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let mut column = 0;
        for word in paragraph.split_whitespace() {
            if column > 0 && column + 1 + word.len() > WIDTH {
                out.push('\n');
                column = 0;
            }
            out.push_str(if column == 0 { indent } else { " " });
            column += word.len() + if column == 0 { indent.len() } else { 1 };
            out.push_str(word);
        }
        out.push('\n');
    }
}

/// The flags as Markdown: one table a group, under a heading of the second level.
pub fn docs_table<F: Flags>() -> String {
    let specs = F::specs();
    let mut text = String::new();
    for group in groups(&specs) {
        let _ = writeln!(text, "## {group}\n\n| Flag | Default | Meaning |\n|---|---|---|");
        for spec in specs.iter().filter(|spec| spec.group == group) {
            let default = match &spec.default {
                _ if spec.required => "required".to_owned(),
                Some(default) => format!("`{}`", cell(default)),
                None => String::new(),
            };
            let old: String = spec.deprecated.iter().map(|name| format!(" Old name: `{name}`.")).collect();
            let _ = writeln!(text, "| `{}` | {default} | {}{old} |", spec.name, cell(&spec.help));
        }
        text.push('\n');
    }
    text
}

fn cell(text: &str) -> String {
    text.replace("\n\n", " ").replace('|', "\\|")
}
