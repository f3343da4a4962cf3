//! Identifiers: they become names of directories.

use super::Verdict;

/// The longest identifier, in bytes: that of a file name.
pub const ID_LENGTH_MAX: usize = 255;

/// Checks an identifier.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn id(id: &str) -> Verdict {
    if id.is_empty() {
        return Err("ID must not be empty".to_owned());
    }
    if id.len() > ID_LENGTH_MAX {
        return Err(format!("ID must not be greater than {ID_LENGTH_MAX} characters"));
    }
    if id == "." || id == ".." {
        return Err(format!("'{id}' is disallowed"));
    }
    if id.chars().any(|c| c.is_ascii_control() || c == '/' || c == '\\') {
        return Err(format!("'{id}' contains invalid characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_fine() {
        for name in ["a", "a.b", "...", "task-1 of 2", "ünï", &"x".repeat(255)] {
            assert_eq!(id(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_broken_rule_is_named() {
        for (name, error) in [
            ("", "ID must not be empty"),
            (".", "'.' is disallowed"),
            ("..", "'..' is disallowed"),
            ("a/b", "'a/b' contains invalid characters"),
            ("a\\b", "'a\\b' contains invalid characters"),
            ("a\nb", "'a\nb' contains invalid characters"),
            ("a\x7f", "'a\x7f' contains invalid characters"),
            (&"x".repeat(256), "ID must not be greater than 255 characters"),
        ] {
            assert_eq!(id(name), Err(error.to_owned()));
        }
    }
}
