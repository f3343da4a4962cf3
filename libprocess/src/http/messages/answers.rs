//! What messages are answered with.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::http::Delivery;

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\n";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\n";

/// The answers to a run of messages, one after the other.
#[derive(Default)]
pub(super) struct Answers {
    bytes: Vec<u8>,
    /// What follows the first line.
    rest: String,
    /// Of which second that tells the date.
    second: u64,
}

impl Answers {
    pub(super) fn add(&mut self, delivery: Delivery) {
        if self.bytes.is_empty() {
            self.refresh();
        }
        let first = match delivery {
            Delivery::Delivered => ACCEPTED,
            Delivery::NoSuchProcess => NOT_FOUND,
        };
        self.bytes.extend_from_slice(first.as_bytes());
        self.bytes.extend_from_slice(self.rest.as_bytes());
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    fn refresh(&mut self) {
        let now = SystemTime::now();
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        if second == self.second && !self.rest.is_empty() {
            return;
        }
        self.second = second;
        self.rest.clear();
        let date = httpdate::HttpDate::from(now.max(UNIX_EPOCH));
        // A text takes all that is written to it.
        let _ = write!(self.rest, "Content-Length: 0\r\nDate: {date}\r\n\r\n");
    }
}
