//! The endpoints below `/files`.

use std::fs::File;
use std::io::Read;

use bytes::Bytes;
use libprocess::http::{Reply, Request, Response, Writer, pipe};
use libprocess::{Context, Node};
use mesos_api::v1::FileInfo;
use mesos_auth::subject_of;
use serde_json::{Value, json};
use stout::Time;
use tracing::debug;

use super::content::{self, READ_BYTES_MAX};
use super::listing::mode_text;
use super::process::FilesProcess;
use crate::endpoint;

type Handler = fn(&mut FilesProcess, &mut Context<FilesProcess>, Request) -> Reply;

/// Each endpoint has two names.
pub(super) fn install(cx: &mut Context<FilesProcess>) {
    let rows: [(&str, &str, &'static str, Handler); 4] = [
        ("browse", "browse.json", "What is in the directory 'path', as JSON.", browse),
        ("read", "read.json", "Up to 'length' bytes of the file 'path' from 'offset' on, as JSON.", read),
        ("download", "download.json", "The file 'path'.", download),
        ("debug", "debug.json", "Which paths can be read, and what they are.", debug_paths),
    ];
    for (path, old_path, help, handler) in rows {
        cx.route(path, help, handler);
        cx.route(old_path, help, handler);
    }
}

fn browse(process: &mut FilesProcess, cx: &mut Context<FilesProcess>, request: Request) -> Reply {
    let Some(path) = path_of(&request) else { return no_path().into() };
    let infos = process.browse(cx.node().clone(), path, subject_of(request.principal.as_ref()));
    Reply::later(async move {
        match infos.await {
            Ok(infos) => as_json(&request, &infos.iter().map(model).collect()),
            Err(error) => error.into(),
        }
    })
}

fn read(process: &mut FilesProcess, cx: &mut Context<FilesProcess>, request: Request) -> Reply {
    let Some(path) = path_of(&request) else { return no_path().into() };
    let (offset, length) = match (number(&request, "offset"), number(&request, "length")) {
        (Ok(offset), Ok(length)) => (offset, length),
        (Err(refused), _) | (_, Err(refused)) => return refused.into(),
    };
    // Who names no offset asks for the size.
    let length = if offset.is_none() { Some(0) } else { length };
    let subject = subject_of(request.principal.as_ref());
    let chunk = process.read(cx.node().clone(), path, offset.unwrap_or(0), length, subject);
    Reply::later(async move {
        match chunk.await {
            Ok(chunk) => {
                let offset = offset.unwrap_or(chunk.size);
                as_json(&request, &json!({ "offset": offset, "data": chunk.text() }))
            }
            Err(error) => error.into(),
        }
    })
}

fn download(process: &mut FilesProcess, cx: &mut Context<FilesProcess>, request: Request) -> Reply {
    let Some(path) = path_of(&request) else { return no_path().into() };
    let node = cx.node().clone();
    let subject = subject_of(request.principal.as_ref());
    let opened = process.with(node.clone(), path, subject, |located| {
        let (file, size) = content::open(located, "download")?;
        let path = if located.relative.as_os_str().is_empty() { &located.root } else { &located.relative };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((file, size, name))
    });
    Reply::later(async move {
        match opened.await {
            Ok((file, size, name)) => attachment(&node, file, size, &name),
            Err(error) => error.into(),
        }
    })
}

fn debug_paths(process: &mut FilesProcess, _cx: &mut Context<FilesProcess>, request: Request) -> Reply {
    let allowed = endpoint::authorize(&*process.authorizer, &request, "/files/debug");
    let paths: serde_json::Map<String, Value> = process
        .table
        .iter()
        .map(|(virtual_path, path)| (virtual_path.to_owned(), path.display().to_string().into()))
        .collect();
    Reply::later(async move {
        match allowed.await {
            Ok(()) => as_json(&request, &paths.into()),
            Err(refused) => refused,
        }
    })
}

fn path_of(request: &Request) -> Option<String> {
    request.query.get("path").filter(|path| !path.is_empty()).map(str::to_owned)
}

fn no_path() -> Response {
    Response::bad_request("Expecting 'path=value' in query.\n")
}

/// A parameter of the query; -1 is as good as none.
fn number(request: &Request, name: &str) -> Result<Option<u64>, Response> {
    let Some(text) = request.query.get(name) else { return Ok(None) };
    match text.parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(number) => u64::try_from(number)
            .map(Some)
            .map_err(|_| Response::bad_request(format!("Negative {name} provided: {number}.\n"))),
        Err(error) => Err(Response::bad_request(format!("Failed to parse {name}: {error}.\n"))),
    }
}

fn as_json(request: &Request, value: &Value) -> Response {
    Response::jsonp(value.to_string(), request.query.get("jsonp"))
}

fn model(info: &FileInfo) -> Value {
    let modified = Time::from_nanos(info.mtime.map_or(0, |time| time.nanoseconds));
    json!({
        "path": info.path,
        "nlink": info.nlink(),
        "size": info.size(),
        "mtime": modified.as_secs_f64(),
        "mode": mode_text(info.mode()),
        "uid": info.uid(),
        "gid": info.gid(),
    })
}

fn attachment(node: &Node, file: File, size: u64, name: &str) -> Response {
    let (writer, reader) = pipe(2 * READ_BYTES_MAX as usize);
    node.run(copy(node.clone(), file, size, writer));
    let name: String = name.chars().map(|c| if c.is_ascii_graphic() && c != '"' { c } else { '_' }).collect();
    Response::stream(media_type(&name), reader)
        .with_header("Content-Disposition", format!("attachment; filename={name}"))
}

/// Writes as much of the file as it had when it was opened, no faster than it is read.
async fn copy(node: Node, mut file: File, size: u64, writer: Writer) {
    let mut left = size;
    while left > 0 {
        let read = node.run_blocking(move || {
            let mut chunk = Vec::new();
            let read = (&mut file).take(left.min(READ_BYTES_MAX)).read_to_end(&mut chunk);
            read.map(|_| (file, chunk))
        });
        match read.await {
            Ok(Ok((same, chunk))) => {
                file = same;
                left -= chunk.len() as u64;
                if chunk.is_empty() || !writer.write(Bytes::from(chunk)) {
                    return;
                }
            }
            Ok(Err(error)) => return writer.fail(format!("the file cannot be read any further: {error}")),
            Err(error) => return debug!(%error, "a download ends with the node"),
        }
        writer.drained().await;
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("txt" | "log") => "text/plain",
        Some("html" | "htm") => "text/html",
        Some("css") => "text/css",
        Some("csv") => "text/csv",
        Some("js") => "application/javascript",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("pdf") => "application/pdf",
        Some("gz" | "tgz") => "application/gzip",
        Some("tar") => "application/x-tar",
        Some("zip") => "application/zip",
        Some("gif") => "image/gif",
        Some("jpeg" | "jpg") => "image/jpeg",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
