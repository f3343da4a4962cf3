//! From the command line and the environment to a struct of flags.

use std::collections::BTreeMap;
use std::fmt;

use super::given::Text;
use super::{FlagSpec, Flags, Given, help};

/// Reads flags for one program.
#[derive(Clone, Debug)]
pub struct Parser {
    program: String,
    about: String,
    environment: Vec<(String, String)>,
    prefix: String,
}

/// What the user asked for.
#[derive(Debug)]
#[must_use]
pub enum Parsed<F> {
    /// To run with these flags.
    Flags {
        /// The flags.
        flags: F,
        /// What to tell the user, such as the use of deprecated names.
        warnings: Vec<String>,
    },
    /// To be shown this text (`--help`).
    Help(String),
    /// To be shown the version (`--version`).
    Version,
}

/// Everything that is wrong with what was given, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagsError {
    problems: Vec<String>,
}

impl FlagsError {
    /// An error of one problem, such as two flags that exclude each other.
    pub fn new(problem: impl Into<String>) -> FlagsError {
        FlagsError { problems: vec![problem.into()] }
    }

    /// What is wrong.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for FlagsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for FlagsError {}

impl Parser {
    /// A parser for the program, with a sentence or more on what it does.
    pub fn new(program: impl Into<String>, about: impl Into<String>) -> Parser {
        Parser {
            program: program.into(),
            about: about.into(),
            environment: Vec::new(),
            prefix: String::new(),
        }
    }

    /// Also reads this process' environment variables that begin with the prefix.
    pub fn environment(self, prefix: &str) -> Parser {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        self.environment_from(prefix, std::env::vars_os().filter_map(text))
    }

    /// Also reads these variables, as far as they begin with the prefix.
    pub fn environment_from<N: Into<String>, V: Into<String>>(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Parser {
        self.prefix = prefix.to_owned();
        self.environment = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self
    }

    /// Reads the flags from the arguments (without the program's name) and the environment.
    ///
    /// # Errors
    ///
    /// All problems at once: unknown flags, bad values, required flags that are missing.
    pub fn parse<F: Flags>(
        &self,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Parsed<F>, FlagsError> {
        let specs = F::specs();
        let names = Names::new(&specs);
        let arguments: Vec<String> = arguments.into_iter().map(Into::into).collect();
        if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
            return Ok(Parsed::Help(help(&self.program, &self.about, &specs)));
        }
        if arguments.iter().any(|argument| argument == "--version") && names.get("version").is_none() {
            return Ok(Parsed::Version);
        }
        let mut collector = Collector::default();
        collector.read_arguments(&names, arguments);
        let from_command_line = std::mem::take(&mut collector.given.texts);
        collector.read_environment(&names, &self.prefix, &self.environment);
        collector.given.texts.extend(from_command_line);
        let flags = F::read(&mut collector.given);
        if collector.given.problems.is_empty() {
            return Ok(Parsed::Flags { flags, warnings: collector.warnings });
        }
        Err(FlagsError { problems: collector.given.problems })
    }
}

/// Flags by each of their names.
struct Names<'a>(BTreeMap<&'static str, &'a FlagSpec>);

impl<'a> Names<'a> {
    fn new(specs: &'a [FlagSpec]) -> Names<'a> {
        let mut names = BTreeMap::new();
        for spec in specs {
            for name in spec.names() {
                let other = names.insert(name, spec);
                assert!(other.is_none(), "two flags have the name '{name}'");
            }
        }
        Names(names)
    }

    fn get(&self, name: &str) -> Option<&'a FlagSpec> {
        self.0.get(name).copied()
    }

    /// The name that the user may have meant.
    fn nearest(&self, name: &str) -> Option<&'static str> {
        let nearest = self.0.keys().map(|known| (edits(name, known), *known)).min()?;
        (nearest.0 <= 1 + name.len() / 4).then_some(nearest.1)
    }
}

#[derive(Default)]
struct Collector {
    given: Given,
    warnings: Vec<String>,
}

impl Collector {
    fn read_arguments(&mut self, names: &Names<'_>, arguments: Vec<String>) {
        let mut arguments = arguments.into_iter().peekable();
        while let Some(argument) = arguments.next() {
            let Some(rest) = argument.strip_prefix("--").filter(|rest| !rest.is_empty()) else {
                self.problem(format!("argument '{argument}' is not a flag: flags begin with '--'"));
                continue;
            };
            let (written, value) = match rest.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (rest, None),
            };
            let name = normal(written);
            let (spec, negated) = match (names.get(&name), name.strip_prefix("no_")) {
                (Some(spec), _) => (spec, false),
                (None, Some(positive)) if names.get(positive).is_some_and(|spec| spec.boolean) => {
                    (names.0[positive], true)
                }
                (None, _) => {
                    self.problem(unknown(names, written, &name));
                    // Its value, if it has one, is not to be told as a second problem.
                    arguments.next_if(|next| value.is_none() && !next.starts_with('-'));
                    continue;
                }
            };
            let value = match value {
                Some(_) if negated => {
                    self.problem(format!("flag '--{written}' takes no value"));
                    continue;
                }
                Some(value) if spec.boolean && value.is_empty() => "true".to_owned(),
                Some(value) => value,
                None if spec.boolean => (!negated).to_string(),
                None => match arguments.next_if(|next| !next.starts_with("--")) {
                    Some(value) => value,
                    None => {
                        self.problem(format!("flag '--{written}' needs a value: --{written}={}", spec.hint));
                        continue;
                    }
                },
            };
            let name = if negated { name["no_".len()..].to_owned() } else { name };
            self.add(spec, &name, Text { value, via: format!("--{written}") });
        }
    }

    fn read_environment(&mut self, names: &Names<'_>, prefix: &str, variables: &[(String, String)]) {
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix(prefix).map(str::to_ascii_lowercase) else { continue };
            let Some(spec) = names.get(&name) else { continue };
            let value = if spec.boolean && value.is_empty() { "true" } else { value };
            self.add(spec, &name, Text { value: value.to_owned(), via: variable.clone() });
        }
    }

    /// `name` is the one of the flag's names that was used.
    fn add(&mut self, spec: &FlagSpec, name: &str, text: Text) {
        if spec.deprecated.contains(&name) {
            self.warnings.push(format!("flag '{}' is deprecated: use '--{}'", text.via, spec.name));
        }
        if let Some(other) = self.given.texts.get(spec.name) {
            let problem = if other.via == text.via {
                format!("flag '{}' is given twice", text.via)
            } else {
                format!("'{}' and '{}' are the same flag: give one of them", other.via, text.via)
            };
            return self.problem(problem);
        }
        self.given.texts.insert(spec.name, text);
    }

    fn problem(&mut self, problem: String) {
        self.given.problems.push(problem);
    }
}

fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

fn unknown(names: &Names<'_>, written: &str, name: &str) -> String {
    if let Some(positive) = name.strip_prefix("no_").filter(|positive| names.get(positive).is_some()) {
        return format!("flag '--{written}' is unknown: '--{positive}' is not a boolean");
    }
    match names.nearest(name) {
        Some(nearest) => format!("flag '--{written}' is unknown: did you mean '--{nearest}'?"),
        None => format!("flag '--{written}' is unknown: --help lists all flags"),
    }
}

/// How many letters to add, drop or replace to make one text the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().take(64).enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
