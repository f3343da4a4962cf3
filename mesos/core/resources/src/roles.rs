//! Role names: paths such as `eng/web`, and `*` for no role.

use crate::ResourceError;

/// The role of what is reserved for nobody.
pub const DEFAULT: &str = "*";

/// Checks a role name.
///
/// # Errors
///
/// Names the rule that the name breaks.
pub fn validate(role: &str) -> Result<(), ResourceError> {
    if role == DEFAULT {
        return Ok(());
    }
    let wrong = |text: String| Err(ResourceError::Invalid(text));
    if role.is_empty() {
        return wrong("Role names cannot be the empty string".to_owned());
    }
    if role.starts_with('/') {
        return wrong(format!("Role '{role}' cannot start with a slash"));
    }
    if role.ends_with('/') {
        return wrong(format!("Role '{role}' cannot end with a slash"));
    }
    if role.contains("//") {
        return wrong(format!("Role '{role}' cannot contain two adjacent slashes"));
    }
    for component in role.split('/') {
        if matches!(component, "." | ".." | "*") {
            return wrong(format!("Role '{role}' cannot include '{component}' as a component"));
        }
        if component.starts_with('-') {
            return wrong(format!("Role component '{component}' is invalid because it starts with a dash"));
        }
        if component.contains(['\t', '\n', '\x0b', '\x0c', '\r', ' ', '\x7f']) {
            return wrong(format!(
                "Role component '{component}' is invalid because it contains backspace or whitespace"
            ));
        }
    }
    Ok(())
}

/// Reads a list of role names separated by commas.
///
/// # Errors
///
/// Names the rule that one of them breaks.
pub fn parse(text: &str) -> Result<Vec<String>, ResourceError> {
    text.split(',')
        .filter(|role| !role.is_empty())
        .map(|role| validate(role).map(|()| role.to_owned()))
        .collect()
}

/// Whether `role` lies below `ancestor`, as `a/b` does below `a`.
pub fn is_strict_subrole(role: &str, ancestor: &str) -> bool {
    role.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether the role is a path of more than one component.
pub fn is_hierarchical(role: &str) -> bool {
    role.contains('/')
}

/// The role directly above, `a/b` for `a/b/c`.
pub fn parent(role: &str) -> Option<&str> {
    role.rfind('/').and_then(|at| role.get(..at))
}

/// The roles above, nearest first: `a/b` and `a` for `a/b/c`.
pub fn ancestors(role: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(role), |role| parent(role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_frameworks_use_are_fine() {
        for role in
            ["*", "a", "a/b", "web.prod", "a-b", "a*", "…/b", ".a/b..", "a/-b".trim_end_matches("/-b")]
        {
            assert_eq!(validate(role), Ok(()), "{role}");
        }
    }

    #[test]
    fn a_broken_rule_is_named() {
        for (role, text) in [
            ("", "Role names cannot be the empty string"),
            ("/", "Role '/' cannot start with a slash"),
            ("/a", "Role '/a' cannot start with a slash"),
            ("a/", "Role 'a/' cannot end with a slash"),
            ("a//b", "Role 'a//b' cannot contain two adjacent slashes"),
            (".", "Role '.' cannot include '.' as a component"),
            ("a/..", "Role 'a/..' cannot include '..' as a component"),
            ("a/*", "Role 'a/*' cannot include '*' as a component"),
            ("a/-b", "Role component '-b' is invalid because it starts with a dash"),
            ("a b", "Role component 'a b' is invalid because it contains backspace or whitespace"),
            ("a\x7f", "Role component 'a\x7f' is invalid because it contains backspace or whitespace"),
        ] {
            assert_eq!(validate(role).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn ancestors_come_nearest_first() {
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(ancestors("a").count(), 0);
        assert!(
            is_strict_subrole("a/b", "a") && !is_strict_subrole("ab", "a") && !is_strict_subrole("a", "a")
        );
    }

    #[test]
    fn lists_are_separated_by_commas() {
        assert_eq!(parse("a,,b/c").unwrap(), ["a", "b/c"]);
        assert!(parse("a,b//c").is_err());
    }
}
