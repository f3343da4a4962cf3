//! Words that several messages share.

use std::fmt::Display;

/// A set the way Mesos writes it: `{ a, b }`.
pub(crate) fn braces<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut text = String::from("{ ");
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&item.to_string());
    }
    text.push_str(" }");
    text
}

/// The principal in a log line.
pub(crate) fn principal(principal: Option<&str>) -> String {
    principal
        .map_or_else(|| "without a principal".to_owned(), |principal| format!("with principal '{principal}'"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn sets_are_in_braces() {
        assert_eq!(super::braces(["a", "b"]), "{ a, b }");
    }
}
