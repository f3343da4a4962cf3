//! Where a redirect leads.

/// The URL that a `Location` means when it was found at `base`; `None` if it is not an `http` or
/// `https` one.
pub(crate) fn resolve(base: &str, location: &str) -> Option<String> {
    let location = location.split('#').next()?.trim();
    if let Some((scheme, _)) = location.split_once("://")
        && scheme.chars().all(|c| c.is_ascii_alphanumeric())
    {
        let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        return known.then(|| location.to_owned());
    }
    let (scheme, rest) = base.split_once("://")?;
    let rest = rest.split(['?', '#']).next()?;
    if let Some(other) = location.strip_prefix("//") {
        return Some(format!("{scheme}://{other}"));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(path) = location.strip_prefix('/') {
        return Some(format!("{scheme}://{authority}/{path}"));
    }
    if let Some(query) = location.strip_prefix('?') {
        return Some(format!("{scheme}://{authority}/{path}?{query}"));
    }
    if location.is_empty() {
        return None;
    }
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    Some(format!("{scheme}://{authority}/{}", join(directory, location)))
}

/// A path relative to a directory, with `.` and `..` worked out.
fn join(directory: &str, relative: &str) -> String {
    let (path, query) = match relative.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (relative, None),
    };
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn locations_are_resolved_against_where_they_were_found() {
        let base = "http://h:80/a/b/c.tgz?q=1";
        for (location, expected) in [
            ("https://other/x", Some("https://other/x")),
            ("//other/x", Some("http://other/x")),
            ("/x/y?z", Some("http://h:80/x/y?z")),
            ("x", Some("http://h:80/a/b/x")),
            ("../x?u=/..", Some("http://h:80/a/x?u=/..")),
            ("./../../../x#f", Some("http://h:80/x")),
            ("?v=2", Some("http://h:80/a/b/c.tgz?v=2")),
            ("ftp://other/x", None),
            ("file:///etc/passwd", None),
            ("", None),
        ] {
            assert_eq!(resolve(base, location).as_deref(), expected, "{location}");
        }
        assert_eq!(resolve("http://h", "x").as_deref(), Some("http://h/x"));
    }
}
