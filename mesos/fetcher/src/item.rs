//! A URI of a command, checked: where its bytes come from and where they go.

use std::path::{Component, Path, PathBuf};

use mesos_api::v1::command_info::Uri;

use crate::FetchError;

/// Where the bytes of a URI come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file of this machine.
    Local(PathBuf),
    /// A web server.
    Web(String),
}

/// What happens to a file once it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    Keep,
    Extract,
    MakeExecutable,
}

/// One URI to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) uri: String,
    pub(crate) source: Source,
    /// Relative to the sandbox, and inside it.
    pub(crate) output: PathBuf,
    pub(crate) treatment: Treatment,
}

impl Item {
    pub(crate) fn new(uri: &Uri, frameworks_home: Option<&Path>) -> Result<Self, FetchError> {
        let value = uri.value.trim_start();
        let invalid = |problem: String| FetchError::Invalid { uri: uri.value.clone(), problem };
        if value.is_empty() {
            return Err(invalid("the URI is empty".into()));
        }
        if let Some(refused) = value.chars().find(|c| matches!(c, '\\' | '\'') || c.is_control()) {
            return Err(invalid(format!("the URI holds the character {refused:?}")));
        }
        let source = source(value, frameworks_home).map_err(invalid)?;
        let output = match uri.output_file.as_deref() {
            Some(file) => {
                inside(file).map_err(|problem| invalid(format!("output_file '{file}' {problem}")))?
            }
            None => inside(base_name(value, &source).map_err(invalid)?)
                .map_err(|problem| invalid(format!("its file name {problem}")))?,
        };
        let treatment = if uri.executable.unwrap_or(false) {
            Treatment::MakeExecutable
        } else if uri.extract.unwrap_or(true) {
            Treatment::Extract
        } else {
            Treatment::Keep
        };
        Ok(Self { uri: value.to_owned(), source, output, treatment })
    }
}

fn source(uri: &str, frameworks_home: Option<&Path>) -> Result<Source, String> {
    let Some((scheme, rest)) = uri.split_once("://") else {
        let path = Path::new(uri.strip_prefix("file:").unwrap_or(uri));
        return match frameworks_home {
            _ if path.is_absolute() => Ok(Source::Local(path.to_owned())),
            Some(home) if !home.as_os_str().is_empty() => Ok(Source::Local(home.join(path))),
            _ => Err("a relative path needs --frameworks_home".into()),
        };
    };
    match scheme.to_ascii_lowercase().as_str() {
        "file" => {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            if !path.starts_with('/') {
                return Err("a file URI needs an absolute path".into());
            }
            Ok(Source::Local(PathBuf::from(path)))
        }
        "http" | "https" => match rest.split_once('/') {
            Some((authority, path)) if !authority.is_empty() && !path.is_empty() => {
                Ok(Source::Web(uri.to_owned()))
            }
            _ => Err("the URI has no path".into()),
        },
        scheme => Err(format!("the scheme '{scheme}' is not supported (file, http and https are)")),
    }
}

/// The last part of the path; a query and a fragment are not part of it.
fn base_name<'a>(uri: &'a str, source: &Source) -> Result<&'a str, String> {
    let path = match source {
        Source::Local(_) => uri,
        Source::Web(_) => uri.split(['?', '#']).next().unwrap_or(uri),
    };
    let path = if matches!(source, Source::Local(_)) { path.trim_end_matches('/') } else { path };
    match path.rsplit('/').next() {
        Some(name) if !name.is_empty() => Ok(name),
        _ => Err("the URI names no file".into()),
    }
}

/// `file` as a path that, joined to a directory, stays in it.
fn inside(file: &str) -> Result<PathBuf, &'static str> {
    if file.contains(['\\', '\'', '\0']) {
        return Err("holds a refused character");
    }
    let mut path = PathBuf::new();
    for component in Path::new(file).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err("is not within the sandbox");
            }
        }
    }
    if path.as_os_str().is_empty() || file.ends_with('/') { Err("names no file") } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(value: &str) -> Uri {
        Uri { value: value.into(), ..Default::default() }
    }

    fn check(value: &str, expected: Result<(Source, &str), &str>) {
        let found = Item::new(&uri(value), Some(Path::new("/home/frameworks")));
        match (found, expected) {
            (Ok(item), Ok((source, output))) => {
                assert_eq!((item.source, item.output), (source, PathBuf::from(output)), "{value}");
            }
            (Err(error), Err(text)) => {
                let error = error.to_string();
                assert!(error.contains(text) && error.contains(value.trim_start()), "{value}: {error}");
            }
            (found, _) => panic!("{value}: {found:?}"),
        }
    }

    #[test]
    fn uris_name_a_source_and_a_file() {
        let local = |path: &str| Source::Local(PathBuf::from(path));
        let web = |uri: &str| Source::Web(uri.into());
        check("/a/b.tgz", Ok((local("/a/b.tgz"), "b.tgz")));
        check("  /a/b", Ok((local("/a/b"), "b")));
        check("file:///a/b", Ok((local("/a/b"), "b")));
        check("file://localhost/a/b", Ok((local("/a/b"), "b")));
        check("b/c", Ok((local("/home/frameworks/b/c"), "c")));
        check("http://h:80/x/y.zip?a=/b#c", Ok((web("http://h:80/x/y.zip?a=/b#c"), "y.zip")));
        check("https://h/x", Ok((web("https://h/x"), "x")));
        check("HTTP://h/x", Ok((web("HTTP://h/x"), "x")));
    }

    #[test]
    fn bad_uris_are_refused_with_the_rule() {
        check("", Err("empty"));
        check("file://a/b", Err("absolute path"));
        check("http://h", Err("no path"));
        check("http://h/", Err("no path"));
        check("http://h/a/", Err("names no file"));
        check("hdfs://h/a", Err("'hdfs'"));
        check("/a/it's", Err("character '\\''"));
        check("/a/b\\c", Err("character '\\\\'"));
        check("/a/..", Err("not within the sandbox"));
        check("/", Err("names no file"));
    }

    #[test]
    fn relative_path_needs_a_home() {
        let error = Item::new(&uri("a"), None).unwrap_err().to_string();
        assert_eq!(error, "failed to fetch 'a': a relative path needs --frameworks_home");
    }

    #[test]
    fn output_file_stays_in_the_sandbox() {
        for (file, expected) in [
            ("a/b", Some("a/b")),
            ("./a", Some("a")),
            ("", None),
            ("/a", None),
            ("../a", None),
            ("a/../../b", None),
            ("a/", None),
            ("a'b", None),
        ] {
            let uri = Uri { output_file: Some(file.into()), ..uri("/x") };
            let output = Item::new(&uri, None).ok().map(|item| item.output);
            assert_eq!(output, expected.map(PathBuf::from), "{file}");
        }
    }

    #[test]
    fn executable_wins_over_extract() {
        let treatment = |executable, extract| {
            Item::new(&Uri { executable, extract, ..uri("/x") }, None).map(|item| item.treatment).ok()
        };
        assert_eq!(treatment(None, None), Some(Treatment::Extract));
        assert_eq!(treatment(Some(true), Some(true)), Some(Treatment::MakeExecutable));
        assert_eq!(treatment(Some(false), Some(false)), Some(Treatment::Keep));
    }
}
