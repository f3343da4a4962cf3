//! `/help`, for people in a terminal, for browsers, and for programs.

use std::fmt::Write;

use serde_json::json;

use crate::http::{Reply, Request, Response, Route};
use crate::node::WeakNode;

/// A process with the routes that are told of it.
struct Chapter {
    process: String,
    routes: Vec<Route>,
}

/// Tells of all processes, of the one that the path names, or of one route of it.
pub(super) fn page(node: &WeakNode, request: &Request) -> Reply {
    let Some(node) = node.upgrade() else { return Response::service_unavailable("shutting down").into() };
    let below = percent_encoding::percent_decode_str(request.rest.trim_matches('/')).decode_utf8_lossy();
    let (wanted, path) = below.split_once('/').unwrap_or((&below, ""));
    let mut chapters = Vec::new();
    for process in node.processes() {
        let id = process.shared().upid().id();
        if !wanted.is_empty() && id != wanted {
            continue;
        }
        let fits = |route: &Route| path.is_empty() || route.path == path;
        let all = process.shared().routes().map(|routes| routes.all()).unwrap_or_default();
        let routes = all.iter().map(|endpoint| endpoint.route.clone()).filter(fits).collect();
        let chapter = Chapter { process: id.to_owned(), routes };
        if !chapter.routes.is_empty() {
            chapters.push(chapter);
        }
    }
    if chapters.is_empty() {
        let text = format!("there is no help for '/{below}'; '/help' tells what there is\n");
        return Response::not_found().with_text(text).into();
    }
    if request.query.get("format") == Some("json") {
        return Response::json(to_json(&chapters)).into();
    }
    if wants_html(request) {
        return Response::ok().with_body("text/html; charset=utf-8", to_html(&chapters)).into();
    }
    Response::text(to_text(&chapters)).into()
}

/// Only browsers name HTML among what they accept.
fn wants_html(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.contains("text/html"))
        && request.accepts("text/html")
}

fn to_text(chapters: &[Chapter]) -> String {
    let mut text = String::from("What can be asked of this node:\n\n");
    for (path, route) in chapters.iter().flat_map(Chapter::entries) {
        let _ = writeln!(text, "{path}");
        for line in lines(route) {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

fn to_html(chapters: &[Chapter]) -> String {
    let mut html = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Help</title></head><body>\n\
         <h1><a href=\"/help\">What can be asked of this node</a></h1>\n",
    );
    for chapter in chapters {
        let process = escape(&chapter.process);
        let _ = writeln!(html, "<h2><a href=\"/help/{process}\">{process}</a></h2>\n<dl>");
        for (path, route) in chapter.entries() {
            let path = escape(&path);
            // What has parameters is no address yet.
            let _ = match path.contains('{') {
                true => write!(html, "<dt><code>{path}</code></dt><dd>"),
                false => write!(html, "<dt><a href=\"{path}\"><code>{path}</code></a></dt><dd>"),
            };
            let lines: Vec<String> = lines(route).iter().map(|line| escape(line)).collect();
            let _ = writeln!(html, "{}</dd>", lines.join("<br>"));
        }
        html.push_str("</dl>\n");
    }
    html.push_str("</body></html>\n");
    html
}

fn to_json(chapters: &[Chapter]) -> String {
    let endpoint =
        |route: &Route| json!({"name": format!("/{}", route.path), "text": lines(route).join("\n")});
    let process = |chapter: &Chapter| {
        let endpoints: Vec<_> = chapter.routes.iter().map(endpoint).collect();
        json!({"id": chapter.process, "endpoints": endpoints})
    };
    json!({"processes": chapters.iter().map(process).collect::<Vec<_>>()}).to_string()
}

impl Chapter {
    /// The routes with their whole paths.
    fn entries(&self) -> impl Iterator<Item = (String, &Route)> {
        self.routes.iter().map(|route| {
            let slash = if route.path.is_empty() { "" } else { "/" };
            (format!("/{}{slash}{}", self.process, route.path), route)
        })
    }
}

/// What is said of a route.
fn lines(route: &Route) -> Vec<String> {
    let mut lines: Vec<String> = route.help.lines().map(str::to_owned).collect();
    lines.extend(route.realm.as_ref().map(|realm| format!("Belongs to the realm '{realm}'.")));
    if route.streams_body {
        lines.push("Reads the body of a request as it comes.".to_owned());
    }
    lines.extend(route.body_bytes_max.map(|bytes| format!("A body has at most {bytes} bytes.")));
    lines.extend(route.answer_wait_max.map(|wait| format!("Answers within {wait:?}.")));
    lines.extend(route.concurrent_max.map(|count| format!("Answers at most {count} requests at a time.")));
    lines
}

/// Text as it stands in HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(all(test, feature = "metrics"))] // Whose page is one that help tells of.
mod tests {
    use super::*;
    use crate::{Context, Node, Process};

    struct Printer;

    impl Process for Printer {
        fn initialize(&mut self, cx: &mut Context<Self>) {
            let jobs = Route::new("jobs/{id}").help("One job.\nOr <none>.").realm("staff").concurrent_max(2);
            cx.route_with(jobs, |_, _, _| Response::ok());
            cx.route("toner", "How much is left.", |_, _, _| Response::ok());
        }
    }

    async fn ask(node: &Node, path: &str, accept: &'static str) -> (u16, String) {
        let mut request = Request::get(path);
        request.headers.insert("accept", accept.parse().unwrap());
        let response = page(&node.downgrade(), &request).response().await;
        let body = response.body.full().unwrap_or_default().to_vec();
        (response.status.as_u16(), String::from_utf8(body).unwrap())
    }

    #[tokio::test]
    async fn help_is_text_html_or_json_of_all_or_of_one() {
        let node = Node::builder().start().await.unwrap();
        let printer = node.spawn_as("printer", Printer).unwrap();
        printer.ask(|_, _| ()).await.unwrap();

        let (_, text) = ask(&node, "/help", "*/*").await;
        let expected = "/printer/jobs/{id}\n    One job.\n    Or <none>.\n    Belongs to the realm 'staff'.\n    \
            Answers at most 2 requests at a time.\n/printer/toner\n    How much is left.\n";
        assert!(text.contains(expected) && text.contains("/metrics/snapshot\n"), "{text}");

        let (_, html) = ask(&node, "/help/printer", "text/html,*/*;q=0.8").await;
        assert!(html.contains("<a href=\"/printer/toner\">") && !html.contains("/metrics"), "{html}");
        assert!(
            html.contains("Or &lt;none&gt;.") && html.contains("<code>/printer/jobs/{id}</code>"),
            "{html}"
        );

        let (_, json) = ask(&node, "/help/printer/toner?format=json", "*/*").await;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let endpoints = json!([{"name": "/toner", "text": "How much is left."}]);
        assert_eq!(json, json!({"processes": [{"id": "printer", "endpoints": endpoints}]}));

        let (status, text) = ask(&node, "/help/plotter", "*/*").await;
        assert_eq!((status, text.contains("'/plotter'")), (404, true));
        node.shutdown().await;
    }
}
