//! HTTP over plain sockets: what goes over the wire is what a test says.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::Value;

use super::wait::PATIENCE;

/// A connection to a daemon.
pub(crate) struct Connection {
    stream: TcpStream,
    /// What was received, but not yet taken.
    received: Vec<u8>,
}

/// An answer, or the head of one.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header, by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }
}

impl Connection {
    /// Connects.
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the daemon listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("an option can be set");
        Self { stream, received: Vec::new() }
    }

    /// Sends bytes as they are. The other side may have gone: then what it answered counts.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Says that nothing more is to come.
    pub(crate) fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Receives a part; false at the end.
    #[track_caller]
    fn receive(&mut self) -> bool {
        let mut part = [0; 65536];
        match self.stream.read(&mut part) {
            Ok(0) => false,
            Ok(count) => {
                self.received.extend_from_slice(&part[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => {
                panic!("nothing comes, after {:?}: {error}", String::from_utf8_lossy(&self.received))
            }
        }
    }

    /// Whether nothing comes any more: waits for the end.
    pub(crate) fn is_over(&mut self) -> bool {
        self.received.is_empty() && !self.receive()
    }

    /// A line without its end; none when the connection ends before.
    #[track_caller]
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.received[..end]).into_owned();
                self.received.drain(..end + 2);
                return Some(line);
            }
            if !self.receive() {
                return None;
            }
        }
    }

    /// So many bytes; none when the connection ends before.
    #[track_caller]
    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.received.len() < count {
            if !self.receive() {
                return None;
            }
        }
        Some(self.received.drain(..count).collect())
    }

    /// So many bytes of a body.
    #[track_caller]
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        self.take(count).expect("a whole body")
    }

    /// The head of an answer; none when the connection ends first.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Option<Answer> {
        let line = self.line()?;
        let mut parts = line.splitn(3, ' ');
        assert!(
            parts.next().is_some_and(|version| version.starts_with("HTTP/1.")),
            "{line:?} is no status line"
        );
        let status = parts.next().and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("{line:?} is no status line"));
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Some(Answer { status, headers, body: Vec::new() });
            }
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is no header"));
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// A chunk of a body; none at its end.
    #[track_caller]
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.line()?;
        let size =
            usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("{line:?} is no size of a chunk"));
        let chunk = self.take(size)?;
        assert_eq!(self.line().as_deref(), Some(""), "after a chunk");
        (size > 0).then_some(chunk)
    }

    /// A chunk of a body; none when the body or the connection ends before.
    pub(crate) fn try_chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line()?, 16).ok().filter(|size| *size > 0)?;
        let chunk = self.take(size)?;
        self.line()?;
        Some(chunk)
    }

    /// A whole answer; none when the connection ends first.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let mut answer = self.head()?;
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk() {
                answer.body.extend(chunk);
            }
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap_or_else(|_| panic!("{length:?} is no length"));
            answer.body = self.take(length)?;
        } else {
            while self.receive() {}
            answer.body = std::mem::take(&mut self.received);
        }
        Some(answer)
    }
}

/// The bytes of a request with a body of known length.
pub(crate) fn request_bytes(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Makes a request on a connection of its own.
#[track_caller]
pub(crate) fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut connection = Connection::open(address);
    connection.send(&request_bytes(method, path, headers, body));
    connection.answer().unwrap_or_else(|| panic!("{method} {path} is not answered"))
}

/// Gets a path.
#[track_caller]
pub(crate) fn get(address: &str, path: &str) -> Answer {
    request(address, "GET", path, &[], b"")
}

/// Gets a path that answers with JSON.
#[track_caller]
pub(crate) fn get_json(address: &str, path: &str) -> Value {
    let answer = get(address, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// Posts bytes of a type.
#[track_caller]
pub(crate) fn post(address: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
    request(address, "POST", path, &[("Content-Type", content_type)], body)
}

/// Posts JSON, and wants JSON.
#[track_caller]
pub(crate) fn post_json(address: &str, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
    request(address, "POST", path, &headers, body.to_string().as_bytes())
}
