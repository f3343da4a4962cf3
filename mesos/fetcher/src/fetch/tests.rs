use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::thread;

use tempfile::TempDir;

use super::*;

/// A web server with a script: what it answers to each path.
fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = std::sync::Arc::new(answer);
    // Ends with the test's process; each test has its own server.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                answer(&path, &mut stream);
            });
        }
    });
    address
}

fn answer_with(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    // The client may be gone already, which is what some tests are about.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

struct Sandbox(TempDir);

impl Sandbox {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn plan(&self, uris: Vec<Uri>) -> FetchPlan {
        FetchPlan { stall_timeout: Duration::from_secs(10), ..FetchPlan::new(uris, self.0.path()) }
    }

    async fn fetch(&self, uris: Vec<Uri>) -> Result<(), String> {
        let plan = self.plan(uris);
        fetch(&plan, &Client::new(), |_| {}).await.map_err(|error| error.to_string())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        self.0.path().join(name).metadata().unwrap().permissions().mode() & 0o7777
    }
}

fn uri(value: impl std::fmt::Display) -> Uri {
    Uri { value: value.to_string(), ..Default::default() }
}

fn tarball(name: &str, content: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    builder.into_inner().unwrap()
}

#[tokio::test]
async fn local_file_is_copied_and_made_executable_when_asked() {
    let source = TempDir::new().unwrap();
    let file = source.path().join("run");
    fs::write(&file, "#!/bin/sh").unwrap();
    let sandbox = Sandbox::new();
    let executable =
        Uri { executable: Some(true), output_file: Some("bin/go".into()), ..uri(file.display()) };
    let plain = uri(format!("file://{}", file.display()));
    sandbox.fetch(vec![plain, executable]).await.unwrap();
    assert_eq!((sandbox.read("run"), sandbox.mode("run")), ("#!/bin/sh".into(), 0o644));
    assert_eq!((sandbox.read("bin/go"), sandbox.mode("bin/go")), ("#!/bin/sh".into(), 0o755));
}

#[tokio::test]
async fn relative_path_is_looked_up_in_frameworks_home() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("f"), "here").unwrap();
    let sandbox = Sandbox::new();
    let plan = FetchPlan { frameworks_home: Some(home.path().to_owned()), ..sandbox.plan(vec![uri("f")]) };
    fetch(&plan, &Client::new(), |_| {}).await.unwrap();
    assert_eq!(sandbox.read("f"), "here");
}

#[tokio::test]
async fn archive_is_extracted_beside_itself_unless_told_not_to() {
    let source = TempDir::new().unwrap();
    let archive = source.path().join("a.tar");
    fs::write(&archive, tarball("inside", "text")).unwrap();
    let (first, second) = (Sandbox::new(), Sandbox::new());
    first.fetch(vec![uri(archive.display())]).await.unwrap();
    assert_eq!(first.read("inside"), "text");
    assert!(first.0.path().join("a.tar").exists());
    second.fetch(vec![Uri { extract: Some(false), ..uri(archive.display()) }]).await.unwrap();
    assert!(!second.0.path().join("inside").exists());
}

#[tokio::test]
async fn missing_file_is_named_with_the_cause() {
    let error = Sandbox::new().fetch(vec![uri("/no/such/file")]).await.unwrap_err();
    assert!(error.starts_with("failed to fetch '/no/such/file': cannot copy /no/such/file to "), "{error}");
    assert!(error.ends_with("No such file or directory (os error 2)"), "{error}");
    let error = Sandbox::new().fetch(vec![uri("/dev/zero")]).await.unwrap_err();
    assert!(error.ends_with("it is not a regular file"), "{error}");
}

#[tokio::test]
async fn output_does_not_follow_a_link_out_of_the_sandbox() {
    let (outside, sandbox) = (TempDir::new().unwrap(), Sandbox::new());
    let file = outside.path().join("file");
    fs::write(&file, "precious").unwrap();
    symlink(outside.path(), sandbox.0.path().join("way")).unwrap();
    symlink(&file, sandbox.0.path().join("hosts")).unwrap();
    let through = Uri { output_file: Some("way/file".into()), ..uri("/etc/hosts") };
    let error = sandbox.fetch(vec![through]).await.unwrap_err();
    assert!(error.contains("symbolic link"), "{error}");
    sandbox.fetch(vec![uri("/etc/hosts")]).await.unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn download_follows_redirects_and_unpacks() {
    let archive = tarball("inside", "from afar");
    let address = serve(move |path, stream| match path {
        "/a.tar?x=1" => answer_with(stream, "302 Found", "Location: b/c\r\n", b""),
        "/b/c" => answer_with(stream, "307 Temporary Redirect", "Location: /d\r\n", b""),
        "/d" => answer_with(stream, "200 OK", "", &archive),
        _ => answer_with(stream, "500 Wrong", "", b""),
    });
    let sandbox = Sandbox::new();
    sandbox.fetch(vec![uri(format!("http://{address}/a.tar?x=1"))]).await.unwrap();
    assert_eq!(sandbox.read("inside"), "from afar");
    assert!(sandbox.0.path().join("a.tar").exists());
}

#[tokio::test]
async fn other_answers_than_200_fail_with_the_code() {
    let address = serve(|path, stream| match path {
        "/loop" => answer_with(stream, "302 Found", "Location: /loop\r\n", b""),
        "/ftp" => answer_with(stream, "302 Found", "Location: ftp://h/x\r\n", b""),
        "/204" => answer_with(stream, "204 No Content", "", b""),
        _ => answer_with(stream, "404 Not Found", "", b"no"),
    });
    for (path, text) in [
        ("missing", "the server answered 404, not 200"),
        ("204", "the server answered 204, not 200"),
        ("loop", "the server redirects more than 10 times"),
        ("ftp", "the server redirects to 'ftp://h/x', which is not http"),
    ] {
        let uri = uri(format!("http://{address}/{path}"));
        let expected = format!("failed to fetch '{}': {text}", uri.value);
        assert_eq!(Sandbox::new().fetch(vec![uri]).await.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn broken_transfer_is_an_error() {
    let address = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    });
    let error = Sandbox::new().fetch(vec![uri(format!("http://{address}/x"))]).await.unwrap_err();
    assert!(error.starts_with(&format!("failed to fetch 'http://{address}/x': ")), "{error}");
}

#[tokio::test]
async fn unreachable_server_is_an_error_with_the_cause() {
    // Bound and not listening: nobody else gets the port, and nobody answers.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = closed.local_addr().unwrap();
    let error = Sandbox::new().fetch(vec![uri(format!("http://{address}/x"))]).await.unwrap_err();
    assert!(error.contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn silent_server_is_given_up() {
    let address = serve(|path, stream| {
        if path == "/half" {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        }
        let _ = stream.read(&mut [0]);
    });
    for path in ["half", "nothing"] {
        let sandbox = Sandbox::new();
        let mut plan = sandbox.plan(vec![uri(format!("http://{address}/{path}"))]);
        plan.stall_timeout = Duration::from_millis(200);
        let error = fetch(&plan, &Client::new(), |_| {}).await.unwrap_err();
        assert!(matches!(error, FetchError::Stalled { .. }), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_fetched_when_one_uri_is_bad() {
    let sandbox = Sandbox::new();
    let error = sandbox.fetch(vec![uri("/etc/hosts"), uri("gopher://h/x")]).await.unwrap_err();
    assert!(error.contains("'gopher'"), "{error}");
    assert_eq!(fs::read_dir(sandbox.0.path()).unwrap().count(), 0);
}
