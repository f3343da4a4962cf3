//! Files of a web server.

use std::error::Error;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use libprocess::http::{Client, ClientError, ClientResponse, HeaderMap, Method};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use crate::FetchError;
use crate::item::Item;
use crate::redirect;

const REDIRECTS_MAX: usize = 10;

/// Downloads a URL into a file that does not exist yet. Only the status 200 will do, after at most
/// ten redirects.
pub(crate) async fn download(
    item: &Item,
    client: &Client,
    url: &str,
    path: &Path,
    stall_timeout: Duration,
) -> Result<(), FetchError> {
    let transfer = Transfer { item, path, stall_timeout };
    let response = transfer.request(client, url).await?;
    transfer.receive(response).await
}

struct Transfer<'a> {
    item: &'a Item,
    path: &'a Path,
    stall_timeout: Duration,
}

impl Transfer<'_> {
    /// The answer with the file.
    async fn request(&self, client: &Client, url: &str) -> Result<ClientResponse, FetchError> {
        let mut url = url.split('#').next().unwrap_or(url).to_owned();
        for _ in 0..=REDIRECTS_MAX {
            let request = client.request(Method::GET, &url, HeaderMap::new(), "");
            let response = timeout(self.stall_timeout, request)
                .await
                .map_err(|_| self.stalled())?
                .map_err(|error| self.failed(&error))?;
            let code = response.status.as_u16();
            match (code, response.header("location")) {
                (200, _) => return Ok(response),
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    url = redirect::resolve(&url, location).ok_or_else(|| {
                        self.problem(format!("the server redirects to '{location}', which is not http"))
                    })?;
                }
                _ => return Err(FetchError::Status { uri: self.item.uri.clone(), code }),
            }
        }
        Err(self.problem(format!("the server redirects more than {REDIRECTS_MAX} times")))
    }

    async fn receive(&self, mut response: ClientResponse) -> Result<(), FetchError> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o644);
        let options = tokio::fs::OpenOptions::from(options);
        let mut file = options.open(self.path).await.map_err(|cause| self.unwritten(cause))?;
        let mut pace = Pace::new(self.stall_timeout);
        loop {
            let chunk = timeout(self.stall_timeout, response.chunk()).await.map_err(|_| self.stalled())?;
            let Some(chunk) = chunk else { return self.finish(file).await };
            let chunk = chunk.map_err(|error| self.failed(&error))?;
            if pace.is_too_slow(chunk.len()) {
                return Err(self.stalled());
            }
            file.write_all(&chunk).await.map_err(|cause| self.unwritten(cause))?;
        }
    }

    async fn finish(&self, mut file: File) -> Result<(), FetchError> {
        file.flush().await.map_err(|cause| self.unwritten(cause))
    }

    fn stalled(&self) -> FetchError {
        FetchError::Stalled { uri: self.item.uri.clone(), timeout: self.stall_timeout }
    }

    fn problem(&self, cause: String) -> FetchError {
        FetchError::Download { uri: self.item.uri.clone(), cause }
    }

    /// The whole chain in one line: the last cause is the one that helps.
    fn failed(&self, error: &ClientError) -> FetchError {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        self.problem(text)
    }

    fn unwritten(&self, cause: std::io::Error) -> FetchError {
        FetchError::Write { uri: self.item.uri.clone(), path: self.path.to_owned(), cause }
    }
}

/// Notices a server that sends just enough to look alive.
struct Pace {
    window: Duration,
    since: Instant,
    bytes: u64,
}

impl Pace {
    fn new(window: Duration) -> Self {
        Self { window, since: Instant::now(), bytes: 0 }
    }

    /// Counts what arrived; true when a whole window passed at less than a byte a second.
    fn is_too_slow(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let passed = self.since.elapsed();
        if passed < self.window {
            return false;
        }
        let slow = self.bytes < passed.as_secs();
        *self = Self::new(self.window);
        slow
    }
}
