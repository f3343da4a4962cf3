//! Values as they were given, before they have a type.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use super::{FilePolicy, Flag, FlagValue};
use crate::fs;

/// A file that holds a flag's value may have this many bytes.
const FILE_SIZE_MAX: u64 = 64 << 20;

/// What was given for one flag.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) value: String,
    /// How it was given, as the user wrote it: `--port` or `MESOS_PORT`.
    pub(super) via: String,
}

/// What the command line and the environment gave, by the flags' own names.
#[derive(Debug, Default)]
pub struct Given {
    pub(super) texts: BTreeMap<&'static str, Text>,
    pub(super) problems: Vec<String>,
}

impl Given {
    /// The flag's value. Without one, or with one that cannot be read, it is the default; the
    /// latter and a required flag that was not given are noted as problems.
    pub fn take<T: FlagValue>(&mut self, flag: Flag<T>) -> T {
        let Some(text) = self.texts.remove(flag.spec.name) else {
            if flag.spec.required {
                self.problems.push(format!("flag '--{}' is required but was not given", flag.spec.name));
            }
            return flag.default;
        };
        match read(&flag, &text.value) {
            Ok(value) => value,
            Err(problem) => {
                self.problems.push(format!("flag '{}' has a bad value: {problem}", text.via));
                flag.default
            }
        }
    }
}

fn read<T: FlagValue>(flag: &Flag<T>, text: &str) -> Result<T, String> {
    let text = content(text, flag.spec.file)?;
    let value = T::from_text(&text)?;
    flag.checks.iter().try_for_each(|check| check(&value))?;
    Ok(value)
}

/// The text itself, or what is in the file that it names (without the newline at its end).
fn content(text: &str, policy: FilePolicy) -> Result<Cow<'_, str>, String> {
    let uri = text.strip_prefix("file://");
    let path = match policy {
        FilePolicy::Never => None,
        FilePolicy::Uri => uri,
        FilePolicy::UriOrAbsolutePath => uri.or(Path::new(text).has_root().then_some(text)),
    };
    let Some(path) = path else { return Ok(Cow::Borrowed(text)) };
    let content = fs::read_text(path, FILE_SIZE_MAX).map_err(|error| error.to_string())?;
    Ok(Cow::Owned(content.trim_end().to_owned()))
}
