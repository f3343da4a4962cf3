//! Turning up for a while how much a program logs.

use std::time::Duration;

use tracing::info;

use crate::http::{Request, Response, Route};
use crate::{Context, Future, Node, Pid, Process, SpawnError, Timer};
use stout::duration;

/// The level that the log is at when nobody has turned it up.
const ORIGINAL: u32 = 0;

/// How much a program logs, which operators can raise for a while at `/logging/toggle`. Clones are the same.
///
/// Levels are those of the C++ libprocess: 0 is what the program logs by itself, and each higher one adds
/// more. What a level means is up to the program, which is told it.
///
/// ```
/// use std::time::Duration;
///
/// use libprocess::{Logging, Node};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let node = Node::builder().start().await?;
/// let logging = Logging::start(&node, |level| {
///     // Here the filter of the program's subscriber is replaced.
///     println!("logging at level {level}");
/// }).expect("nothing else has the id on a new node");
/// // As a request for /logging/toggle?level=1&duration=5mins does.
/// logging.set_level(1, Duration::from_secs(300)).await.unwrap();
/// assert_eq!(logging.level().await, Ok(1));
/// # node.shutdown().await;
/// # std::io::Result::Ok(()) })?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct Logging {
    pid: Pid<LoggingProcess>,
}

impl Logging {
    /// Answers `/logging/toggle` on the node, in the realm of its [own pages](crate::NodeBuilder::pages_realm);
    /// `set` is told every new level, inside the process.
    ///
    /// # Errors
    ///
    /// The node answers it already, or is shutting down.
    pub fn start(node: &Node, set: impl FnMut(u32) + Send + 'static) -> Result<Self, SpawnError> {
        let process = LoggingProcess { set: Box::new(set), level: ORIGINAL, reverting: None };
        Ok(Self { pid: node.spawn_as("logging", process)? })
    }

    /// The level now.
    pub fn level(&self) -> Future<u32> {
        self.pid.ask(|process, _cx| process.level)
    }

    /// Sets the level for so long; then it goes back to 0. A later call replaces this one.
    pub fn set_level(&self, level: u32, duration: Duration) -> Future<()> {
        self.pid.ask(move |process, cx| process.set(cx, level, duration))
    }
}

struct LoggingProcess {
    set: Box<dyn FnMut(u32) + Send>,
    level: u32,
    reverting: Option<Timer>,
}

impl Process for LoggingProcess {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        let help = "How much is logged: raises it to 'level' (0, 1, 2) for 'duration', or tells it.";
        let toggle = cx.node().in_pages_realm(Route::new("toggle").help(help));
        cx.route_with(toggle, |process, cx, request| process.toggle(cx, &request));
    }
}

impl LoggingProcess {
    fn toggle(&mut self, cx: &mut Context<Self>, request: &Request) -> Response {
        let (level, duration) = match (request.query.get("level"), request.query.get("duration")) {
            (None, None) => return Response::text(format!("{}\n", self.level)),
            (Some(_), None) => return Response::bad_request("Expecting 'duration=value' in query.\n"),
            (None, Some(_)) => return Response::bad_request("Expecting 'level=value' in query.\n"),
            (Some(level), Some(duration)) => (level, duration),
        };
        let Ok(level) = level.parse::<u32>() else {
            return Response::bad_request(format!("Invalid level '{level}'.\n"));
        };
        match duration::parse(duration) {
            Ok(duration) => {
                self.set(cx, level, duration);
                Response::ok()
            }
            Err(error) => Response::bad_request(format!("{error}.\n")),
        }
    }

    fn set(&mut self, cx: &mut Context<Self>, level: u32, duration: Duration) {
        if let Some(timer) = self.reverting.take() {
            timer.cancel();
        }
        self.change(level);
        if level != ORIGINAL {
            self.reverting = Some(cx.delay(duration, |process, _cx| process.change(ORIGINAL)));
        }
    }

    fn change(&mut self, level: u32) {
        if level != self.level {
            info!(from = self.level, to = level, "changing how much is logged");
            self.level = level;
            (self.set)(level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use crate::http::{Client, HeaderMap, Method};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use stout::Time;

    async fn start() -> (Node, Logging, Arc<AtomicU32>) {
        let node = Node::builder().clock(Clock::paused(Time::EPOCH)).start().await.unwrap();
        let told = Arc::new(AtomicU32::new(0));
        let set = Arc::clone(&told);
        let logging = Logging::start(&node, move |level| set.store(level, Ordering::Relaxed)).unwrap();
        (node, logging, told)
    }

    #[tokio::test]
    async fn level_goes_back_after_its_time() {
        let (node, logging, told) = start().await;
        logging.set_level(2, Duration::from_secs(5)).await.unwrap();
        assert_eq!((logging.level().await.unwrap(), told.load(Ordering::Relaxed)), (2, 2));
        node.clock().advance(Duration::from_secs(3)).await;
        logging.set_level(1, Duration::from_secs(5)).await.unwrap();
        node.clock().advance(Duration::from_secs(4)).await;
        assert_eq!(logging.level().await.unwrap(), 1);
        node.clock().advance(Duration::from_secs(1)).await;
        assert_eq!((logging.level().await.unwrap(), told.load(Ordering::Relaxed)), (0, 0));
        node.shutdown().await;
    }

    #[tokio::test]
    async fn endpoint_tells_and_sets_the_level() {
        let (node, logging, _) = start().await;
        let client = Client::new();
        let check = async |query: &str, status: u16, part: &str| {
            let url = format!("http://{}/logging/toggle{query}", node.address());
            let response =
                client.request(Method::GET, &url, HeaderMap::new(), bytes::Bytes::new()).await.unwrap();
            assert_eq!(response.status, status, "{query}");
            let body = response.bytes(1 << 24).await.unwrap();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains(part), "{query}: {body}");
        };
        check("", 200, "0\n").await;
        check("?level=1&duration=10secs", 200, "").await;
        assert_eq!(logging.level().await.unwrap(), 1);
        check("", 200, "1\n").await;
        check("?level=1", 400, "duration=value").await;
        check("?duration=1secs", 400, "level=value").await;
        check("?level=-1&duration=1secs", 400, "'-1'").await;
        check("?level=x&duration=1secs", 400, "'x'").await;
        check("?level=1&duration=soon", 400, "soon").await;
        node.shutdown().await;
    }
}
