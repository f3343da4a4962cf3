//! Files of a directory as answers.

pub(super) mod range;

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, StatusCode};

use super::{Reply, Request, Response, pipe, target};
use range::Wanted;

/// Up to this length a file is answered in one piece, with its length.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// How much of a longer file is read at a time; so much waits for a client at most.
const PIECE_BYTES: usize = 64 << 10;

/// A handler for [`Context::serve_with`](crate::Context::serve_with) that answers with the files below `root`,
/// or with `root` itself if that is a file. `route` is the path of the [`Route`](super::Route), which is one of
/// a [directory](super::Route::directory).
///
/// A directory is answered with its `index.html`, once its path ends with a slash, which links in that page
/// are relative to; before, with a redirect there. The type of a file goes by its extension. One range of
/// bytes may be asked for, and `If-None-Match` and `If-Range` are heeded. What would leave `root`, by `..` or
/// by a symbolic link, is not found.
///
/// ```
/// use libprocess::http::{Route, files};
/// use libprocess::{Context, Process};
///
/// struct Ui;
///
/// impl Process for Ui {
///     fn initialize(&mut self, cx: &mut Context<Self>) {
///         let app = Route::new("app").directory().help("The pages for the browser.");
///         cx.serve_with(app, files("app", "/usr/share/cluster/ui"));
///     }
/// }
/// ```
pub fn files(route: &str, root: impl Into<PathBuf>) -> impl Fn(Request) -> Reply + Send + Sync + 'static {
    let route = route.trim_matches('/').to_owned();
    let root = Arc::new(root.into());
    move |request| {
        if request.method != Method::GET && request.method != Method::HEAD {
            return Response::method_not_allowed(&["GET", "HEAD"], &request.method).into();
        }
        let below = request.rest.trim_start_matches('/').strip_prefix(&route).unwrap_or_default().to_owned();
        let root = Arc::clone(&root);
        Reply::later(async move {
            let answered = tokio::task::spawn_blocking(move || answer(&root, &below, &request)).await;
            answered.unwrap_or_else(|_| Response::internal_server_error("failed to read the file"))
        })
    }
}

fn answer(root: &Path, below: &str, request: &Request) -> Response {
    match find(root, below) {
        Ok(Found::File(found)) => {
            let (path, file, metadata) = *found;
            respond(&path, file, &metadata, request)
        }
        Ok(Found::Directory) => {
            // With its dot it names nothing but a place beside this one, whatever the name holds.
            let name = request.path.rsplit('/').next().unwrap_or_default();
            Response::temporary_redirect(&format!("./{name}/"))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Response::forbidden("the file may not be read")
        }
        Err(_) => Response::not_found(),
    }
}

enum Found {
    File(Box<(PathBuf, File, Metadata)>),
    /// Its path has no slash at the end.
    Directory,
}

/// What a path below `root` names.
fn find(root: &Path, below: &str) -> io::Result<Found> {
    let root = root.canonicalize()?;
    let below = target::decode(below).map_err(io::Error::other)?;
    let relative = Path::new(below.trim_matches('/'));
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let top = relative.as_os_str().is_empty();
    let mut path = if top { root.clone() } else { root.join(relative) }.canonicalize()?;
    let is_directory = path.is_dir();
    if is_directory {
        path = path.join("index.html").canonicalize()?;
    }
    // A file is no directory, however it is asked for.
    if !path.starts_with(&root) || (below.ends_with('/') && !is_directory) {
        return Err(io::ErrorKind::NotFound.into());
    }
    if is_directory && !below.ends_with('/') {
        return Ok(Found::Directory);
    }
    let file = File::open(&path)?;
    let metadata = file.metadata()?;
    // A pipe or a device would be read for ever.
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(Found::File(Box::new((path, file, metadata))))
}

fn respond(path: &Path, file: File, metadata: &Metadata, request: &Request) -> Response {
    let tag = entity_tag(metadata);
    let is_current = |name| request.headers.get(name).is_some_and(|tags| names_tag(tags, &tag));
    let response = |status| Response::new(status).with_header(ETAG, &tag).with_header(ACCEPT_RANGES, "bytes");
    if is_current(IF_NONE_MATCH) {
        return response(StatusCode::NOT_MODIFIED);
    }
    let length = metadata.len();
    let range = request.headers.get(RANGE).and_then(|range| range.to_str().ok());
    let fits = !request.headers.contains_key(IF_RANGE) || is_current(IF_RANGE);
    let (response, from, to) = match range::wanted(range.filter(|_| fits), length) {
        Wanted::All => (response(StatusCode::OK), 0, length),
        Wanted::Part { from, to } => {
            let range = format!("bytes {from}-{}/{length}", to - 1);
            (response(StatusCode::PARTIAL_CONTENT).with_header(CONTENT_RANGE, range), from, to)
        }
        Wanted::Nothing => {
            let range = format!("bytes */{length}");
            return response(StatusCode::RANGE_NOT_SATISFIABLE).with_header(CONTENT_RANGE, range);
        }
    };
    let response = response
        .with_header(CONTENT_TYPE, media_type(path))
        // Nobody is to guess, and find a page in what is a picture.
        .with_header(X_CONTENT_TYPE_OPTIONS, "nosniff");
    send(response, file, from, to - from, request.method == Method::HEAD)
}

fn send(mut response: Response, mut file: File, from: u64, length: u64, only_head: bool) -> Response {
    if let Err(error) = file.seek(SeekFrom::Start(from)) {
        return Response::internal_server_error(format!("failed to read the file: {error}"));
    }
    let mut rest = file.take(length);
    if length <= WHOLE_BYTES_MAX {
        let mut bytes = Vec::new();
        return match rest.read_to_end(&mut bytes) {
            Ok(_) => {
                response.body = bytes.into();
                response
            }
            Err(error) => Response::internal_server_error(format!("failed to read the file: {error}")),
        };
    }
    let (writer, reader) = pipe(PIECE_BYTES);
    response.body = super::Body::Stream(reader);
    if only_head {
        return response;
    }
    tokio::spawn(async move {
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; PIECE_BYTES];
                let read = rest.read(&mut piece);
                (
                    rest,
                    read.map(|count| {
                        piece.truncate(count);
                        Bytes::from(piece)
                    }),
                )
            });
            match read.await {
                Ok((_, Ok(piece))) if piece.is_empty() => return writer.close(),
                Ok((left, Ok(piece))) => {
                    rest = left;
                    if !writer.write(piece) {
                        return;
                    }
                    writer.drained().await;
                }
                Ok((_, Err(error))) => return writer.fail(format!("failed to read the file: {error}")),
                Err(_) => return writer.fail("failed to read the file"),
            }
        }
    });
    response
}

/// Differs whenever the file does, as far as the system tells.
fn entity_tag(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("\"{:x}-{:x}\"", modified.unwrap_or_default().as_nanos(), metadata.len())
}

fn names_tag(tags: &HeaderValue, tag: &str) -> bool {
    let Ok(tags) = tags.to_str() else { return false };
    tags.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// The media type that an extension stands for.
fn media_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "txt" | "log" | "md" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        "csv" => "text/csv; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "gz" | "tgz" => "application/gzip",
        "tar" => "application/x-tar",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Body;

    async fn ask(
        handler: &impl Fn(Request) -> Reply,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Response {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request.headers.insert(*name, value.parse().unwrap());
        }
        match handler(request) {
            Reply::Now(response) => response,
            Reply::Later(response) => response.await,
        }
    }

    fn text(response: &Response) -> &str {
        std::str::from_utf8(response.body.full().unwrap_or_default()).unwrap()
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers[name].to_str().unwrap()
    }

    fn site() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("site/sub dir")).unwrap();
        std::fs::write(dir.path().join("site/index.html"), "<p>start").unwrap();
        std::fs::write(dir.path().join("site/sub dir/a.txt"), "0123456789").unwrap();
        std::fs::write(dir.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("site/link")).unwrap();
        std::os::unix::fs::symlink("sub dir/a.txt", dir.path().join("site/inner")).unwrap();
        dir
    }

    #[tokio::test]
    async fn files_are_found_by_path_and_directories_by_their_index() {
        let dir = site();
        let handler = files("/app/", dir.path().join("site"));
        for path in ["/ui/app/", "/ui/app//", "/ui/app/index.html"] {
            let answer = ask(&handler, path, &[]).await;
            assert_eq!(
                (text(&answer), header(&answer, "content-type")),
                ("<p>start", "text/html; charset=utf-8")
            );
        }
        assert_eq!(text(&ask(&handler, "/ui/app/sub%20dir/a.txt", &[]).await), "0123456789");
        assert_eq!(text(&ask(&handler, "/ui/app/inner", &[]).await), "0123456789");
        std::fs::write(dir.path().join("site/sub dir/index.html"), "<p>sub").unwrap();
        for (path, location) in [("//ui/app", "./app/"), ("/ui/app/sub%20dir", "./sub%20dir/")] {
            let answer = ask(&handler, path, &[]).await;
            assert_eq!((answer.status.as_u16(), header(&answer, "location")), (307, location), "{path}");
        }
        assert_eq!(text(&ask(&handler, "/ui/app/sub%20dir/", &[]).await), "<p>sub");
        assert_eq!(ask(&handler, "/ui/app/index.html/", &[]).await.status, StatusCode::NOT_FOUND);
        let one = files("one", dir.path().join("site/index.html"));
        assert_eq!(text(&ask(&one, "/ui/one", &[]).await), "<p>start");
    }

    #[tokio::test]
    async fn nothing_outside_is_found() {
        let dir = site();
        let handler = files("app", dir.path().join("site"));
        for path in [
            "app/../secret",
            "app/%2e%2e/secret",
            "app/link",
            "app/sub%20dir",
            "app/none",
            "app/a%00b",
            "app/%ff",
        ] {
            let answer = ask(&handler, &format!("/ui/{path}"), &[]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
        let Reply::Now(answer) = handler(Request::post("/ui/app", "")) else { panic!("later") };
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn ranges_and_tags_are_heeded() {
        let dir = site();
        let handler = files("app", dir.path().join("site"));
        let path = "/ui/app/sub%20dir/a.txt";
        let part = ask(&handler, path, &[("range", "bytes=2-4")]).await;
        assert_eq!((part.status, text(&part)), (StatusCode::PARTIAL_CONTENT, "234"));
        assert_eq!(header(&part, "content-range"), "bytes 2-4/10");
        let beyond = ask(&handler, path, &[("range", "bytes=10-")]).await;
        assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(header(&beyond, "content-range"), "bytes */10");
        let tag = header(&part, "etag").to_owned();
        assert_eq!(ask(&handler, path, &[("if-none-match", &tag)]).await.status, StatusCode::NOT_MODIFIED);
        let old = ask(&handler, path, &[("range", "bytes=2-4"), ("if-range", "\"old\"")]).await;
        assert_eq!(old.status, StatusCode::OK, "the file has changed since: all of it");
    }

    #[tokio::test]
    async fn long_file_is_read_as_it_is_sent() {
        let dir = site();
        let content: Vec<u8> = (0..3 << 20).map(|byte| (byte % 251) as u8).collect();
        std::fs::write(dir.path().join("site/long"), &content).unwrap();
        let handler = files("app", dir.path().join("site"));
        let answer = ask(&handler, "/ui/app/long", &[("range", "bytes=1-")]).await;
        let Body::Stream(mut reader) = answer.body else { panic!("no stream") };
        let mut read = Vec::new();
        while let Some(piece) = reader.read().await {
            read.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(read, content[1..]);
    }
}
