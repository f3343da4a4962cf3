//! Which handler answers which path of a process.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::Context;
use crate::http::{Reply, Request};

/// A handler that runs inside the process.
pub(crate) type ActorHandler<P> = Arc<dyn Fn(&mut P, &mut Context<P>, Request) -> Reply + Send + Sync>;

/// A handler as the HTTP server calls it, wherever it then runs.
pub(crate) type Handler = Arc<dyn Fn(Request) -> Reply + Send + Sync>;

#[derive(Clone)]
struct Route {
    help: &'static str,
    handler: Handler,
}

/// The routes of one process, by path without slashes at the ends.
#[derive(Default)]
pub(crate) struct Routes {
    by_path: RwLock<BTreeMap<String, Route>>,
}

impl Routes {
    pub(crate) fn add(&self, path: &str, help: &'static str, handler: Handler) {
        let route = Route { help, handler };
        self.by_path.write().insert(path.trim_matches('/').to_owned(), route);
    }

    /// The handler with the longest path that is a prefix of `path` by whole parts. The empty path
    /// answers only itself: a process with a page of its own does not take all that it lacks.
    pub(crate) fn find(&self, path: &str) -> Option<Handler> {
        let routes = self.by_path.read();
        // A slash at the end names something below, which the path without it does not.
        let mut prefix = path.strip_prefix('/').unwrap_or(path);
        if let Some(directory) = prefix.strip_suffix('/') {
            return if routes.contains_key(directory) { None } else { Self::longest(&routes, directory) };
        }
        if prefix.is_empty() {
            return routes.get("").map(|route| Arc::clone(&route.handler));
        }
        prefix = prefix.trim_start_matches('/');
        Self::longest(&routes, prefix)
    }

    fn longest(routes: &BTreeMap<String, Route>, mut prefix: &str) -> Option<Handler> {
        while !prefix.is_empty() {
            if let Some(route) = routes.get(prefix) {
                return Some(Arc::clone(&route.handler));
            }
            prefix = prefix.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
        None
    }

    /// Drops all handlers: they may hold the process that they belong to.
    pub(crate) fn clear(&self) {
        let dropped = std::mem::take(&mut *self.by_path.write());
        drop(dropped); // After the lock: what a handler holds may have routes itself.
    }

    /// Paths and what they are for, in the order of the alphabet.
    pub(crate) fn help(&self) -> Vec<(String, &'static str)> {
        self.by_path.read().iter().map(|(path, route)| (path.clone(), route.help)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Response;

    #[test]
    fn longest_prefix_by_whole_parts_wins() {
        let routes = Routes::default();
        let names = ["api/v1", "api/v1/scheduler", "state", ""];
        for name in names {
            routes.add(name, "", Arc::new(|_| Response::ok().into()));
        }
        let check = |path: &str, expected: Option<&str>| {
            let found = routes.find(path);
            let by_path = routes.by_path.read();
            let name = found.map(|handler| {
                let (name, _) =
                    by_path.iter().find(|(_, route)| Arc::ptr_eq(&route.handler, &handler)).unwrap();
                name.clone()
            });
            assert_eq!(name.as_deref(), expected, "{path}");
        };
        check("/api/v1", Some("api/v1"));
        check("/api/v1/operator", Some("api/v1"));
        check("/api/v1/scheduler", Some("api/v1/scheduler"));
        check("/api/v1scheduler", None);
        check("/state", Some("state"));
        check("/state/", None);
        check("/states", None);
        check("", Some(""));
        check("/", Some(""));
    }
}
