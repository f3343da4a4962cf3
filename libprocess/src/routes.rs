//! Which handler answers which path of a process.

mod endpoint;
mod guard;
mod tree;
mod turns;

pub(crate) use endpoint::{Admitted, Endpoint};
pub(crate) use guard::{Authorization, Guard};
use turns::{Turn, Turns};

use std::sync::Arc;

use parking_lot::RwLock;

use crate::Context;
use crate::http::{Reply, Request, Route};
use tree::Part;

/// A handler that runs inside the process.
pub(crate) type ActorHandler<P> = Arc<dyn Fn(&mut P, &mut Context<P>, Box<Request>) -> Reply + Send + Sync>;

/// A handler as the HTTP server calls it, wherever it then runs.
pub(crate) type Handler = Arc<dyn Fn(Box<Request>) -> Reply + Send + Sync>;

/// The routes of one process.
#[derive(Default)]
pub(crate) struct Routes {
    tree: RwLock<Part>,
    turns: Arc<Turns>,
}

impl Routes {
    /// Adds a route, in place of one that has the same path. `in_process` says that the handler runs
    /// inside the process, where requests keep the order in which they came.
    pub(crate) fn add(&self, route: Route, in_process: bool, handler: Handler) {
        let endpoint = Arc::new(Endpoint::new(route, handler, in_process, Arc::clone(&self.turns)));
        let replaced = self.tree.write().add(endpoint);
        drop(replaced); // After the lock.
    }

    /// The endpoint with the longest path that is a prefix of `path` by whole parts. The empty path
    /// answers only itself: a process with a page of its own does not take all that it lacks.
    pub(crate) fn find(&self, path: &str) -> Option<Arc<Endpoint>> {
        let tree = self.tree.read();
        let path = path.strip_prefix('/').unwrap_or(path);
        // A slash at the end names something below, which the path without it does not.
        let Some(directory) = path.strip_suffix('/') else { return tree.find(path).map(|(found, _)| found) };
        tree.find(directory).and_then(|(found, whole)| (!whole || found.route.directory).then_some(found))
    }

    /// Drops all handlers: they may hold the process that they belong to.
    pub(crate) fn clear(&self) {
        let dropped = std::mem::take(&mut *self.tree.write());
        drop(dropped); // After the lock: what a handler holds may have routes itself.
    }

    /// All endpoints, in the order of the alphabet.
    pub(crate) fn all(&self) -> Vec<Arc<Endpoint>> {
        let mut all = self.tree.read().all();
        all.sort_by(|a, b| a.route.path.cmp(&b.route.path));
        all
    }
}

/// The name of a part of a path that stands for any part.
fn parameter(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Response;

    fn routes(paths: &[&str]) -> Routes {
        let routes = Routes::default();
        for path in paths {
            routes.add(Route::new(path), false, Arc::new(|_| Response::ok().into()));
        }
        routes
    }

    fn check(routes: &Routes, path: &str, expected: Option<&str>) {
        let found = routes.find(path);
        assert_eq!(found.as_ref().map(|endpoint| endpoint.route.path.as_str()), expected, "{path}");
    }

    #[test]
    fn longest_prefix_by_whole_parts_wins() {
        let routes = routes(&["api/v1", "/api/v1/scheduler", "state", "/"]);
        check(&routes, "/api/v1", Some("api/v1"));
        check(&routes, "/api/v1/operator", Some("api/v1"));
        check(&routes, "/api/v1/scheduler", Some("api/v1/scheduler"));
        check(&routes, "/api/v1/", None);
        check(&routes, "/api/v1/operator/", Some("api/v1"));
        check(&routes, "/api//v1", None);
        check(&routes, "/api/v1scheduler", None);
        check(&routes, "/state", Some("state"));
        check(&routes, "//state", Some("state"));
        check(&routes, "/state/", None);
        check(&routes, "/states", None);
        check(&routes, "", Some(""));
        check(&routes, "/", Some(""));
        assert_eq!(routes.all().len(), 4);
        routes.clear();
        check(&routes, "/state", None);
    }

    #[test]
    fn directory_answers_its_path_with_a_slash() {
        let routes = routes(&["app", "state"]);
        routes.add(Route::new("app").directory(), false, Arc::new(|_| Response::ok().into()));
        for path in ["/app", "/app/", "/app/index.html", "/app/sub/"] {
            check(&routes, path, Some("app"));
        }
        check(&routes, "/state/", None);
    }

    #[test]
    fn names_go_before_parameters_and_length_before_both() {
        let routes = routes(&["tasks/{id}", "tasks/all", "tasks/{id}/logs/{file}", "{any}/x/y", "a/{}"]);
        check(&routes, "/tasks/7", Some("tasks/{id}"));
        check(&routes, "/tasks/all", Some("tasks/all"));
        check(&routes, "/tasks/all/logs/out", Some("tasks/{id}/logs/{file}"));
        check(&routes, "/tasks/x/y", Some("{any}/x/y"));
        check(&routes, "/tasks/x/z", Some("tasks/{id}"));
        check(&routes, "/tasks//z", None);
        check(&routes, "/tasks", None);
        check(&routes, "/a/b", None);
        check(&routes, "/a/{}", Some("a/{}"));
    }

    #[test]
    fn parameters_are_decoded() {
        let routes = routes(&["tasks/{id}/logs/{file}"]);
        let parameters = |path: &str| routes.find(path).unwrap().parameters(path);
        let found = parameters("/tasks/a%20b/logs/out%2Ftxt/more").unwrap();
        assert_eq!((found.get("id"), found.get("file")), (Some("a b"), Some("out/txt")));
        assert_eq!(found.get("other"), None);
        assert_eq!(parameters("/tasks/%zz/logs/x").unwrap_err(), "Malformed % escape in '%zz': '%zz'");
    }

    /// The same by looking at every route: how many parts fit, and which of the first ones by name.
    fn found_slowly<'a>(paths: &'a [String], path: &str) -> Option<&'a str> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let rank = |route: &str| {
            let names: Vec<&str> = route.split('/').collect();
            let fits = |(name, part): (&&str, &&str)| parameter(name).is_some() || name == part;
            let fit = names.len() <= parts.len() && names.iter().zip(&parts).all(fits);
            fit.then(|| (names.len(), names.iter().map(|name| parameter(name).is_none()).collect::<Vec<_>>()))
        };
        let ranked = paths.iter().filter_map(|route| Some((rank(route)?, route.as_str())));
        ranked.max().map(|(_, route)| route)
    }

    proptest::proptest! {
        #[test]
        fn tree_finds_what_looking_at_every_route_finds(
            paths in proptest::collection::vec("(a|b|\\{x\\})(/(a|b|\\{x\\})){0,3}", 0..12),
            path in "(/(a|b|c)){1,5}",
        ) {
            let names: Vec<&str> = paths.iter().map(String::as_str).collect();
            let found = routes(&names).find(&path);
            let found = found.as_ref().map(|endpoint| endpoint.route.path.as_str());
            proptest::prop_assert_eq!(found, found_slowly(&paths, &path));
        }
    }
}
