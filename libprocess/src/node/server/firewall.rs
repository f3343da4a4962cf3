//! Endpoints that answer nobody.

use std::collections::HashSet;

use crate::http::Request;
use crate::routes::Endpoint;

/// The endpoints that answer nobody.
#[derive(Debug, Default)]
pub(super) struct Firewall {
    disabled: HashSet<String>,
}

impl Firewall {
    pub(super) fn disable(&mut self, path: &str) {
        self.disabled.insert(canonical(path));
    }

    /// Whether a request is for a disabled path, in whatever way it is spelled.
    pub(super) fn refuses(&self, request: &Request) -> bool {
        !self.disabled.is_empty() && self.disabled.contains(&canonical(&request.path))
    }

    /// Whether the endpoint of a process is a disabled one, whatever path has led to it.
    pub(super) fn refuses_endpoint(&self, process: &str, endpoint: &Endpoint) -> bool {
        !self.disabled.is_empty()
            && self.disabled.contains(&canonical(&format!("/{process}/{}", endpoint.route.path)))
    }
}

/// A path without what makes no difference to which route answers it: doubled slashes, and those at
/// the end; and decoded, since the id of a process may be encoded.
pub(super) fn canonical(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let mut canonical = String::with_capacity(decoded.len());
    for part in decoded.split('/').filter(|part| !part.is_empty()) {
        canonical.push('/');
        canonical.push_str(part);
    }
    canonical
}
