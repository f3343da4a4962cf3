use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use libprocess::http::{Reply, Request, Response};
use libprocess::{Context, Node, Process};
use mesos_access::Subject;
use mesos_api::ContentType;
use mesos_api::v1::agent::{Call, Response as Answer, call, response};
use mesos_auth::Permissive;
use mesos_daemon::files::Files;
use tempfile::TempDir;

use super::*;
use crate::api::Api;

/// The calls of an agent that read sandboxes.
struct Agent(Files);

impl Process for Agent {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route("v1", "Takes calls.", |agent, _cx, request| agent.answer(&request));
    }
}

impl Agent {
    fn answer(&mut self, request: &Request) -> Reply {
        let call: Call = ContentType::Protobuf.decode(&request.body).unwrap();
        let files = self.0.clone();
        Reply::later(async move {
            let answer = match call.r#type() {
                call::Type::ReadFile => {
                    let call = call.read_file.unwrap();
                    let read = files.read(call.path, call.offset, call.length, Subject::unknown());
                    read.await.unwrap().map(|chunk| Answer {
                        read_file: Some(response::ReadFile { size: chunk.size, data: chunk.data }),
                        ..Answer::default()
                    })
                }
                call::Type::ListFiles => {
                    let listed = files.browse(call.list_files.unwrap().path, Subject::unknown());
                    listed.await.unwrap().map(|file_infos| Answer {
                        list_files: Some(response::ListFiles { file_infos }),
                        ..Answer::default()
                    })
                }
                kind => panic!("{kind:?}"),
            };
            let protobuf = ContentType::Protobuf;
            answer.map_or_else(Response::from, |answer| {
                Response::ok().with_body(protobuf.name(), protobuf.encode(&answer))
            })
        })
    }
}

/// A sandbox with a file that is written and renamed as by an agent.
struct Stage {
    node: Node,
    directory: TempDir,
    follower: Follower,
    over: signal::Sender<bool>,
}

impl Stage {
    async fn new(files: &[(&str, &str)]) -> Self {
        let node = Node::builder().start().await.unwrap();
        let files_of_node = Files::start(&node, Arc::new(Permissive)).unwrap();
        let directory = tempfile::tempdir().unwrap();
        files_of_node.attach("/framework/f/executor/e/latest", directory.path(), None);
        node.spawn_as("api", Agent(files_of_node)).unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let address = node.address().to_string().parse().unwrap();
        let api = Api::new("agent", "", address, Duration::from_secs(30));
        let sandbox = Sandbox::new(api, &"f".into(), &"e".into());
        let (over, told) = signal::channel(false);
        let follower = Follower::start(sandbox, "stdout", true, told).await.unwrap();
        Self { node, directory, follower, over }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The file is full, and the next one begins.
    fn rename(&self, next: &str) {
        fs::rename(self.path("stdout"), self.path("stdout.1")).unwrap();
        fs::write(self.path("stdout"), next).unwrap();
    }

    async fn data(&mut self) -> String {
        match self.follower.next().await.unwrap() {
            Some(Piece::Data(data)) => String::from_utf8(data).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// All that comes until the end: text, and what is lost in it.
    async fn rest(mut self) -> (String, Vec<Loss>) {
        self.over.send_replace(true);
        let (mut text, mut lost) = (String::new(), Vec::new());
        while let Some(piece) = self.follower.next().await.unwrap() {
            match piece {
                Piece::Data(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
                Piece::Lost(loss) => lost.push(loss),
            }
        }
        self.node.shutdown().await;
        (text, lost)
    }
}

/// A text that is long enough to be known again, and different for each number.
fn text(number: usize) -> String {
    format!("{number:04} ").repeat(100)
}

#[tokio::test]
async fn file_that_grows_is_read_to_its_end() {
    let mut stage = Stage::new(&[("stdout", "one ")]).await;
    assert_eq!(stage.data().await, "one ");
    fs::write(stage.path("stdout"), "one two").unwrap();
    assert_eq!(stage.data().await, "two");
    assert_eq!(stage.rest().await, (String::new(), Vec::new()));
}

#[tokio::test]
async fn file_that_never_comes_is_empty() {
    assert_eq!(Stage::new(&[]).await.rest().await, (String::new(), Vec::new()));
}

#[tokio::test]
async fn what_was_renamed_before_the_first_look_comes_first() {
    let stage = Stage::new(&[("stdout.1", "old "), ("stdout", "new")]).await;
    assert_eq!(stage.rest().await, ("old new".to_owned(), Vec::new()));
}

#[tokio::test]
async fn rest_of_a_file_that_was_renamed_is_read_under_its_new_name() {
    let mut stage = Stage::new(&[("stdout", "one ")]).await;
    assert_eq!(stage.data().await, "one ");
    fs::write(stage.path("stdout"), "one two ").unwrap();
    // Longer than what was read of the first, so that its size tells nothing.
    stage.rename("three four five");
    assert_eq!(stage.rest().await, ("two three four five".to_owned(), Vec::new()));
}

#[tokio::test]
async fn files_that_lost_their_names_unread_are_read() {
    let mut stage = Stage::new(&[("stdout", &text(0))]).await;
    assert_eq!(stage.data().await, text(0));
    for number in 1..10 {
        stage.rename(&text(number));
        stage.follower.watch.look().await.unwrap();
    }
    assert_eq!(stage.rest().await, ((1..10).map(text).collect(), Vec::new()));
}

#[tokio::test]
async fn what_is_lost_is_told_once_with_how_much_it_is() {
    let stage = Stage::new(&[("stdout", &text(0))]).await;
    for number in 1..=watch::COPIES_MAX + 3 {
        stage.rename(&text(number));
        stage.follower.watch.look().await.unwrap();
    }
    let (read, lost) = stage.rest().await;
    let lost_files = 3;
    let expected: String = (0..watch::COPIES_MAX).chain([watch::COPIES_MAX + lost_files]).map(text).collect();
    assert_eq!(read, expected);
    let bytes = (lost_files * text(0).len()) as u64;
    assert_eq!(lost, [Loss { bytes, more: false }]);
    assert!(lost[0].warning("stdout").contains(&format!("{bytes} bytes of stdout were lost")));
}

#[tokio::test]
async fn files_that_came_and_went_unseen_are_told_of() {
    let mut stage = Stage::new(&[("stdout", &text(0))]).await;
    assert_eq!(stage.data().await, text(0));
    // The first is known to be followed by another one only by how that begins.
    for number in 1..4 {
        let next = stage.path("next");
        fs::write(&next, text(number)).unwrap();
        fs::rename(stage.path("stdout"), stage.path("gone")).unwrap();
        fs::rename(next, stage.path("stdout")).unwrap();
    }
    stage.rename("end");
    let (read, lost) = stage.rest().await;
    assert!(read.ends_with("end") && read.contains(&text(3)), "{read}");
    assert_eq!(lost, [UNKNOWN]);
    assert!(lost[0].warning("stdout").contains("an unknown number of bytes"));
}

#[tokio::test]
async fn file_that_was_emptied_is_read_from_its_beginning() {
    let mut stage = Stage::new(&[("stdout", "one two ")]).await;
    assert_eq!(stage.data().await, "one two ");
    fs::write(stage.path("stdout"), "three").unwrap();
    assert_eq!(stage.rest().await, ("three".to_owned(), vec![UNKNOWN]));
}
