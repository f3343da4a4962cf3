//! What is known of a flag before any value is.

use super::{FilePolicy, FlagValue};

/// What a flag is, without its type.
#[derive(Clone, Debug)]
pub struct FlagSpec {
    /// The name, with underscores.
    pub name: &'static str,
    /// The title it stands under in the help.
    pub group: &'static str,
    /// The help text: paragraphs separated by an empty line.
    pub help: String,
    /// The default as text, or `None` when the flag is then unset.
    pub default: Option<String>,
    /// What the value is, e.g. `DURATION`.
    pub hint: &'static str,
    /// Whether it can be given without a value, and negated.
    pub boolean: bool,
    /// Whether it must be given.
    pub required: bool,
    /// Other names that are as good.
    pub aliases: Vec<&'static str>,
    /// Old names that work with a warning.
    pub deprecated: Vec<&'static str>,
    /// When a value is replaced by the content of a file.
    pub file: FilePolicy,
}

impl FlagSpec {
    /// Every name that the flag can be given by, its own first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        std::iter::once(self.name).chain(self.aliases.iter().copied()).chain(self.deprecated.iter().copied())
    }
}

type Check<T> = Box<dyn Fn(&T) -> Result<(), String>>;

/// A flag being declared.
pub struct Flag<T> {
    pub(super) spec: FlagSpec,
    pub(super) default: T,
    pub(super) checks: Vec<Check<T>>,
}

impl<T: FlagValue> Flag<T> {
    /// A flag with the lines of its doc comment.
    pub fn new(name: &'static str, group: &'static str, doc: &[&str], default: T) -> Flag<T> {
        let spec = FlagSpec {
            name,
            group,
            help: paragraphs(doc),
            default: default.to_text(),
            hint: T::HINT,
            boolean: T::BOOLEAN,
            required: false,
            aliases: Vec::new(),
            deprecated: Vec::new(),
            file: T::FILE,
        };
        Flag { spec, default, checks: Vec::new() }
    }

    /// The flag must be given.
    pub fn required(mut self) -> Self {
        self.spec.required = true;
        self.spec.default = None;
        self
    }

    /// How help and documentation describe a default that differs from machine to machine.
    pub fn default_is(mut self, description: &str) -> Self {
        self.spec.default = Some(description.to_owned());
        self
    }

    /// Another name that is as good.
    pub fn alias(mut self, name: &'static str) -> Self {
        self.spec.aliases.push(name);
        self
    }

    /// An old name that works with a warning.
    pub fn deprecated(mut self, name: &'static str) -> Self {
        self.spec.deprecated.push(name);
        self
    }

    /// An absolute path as value is replaced by the file's content, as `file://` always is.
    pub fn file(mut self) -> Self {
        self.spec.file = FilePolicy::UriOrAbsolutePath;
        self
    }

    /// A condition on values that are given.
    pub fn check(mut self, check: impl Fn(&T) -> Result<(), String> + 'static) -> Self {
        self.checks.push(Box::new(check));
        self
    }

    /// What is known without the type.
    pub fn into_spec(self) -> FlagSpec {
        self.spec
    }
}

/// Joins the lines of each paragraph.
fn paragraphs(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|line| line.trim()) {
        match line {
            "" if !text.is_empty() => text.push_str("\n\n"),
            _ if text.is_empty() || text.ends_with('\n') => text.push_str(line),
            _ => {
                text.push(' ');
                text.push_str(line);
            }
        }
    }
    text.trim_end().to_owned()
}
