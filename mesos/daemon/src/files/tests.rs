use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use libprocess::http::{Client, HeaderMap, Method};
use libprocess::{Future, Node};
use mesos_access::{Action, Object, Subject};
use mesos_auth::{Approver, Authorizer, Permissive};
use serde_json::Value;
use tempfile::TempDir;

use super::{Access, Files, FilesError, READ_BYTES_MAX};

/// A node that shows a directory as `/sandbox`, and the directory.
struct Fixture {
    node: Node,
    files: Files,
    dir: TempDir,
}

impl Fixture {
    async fn new(authorizer: impl Authorizer) -> Fixture {
        let node = Node::builder().start().await.unwrap();
        let files = Files::start(&node, Arc::new(authorizer)).unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("root")).unwrap();
        files.attach("/sandbox", dir.path().join("root"), None);
        Fixture { node, files, dir }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.dir.path().join("root").join(name), content).unwrap();
    }

    /// Status, headers and body of a GET.
    async fn get(&self, target: &str) -> (u16, HeaderMap, Vec<u8>) {
        let url = format!("http://{}{target}", self.node.address());
        let response =
            Client::new().request(Method::GET, &url, HeaderMap::new(), Bytes::new()).await.unwrap();
        let (status, headers) = (response.status.as_u16(), response.headers.clone());
        (status, headers, response.bytes(1 << 24).await.unwrap().to_vec())
    }

    async fn json(&self, target: &str) -> Value {
        let (status, _, body) = self.get(target).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, FilesError> {
        Ok(self.files.read(path, 0, None, Subject::unknown()).await.unwrap()?.data)
    }
}

/// Allows only what is called `mine`.
struct OnlyMine;

impl Authorizer for OnlyMine {
    fn approver(&self, _subject: &Subject, _action: Action) -> Future<Arc<dyn Approver>> {
        Future::ready(Arc::new(OnlyMine))
    }
}

impl Approver for OnlyMine {
    fn approved(&self, object: &Object) -> bool {
        object.value.as_deref() == Some("mine")
    }
}

fn sandbox_of(name: &str) -> Option<Access> {
    Some(Access { action: Action::AccessSandbox, object: Object::of_value(name) })
}

#[tokio::test]
async fn entries_are_listed_by_path_as_clients_know_them() {
    let fixture = Fixture::new(Permissive).await;
    fixture.write("stdout", "hello");
    fs::create_dir(fixture.dir.path().join("root/lib")).unwrap();
    let listing = fixture.json("/files/browse?path=/sandbox").await;
    let entries = listing.as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["path"], "/sandbox/lib");
    assert!(entries[0]["mode"].as_str().unwrap().starts_with("drwx"));
    let stdout = &entries[1];
    assert_eq!(stdout["path"], "/sandbox/stdout");
    assert_eq!((&stdout["size"], &stdout["nlink"]), (&5.into(), &1.into()));
    assert!(stdout["mode"].as_str().unwrap().starts_with("-rw"));
    assert!(stdout["mtime"].is_f64() && stdout["uid"].is_string() && stdout["gid"].is_string());
    assert_eq!(fixture.json("/files/browse.json?path=/sandbox/stdout").await, serde_json::json!([]));
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn parts_are_read_and_the_size_is_told() {
    let fixture = Fixture::new(Permissive).await;
    fixture.write("stdout", "hello");
    for (query, offset, data) in [
        ("", 5, ""),
        ("&offset=-1", 5, ""),
        ("&offset=0", 0, "hello"),
        ("&offset=1&length=3", 1, "ell"),
        ("&offset=1&length=-1", 1, "ello"),
        ("&offset=0&length=0", 0, ""),
        ("&offset=9", 9, ""),
    ] {
        let part = fixture.json(&format!("/files/read?path=/sandbox/stdout{query}")).await;
        assert_eq!(part, serde_json::json!({ "offset": offset, "data": data }), "{query}");
    }
    let (_, headers, body) = fixture.get("/files/read?path=/sandbox/stdout&offset=0&jsonp=f").await;
    assert_eq!(headers["content-type"], "text/javascript");
    assert!(body.starts_with(b"f({") && body.ends_with(b");"));
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn one_read_is_capped() {
    let fixture = Fixture::new(Permissive).await;
    fixture.write("big", vec![b'x'; 200_000]);
    let part = fixture.json("/files/read?path=/sandbox/big&offset=1&length=150000").await;
    assert_eq!(part["data"].as_str().unwrap().len() as u64, READ_BYTES_MAX);
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let fixture = Fixture::new(Permissive).await;
    fixture.write("stdout", "hello");
    for (target, status) in [
        ("/files/read", 400),
        ("/files/read?path=", 400),
        ("/files/browse", 400),
        ("/files/download", 400),
        ("/files/read?path=/sandbox", 400),
        ("/files/download?path=/sandbox", 400),
        ("/files/read?path=/sandbox/stdout&offset=-2", 400),
        ("/files/read?path=/sandbox/stdout&offset=x", 400),
        ("/files/read?path=/sandbox/stdout&offset=0&length=-2", 400),
        ("/files/read?path=/sandbox/absent&offset=0", 404),
        ("/files/read?path=/sandbox/stdout/below&offset=0", 404),
        ("/files/browse?path=/elsewhere", 404),
        ("/files/download?path=/sandbox/absent", 404),
    ] {
        assert_eq!(fixture.get(target).await.0, status, "{target}");
    }
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn nothing_outside_can_be_reached() {
    let fixture = Fixture::new(Permissive).await;
    let (root, secret) = (fixture.dir.path().join("root"), fixture.dir.path().join("secret"));
    fs::write(&secret, "secret").unwrap();
    symlink(&secret, root.join("absolute")).unwrap();
    symlink("../secret", root.join("relative")).unwrap();
    symlink("..", root.join("up")).unwrap();
    for path in ["absolute", "relative", "../secret", "up/secret", "%2e%2e/secret", "./.././secret"] {
        let (status, _, body) = fixture.get(&format!("/files/read?path=/sandbox/{path}&offset=0")).await;
        assert_eq!(status, 404, "{path}: {}", String::from_utf8_lossy(&body));
    }
    assert_eq!(fixture.get("/files/browse?path=/sandbox/up").await.0, 404);
    // What a link leads to outside is not told either.
    let listing = fixture.json("/files/browse?path=/sandbox").await;
    for entry in listing.as_array().unwrap() {
        assert!(entry["mode"].as_str().unwrap().starts_with('l'), "{entry}");
    }
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn links_that_stay_inside_are_followed() {
    let fixture = Fixture::new(Permissive).await;
    let root = fixture.dir.path().join("root");
    fs::create_dir_all(root.join("runs/1")).unwrap();
    fs::write(root.join("runs/1/stdout"), "one").unwrap();
    symlink("1", root.join("runs/latest")).unwrap();
    symlink(root.join("runs"), root.join("all")).unwrap();
    assert_eq!(fixture.read("/sandbox/runs/latest/stdout").await.unwrap(), b"one");
    assert_eq!(fixture.read("/sandbox/all/latest/stdout").await.unwrap(), b"one");
    // An attached link shows whatever it leads to at the time.
    fixture.files.attach("/latest", root.join("runs/latest"), None);
    assert_eq!(fixture.read("/latest/stdout").await.unwrap(), b"one");
    fs::create_dir(root.join("runs/2")).unwrap();
    fs::write(root.join("runs/2/stdout"), "two").unwrap();
    fs::remove_file(root.join("runs/latest")).unwrap();
    symlink("2", root.join("runs/latest")).unwrap();
    assert_eq!(fixture.read("/latest/stdout").await.unwrap(), b"two");
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn what_is_no_regular_file_is_not_read() {
    let fixture = Fixture::new(Permissive).await;
    let pipe = fixture.dir.path().join("root/pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(matches!(fixture.read("/sandbox/pipe").await, Err(FilesError::Invalid(_))));
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn downloads_are_whole_and_named() {
    let fixture = Fixture::new(Permissive).await;
    let content: Vec<u8> = (0..1_000_000u32).map(|number| number as u8).collect();
    fixture.write("data \"1\".json", &content);
    let (status, headers, body) = fixture.get("/files/download?path=/sandbox/data%20%221%22.json").await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["content-disposition"], "attachment; filename=data__1_.json");
    assert!(body == content);
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn each_path_may_say_who_reads_it() {
    let fixture = Fixture::new(OnlyMine).await;
    fixture.write("stdout", "hello");
    let root = fixture.dir.path().join("root");
    fixture.files.attach("/mine", &root, sandbox_of("mine"));
    fixture.files.attach("/theirs", &root, sandbox_of("theirs"));
    assert_eq!(fixture.read("/mine/stdout").await.unwrap(), b"hello");
    assert_eq!(fixture.read("/sandbox/stdout").await.unwrap(), b"hello");
    for path in ["/theirs/stdout", "/theirs/absent", "/theirs/../mine/stdout"] {
        assert_eq!(fixture.read(path).await, Err(FilesError::Forbidden), "{path}");
    }
    assert_eq!(fixture.get("/files/download?path=/theirs/stdout").await.0, 403);
    assert_eq!(fixture.get("/files/debug").await.0, 403);
    fixture.node.shutdown().await;
}

#[tokio::test]
async fn what_is_detached_is_gone() {
    let fixture = Fixture::new(Permissive).await;
    fixture.write("stdout", "hello");
    assert!(fixture.json("/files/debug").await["/sandbox"].as_str().unwrap().ends_with("root"));
    fixture.files.detach("/sandbox/");
    assert_eq!(fixture.read("/sandbox/stdout").await, Err(FilesError::NotFound));
    assert!(Files::start(&fixture.node, Arc::new(Permissive)).is_err(), "one process answers /files");
    assert!(!Path::new("/sandbox").exists());
    fixture.node.shutdown().await;
}
