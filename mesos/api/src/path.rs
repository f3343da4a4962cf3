//! Paths of fields, for error messages.

/// Puts the name of the enclosing field, or an index such as `[3]`, in front of a path.
pub(crate) fn prepend(path: &mut String, outer: &str) {
    let separator = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    path.insert_str(0, separator);
    path.insert_str(0, outer);
}

#[cfg(test)]
mod tests {
    #[test]
    fn path_grows_from_the_inside() {
        let mut path = String::from("name");
        for outer in ["[2]", "tasks", "launch"] {
            super::prepend(&mut path, outer);
        }
        assert_eq!(path, "launch.tasks[2].name");
    }
}
