//! `/logging/toggle`.

use std::sync::Arc;
use std::time::Duration;

use libprocess::http::{Reply, Request, Response};
use libprocess::{Context, Future, Node, Pid, Process, SpawnError, Timer};
use mesos_auth::Authorizer;
use stout::duration;
use tracing::info;

use super::Verbosity;
use crate::endpoint;

/// The level that the log is at when nobody has turned it up.
const ORIGINAL: u32 = 0;

/// How much a daemon logs, which operators can raise for a while. Clones are the same.
#[derive(Clone, Debug)]
pub struct Logging {
    pid: Pid<LoggingProcess>,
}

impl Logging {
    /// Answers `/logging/toggle` on the node.
    ///
    /// # Errors
    ///
    /// The node answers it already.
    pub fn start(
        node: &Node,
        verbosity: Verbosity,
        authorizer: Arc<dyn Authorizer>,
    ) -> Result<Logging, SpawnError> {
        let process = LoggingProcess { verbosity, authorizer, level: ORIGINAL, reverting: None };
        Ok(Logging { pid: node.spawn_as("logging", process)? })
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

/// The process behind [`Logging`].
pub struct LoggingProcess {
    verbosity: Verbosity,
    authorizer: Arc<dyn Authorizer>,
    level: u32,
    reverting: Option<Timer>,
}

impl Process for LoggingProcess {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.route(
            "toggle",
            "How much is logged: raises it to 'level' (0, 1, 2) for 'duration', or tells it.",
            |process, cx, request| process.toggle(cx, request),
        );
    }
}

impl LoggingProcess {
    fn toggle(&mut self, cx: &mut Context<Self>, request: Request) -> Reply {
        let allowed = endpoint::authorize(&*self.authorizer, &request, "/logging/toggle");
        let pid = cx.pid();
        Reply::later(async move {
            if let Err(refused) = allowed.await {
                return refused;
            }
            let answered = pid.ask(move |process, cx| process.answer(cx, &request)).await;
            answered.unwrap_or_else(|error| Response::internal_server_error(error.to_string()))
        })
    }

    fn answer(&mut self, cx: &mut Context<Self>, request: &Request) -> Response {
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
            self.verbosity.set(level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libprocess::Clock;
    use libprocess::http::{Client, HeaderMap, Method};
    use mesos_auth::Permissive;
    use std::sync::atomic::{AtomicU32, Ordering};
    use stout::Time;

    async fn start() -> (Node, Logging, Arc<AtomicU32>) {
        let node = Node::builder().clock(Clock::paused(Time::EPOCH)).start().await.unwrap();
        let told = Arc::new(AtomicU32::new(0));
        let verbosity = Verbosity::new({
            let told = Arc::clone(&told);
            move |level| told.store(level, Ordering::Relaxed)
        });
        let logging = Logging::start(&node, verbosity, Arc::new(Permissive)).unwrap();
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
