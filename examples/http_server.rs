//! HTTP on an actor: a route with a parameter, a body that is read as it comes, events for browsers, and the
//! files of a directory. The program is its own client; while it runs, `curl` and a browser work as well.
//!
//! ```text
//! cargo run --example http_server
//! ```

use std::collections::BTreeMap;
use std::error::Error;

use libprocess::http::{
    BodyReader, Client, ClientResponse, Event, Events, HeaderMap, Method, Reply, Request, Response, Route,
    events, files,
};
use libprocess::{Context, Node, Pid, Process};

/// Notes by their names, and who wants to hear of new ones.
#[derive(Default)]
struct Notes {
    notes: BTreeMap<String, String>,
    watchers: Vec<Events>,
}

impl Process for Notes {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        // GET /notes/note/milk. The handler has the state at hand, like every closure of an actor.
        cx.route("note/{name}", "One note.", |notes, _cx, request: Request| {
            let name = request.params.get("name").unwrap_or_default();
            notes.notes.get(name).map_or_else(Response::not_found, |note| Response::text(note.as_str()))
        });

        // POST /notes/write/milk. The body is as long as the bound says and need not be in memory as a whole; the
        // actor goes on with other things while it comes.
        let write = Route::new("write/{name}").help("Writes a note.").stream_body().body_bytes_max(1 << 20);
        cx.route_with(write, |_notes, cx, request: Request| {
            let (notes, name) = (cx.pid(), request.params.get("name").unwrap_or_default().to_owned());
            let Some(body) = request.take_body() else { return Response::bad_request("no body").into() };
            Reply::later(receive(notes, name, body))
        });

        // GET /notes/watch, with `new EventSource("/notes/watch")` in a browser.
        cx.route("watch", "Each new note, as server-sent events.", |notes, _cx, _request| {
            let (watcher, response) = events(64 << 10);
            notes.watchers.push(watcher);
            response
        });
    }
}

impl Notes {
    fn add(&mut self, name: String, note: String) {
        let event = Event::new(&note).name("note").id(&name);
        self.watchers.retain(|watcher| watcher.send(&event));
        self.notes.insert(name, note);
    }
}

/// Reads a body piece by piece, and gives the actor what is in it.
async fn receive(notes: Pid<Notes>, name: String, mut body: BodyReader) -> Response {
    let mut note = Vec::new();
    while let Some(piece) = body.read().await {
        match piece {
            Ok(bytes) => note.extend_from_slice(&bytes),
            Err(error) => return Response::bad_request(error.to_string()),
        }
    }
    let Ok(note) = String::from_utf8(note) else { return Response::bad_request("expecting text") };
    notes.tell(move |notes, _cx| notes.add(name, note));
    Response::accepted()
}

/// Answers with files, on the task of the connection: no actor has to do anything for it.
struct Pages(std::path::PathBuf);

impl Process for Pages {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        let app = Route::new("app").directory().help("The pages for the browser.");
        cx.serve_with(app, files("app", &self.0));
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("index.html"), "<h1>Notes</h1>")?;

    let node = Node::builder().start().await?;
    node.spawn_as("notes", Notes::default())?;
    node.spawn_as("pages", Pages(directory.path().to_owned()))?;

    let client = Client::new();
    let ask =
        async |method: Method, path: &str, body: &'static str| -> Result<ClientResponse, Box<dyn Error>> {
            let url = format!("http://{}{path}", node.address());
            let answer = client.request(method.clone(), &url, HeaderMap::new(), body).await?;
            println!("{method} {path}: {}", answer.status);
            Ok(answer)
        };
    let mut watch = ask(Method::GET, "/notes/watch", "").await?;
    ask(Method::POST, "/notes/write/milk", "two bottles").await?;
    let event = watch.chunk().await.ok_or("the stream has ended")??;
    println!("{}", String::from_utf8_lossy(&event).trim_end());
    for path in ["/notes/note/milk", "/notes/note/honey", "/pages/app/", "/pages/app/../secret"] {
        println!("{}", String::from_utf8_lossy(&ask(Method::GET, path, "").await?.bytes(1024).await?));
    }
    drop(watch);
    node.shutdown().await;
    Ok(())
}
