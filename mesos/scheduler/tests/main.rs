//! The scheduler library against a master that the test plays.

use std::sync::Arc;
use std::time::Duration;

use libprocess::http::{Reply, Request, Response, StatusCode, Writer, pipe};
use libprocess::{Clock, Context, Node, Pid, Process, Time};
use mesos_api::v1::scheduler::{Call, Event, call, event};
use mesos_api::v1::{FrameworkInfo, Offer, OfferId, TaskState, TaskStatus};
use mesos_api::{ContentType, recordio};
use mesos_scheduler::{Config, Driver, Scheduler};
use tokio::sync::mpsc;

/// Answers as the test wants, and keeps what it was asked.
struct FakeMaster {
    content_type: ContentType,
    /// Answers for the subscriptions to come; without one they succeed.
    refusals: Vec<Response>,
    stream: Option<Writer>,
    seen: mpsc::UnboundedSender<Call>,
    subscriptions: u32,
}

impl Process for FakeMaster {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route("api/v1/scheduler", "Takes calls.", |master, _cx, request| master.answer(&request));
    }
}

impl FakeMaster {
    fn answer(&mut self, request: &Request) -> Reply {
        assert_eq!(request.header("content-type"), Some(self.content_type.name()));
        let call: Call = self.content_type.decode(&request.body).unwrap();
        let kind = call.r#type();
        self.seen.send(call).unwrap();
        if kind != call::Type::Subscribe {
            let expected = format!("stream-{}", self.subscriptions);
            assert_eq!(request.header("mesos-stream-id"), Some(expected.as_str()));
            return Response::accepted().into();
        }
        if !self.refusals.is_empty() {
            return self.refusals.remove(0).into();
        }
        self.subscriptions += 1;
        let (writer, reader) = pipe(1 << 20);
        self.stream = Some(writer);
        let mut subscribed = Event { ..Event::default() };
        subscribed.set_type(event::Type::Subscribed);
        subscribed.subscribed = Some(event::Subscribed {
            framework_id: "f-1".into(),
            heartbeat_interval_seconds: Some(15.0),
            ..Default::default()
        });
        self.tell(&subscribed);
        Response::stream(self.content_type.name(), reader)
            .with_header("Mesos-Stream-Id", format!("stream-{}", self.subscriptions))
            .into()
    }

    fn tell(&self, event: &Event) {
        let record = recordio::encode(&self.content_type.encode(event));
        assert!(self.stream.as_ref().unwrap().write(record));
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    Subscribed(String),
    Disconnected,
    Offers(usize),
    Update(TaskState),
    Error(String),
}

struct Framework(mpsc::UnboundedSender<Seen>);

impl Scheduler for Framework {
    fn subscribed(&mut self, _driver: &Driver, subscribed: event::Subscribed) {
        self.0.send(Seen::Subscribed(subscribed.framework_id.value)).unwrap();
    }

    fn disconnected(&mut self, _driver: &Driver) {
        self.0.send(Seen::Disconnected).unwrap();
    }

    fn offers(&mut self, driver: &Driver, offers: Vec<Offer>) {
        self.0.send(Seen::Offers(offers.len())).unwrap();
        driver.decline(offers.into_iter().map(|offer| offer.id), None);
    }

    fn update(&mut self, _driver: &Driver, status: TaskStatus) {
        self.0.send(Seen::Update(status.state())).unwrap();
    }

    fn error(&mut self, _driver: &Driver, text: String) {
        self.0.send(Seen::Error(text)).unwrap();
    }
}

struct Stage {
    clock: Clock,
    master: Pid<FakeMaster>,
    calls: mpsc::UnboundedReceiver<Call>,
    seen: mpsc::UnboundedReceiver<Seen>,
    running: mesos_scheduler::Running,
}

async fn stage(content_type: ContentType, refusals: Vec<Response>) -> Stage {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    let (calls, received) = mpsc::unbounded_channel();
    let master = FakeMaster { content_type, refusals, stream: None, seen: calls, subscriptions: 0 };
    let master = node.spawn_as("master", master).unwrap();
    master.ask(|_, _| ()).await.unwrap();
    let (tell, seen) = mpsc::unbounded_channel();
    let framework = FrameworkInfo { user: "u".into(), name: "n".into(), ..Default::default() };
    let mut config = Config::new(node.address().to_string(), framework);
    config.content_type = content_type;
    let running = mesos_scheduler::start(&node, config, Framework(tell));
    Stage { clock, master, calls: received, seen, running }
}

impl Stage {
    async fn seen(&mut self) -> Seen {
        tokio::time::timeout(Duration::from_secs(20), self.seen.recv()).await.expect("an event").unwrap()
    }

    async fn call(&mut self) -> Call {
        tokio::time::timeout(Duration::from_secs(20), self.calls.recv()).await.expect("a call").unwrap()
    }

    /// Lets time pass until the library does something, since what crosses a socket takes real time.
    async fn call_after(&mut self, step: Duration) -> Call {
        for _ in 0..2000 {
            self.clock.advance(step).await;
            if let Ok(call) = self.calls.try_recv() {
                return call;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no call came");
    }
}

fn update() -> Event {
    let mut status = TaskStatus {
        task_id: "t".into(),
        agent_id: Some("a".into()),
        uuid: Some(vec![7; 16]),
        ..Default::default()
    };
    status.set_state(TaskState::TaskRunning);
    let mut event = Event { update: Some(event::Update { status }), ..Event::default() };
    event.set_type(event::Type::Update);
    event
}

#[tokio::test]
async fn offers_and_updates_reach_the_framework_and_are_answered() {
    for content_type in [ContentType::Json, ContentType::Protobuf] {
        let mut stage = stage(content_type, Vec::new()).await;
        assert_eq!(stage.call().await.r#type(), call::Type::Subscribe);
        assert_eq!(stage.seen().await, Seen::Subscribed("f-1".into()));
        let offer = Offer {
            id: OfferId { value: "o".into() },
            framework_id: "f-1".into(),
            agent_id: "a".into(),
            hostname: "h".into(),
            ..Default::default()
        };
        let mut offers = Event { offers: Some(event::Offers { offers: vec![offer] }), ..Event::default() };
        offers.set_type(event::Type::Offers);
        stage.master.tell(move |master, _cx| {
            master.tell(&offers);
            master.tell(&update());
        });
        assert_eq!(stage.seen().await, Seen::Offers(1));
        assert_eq!(stage.seen().await, Seen::Update(TaskState::TaskRunning));
        let decline = stage.call().await;
        assert_eq!(decline.framework_id, Some("f-1".into()));
        assert_eq!(decline.decline.unwrap().offer_ids[0].value, "o");
        let acknowledge = stage.call().await.acknowledge.unwrap();
        assert_eq!(acknowledge.uuid, [7; 16]);
    }
}

#[tokio::test]
async fn broken_subscription_is_renewed_with_the_id() {
    let mut stage = stage(ContentType::Protobuf, Vec::new()).await;
    assert_eq!(stage.call().await.framework_id, None);
    assert_eq!(stage.seen().await, Seen::Subscribed("f-1".into()));
    stage.master.ask(|master, _cx| master.stream = None).await.unwrap();
    assert_eq!(stage.seen().await, Seen::Disconnected);
    let again = stage.call_after(Duration::from_millis(500)).await;
    assert_eq!(again.framework_id, Some("f-1".into()));
    assert_eq!(stage.seen().await, Seen::Subscribed("f-1".into()));
}

#[tokio::test]
async fn silent_master_is_left() {
    let mut stage = stage(ContentType::Protobuf, Vec::new()).await;
    stage.call().await;
    stage.seen().await;
    let again = stage.call_after(Duration::from_secs(5)).await;
    assert_eq!(again.r#type(), call::Type::Subscribe);
    assert_eq!(stage.seen().await, Seen::Disconnected);
}

/// Tells only why there is no subscription.
struct Waiting(mpsc::UnboundedSender<String>);

impl Scheduler for Waiting {
    fn offers(&mut self, _driver: &Driver, _offers: Vec<Offer>) {}

    fn unavailable(&mut self, _driver: &Driver, reason: String) {
        self.0.send(reason).unwrap();
    }
}

#[tokio::test]
async fn master_that_does_not_answer_is_told_of_and_tried_again() {
    let node = Node::builder().start().await.unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let framework = FrameworkInfo { user: "u".into(), name: "n".into(), ..Default::default() };
    let mut config = Config::new(&address, framework);
    config.answer_wait_max = Duration::from_millis(20);
    config.retry_wait_min = Duration::from_millis(1);
    let (tell, mut reasons) = mpsc::unbounded_channel();
    let running = mesos_scheduler::start(&node, config, Waiting(tell));
    for _ in 0..2 {
        let _connection = silent.accept().await.unwrap();
        let reason = reasons.recv().await.unwrap();
        assert!(reason.contains("no answer") && reason.contains(&address), "{reason}");
    }
    running.driver().stop();
    running.wait().await.unwrap();
}

#[tokio::test]
async fn unavailable_master_is_tried_again_and_a_refusal_is_final() {
    let refusals = vec![Response::service_unavailable("later"), Response::bad_request("no user")];
    let mut stage = stage(ContentType::Json, refusals).await;
    stage.call().await;
    stage.call_after(Duration::from_millis(500)).await;
    let Seen::Error(text) = stage.seen().await else { panic!("it goes on") };
    assert!(text.contains("400") && text.contains("no user"), "{text}");
    assert!(stage.running.wait().await.is_err());
}

#[tokio::test]
async fn framework_is_torn_down_once_the_master_has_answered() {
    let mut stage = stage(ContentType::Protobuf, Vec::new()).await;
    stage.call().await;
    stage.seen().await;
    stage.running.driver().teardown();
    let teardown = stage.call().await;
    assert_eq!((teardown.r#type(), teardown.framework_id), (call::Type::Teardown, Some("f-1".into())));
    assert_eq!(stage.running.wait().await.unwrap(), Some("f-1".into()));
}

#[tokio::test]
async fn teardown_that_no_master_hears_of_fails() {
    let mut stage = stage(ContentType::Json, vec![Response::service_unavailable("later")]).await;
    stage.call().await;
    stage.running.driver().teardown();
    let reason = stage.running.wait().await.unwrap_err().to_string();
    assert!(reason.contains("no master"), "{reason}");
}

#[tokio::test]
async fn follower_sends_us_on_to_the_leader() {
    let node = Node::builder().start().await.unwrap();
    let location = format!("//{}/master/api/v1/scheduler", node.address());
    let (calls, mut received) = mpsc::unbounded_channel();
    let leader = FakeMaster {
        content_type: ContentType::Protobuf,
        refusals: Vec::new(),
        stream: None,
        seen: calls,
        subscriptions: 0,
    };
    node.spawn_as("master", leader).unwrap();
    let location = Arc::new(location);
    let follower_location = Arc::clone(&location);
    let mut stage = stage(
        ContentType::Protobuf,
        vec![
            Response::new(StatusCode::TEMPORARY_REDIRECT).with_header("Location", follower_location.as_str()),
        ],
    )
    .await;
    stage.call().await;
    for _ in 0..2000 {
        stage.clock.advance(Duration::from_millis(500)).await;
        if received.try_recv().is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the leader was not asked");
}
