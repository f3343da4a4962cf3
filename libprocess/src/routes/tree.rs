//! Paths by their parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Endpoint, parameter};

/// A part of a path, with what is below it.
#[derive(Default)]
pub(super) struct Part {
    named: BTreeMap<String, Part>,
    /// What is below any part that has no name here, or nothing fitting below its name.
    any: Option<Box<Part>>,
    endpoint: Option<Arc<Endpoint>>,
}

impl Part {
    /// Adds an endpoint, and gives back the one that it replaces.
    pub(super) fn add(&mut self, endpoint: Arc<Endpoint>) -> Option<Arc<Endpoint>> {
        let mut part = self;
        for name in endpoint.route.path.split('/').filter(|name| !name.is_empty()) {
            part = match parameter(name) {
                Some(_) => part.any.get_or_insert_default(),
                None => part.named.entry(name.to_owned()).or_default(),
            };
        }
        part.endpoint.replace(endpoint)
    }

    /// The endpoint with the longest path that begins `path`, and whether it is the whole.
    pub(super) fn find(&self, path: &str) -> Option<(Arc<Endpoint>, bool)> {
        let path = path.trim_start_matches('/');
        if path.is_empty() {
            return self.endpoint.clone().map(|endpoint| (endpoint, true));
        }
        let Found { endpoint, depth } = self.longest(Some(path), 0)?;
        (depth > 0).then(|| (Arc::clone(endpoint), depth == path.split('/').count()))
    }

    /// Each part of the tree is looked at once at most, and it is no deeper than the longest route.
    fn longest(&self, path: Option<&str>, depth: usize) -> Option<Found<'_>> {
        let own = self.endpoint.as_ref().map(|endpoint| Found { endpoint, depth });
        let Some(path) = path else { return own };
        let (first, rest) = match path.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let named = self.named.get(first).and_then(|part| part.longest(rest, depth + 1));
        let any = self.any.as_ref().filter(|_| !first.is_empty());
        let any = any.and_then(|part| part.longest(rest, depth + 1));
        // Of several with the same length the last one counts.
        [own, any, named].into_iter().flatten().max_by_key(|found| found.depth)
    }

    /// All endpoints here and below.
    pub(super) fn all(&self) -> Vec<Arc<Endpoint>> {
        let below = self.named.values().chain(self.any.as_deref());
        self.endpoint.iter().cloned().chain(below.flat_map(Part::all)).collect()
    }
}

struct Found<'a> {
    endpoint: &'a Arc<Endpoint>,
    depth: usize,
}
