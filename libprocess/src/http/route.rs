//! What a process says about one of its routes.

use std::borrow::Cow;
use std::time::Duration;

/// A path of a process, and what holds for requests to it. [`Context::route_with`] and
/// [`Context::serve_with`] take it together with the handler.
///
/// A part of the path in braces, such as the last one of `tasks/{id}`, stands for any one part; the
/// handler finds it, decoded, in the [parameters](super::Request::params) of the request. Where several
/// routes fit, the longest wins, and then the one that names more of the first parts.
///
/// ```
/// use std::time::Duration;
///
/// use libprocess::http::{Response, Route};
/// use libprocess::{Context, Process};
///
/// struct Tasks;
///
/// impl Process for Tasks {
///     fn initialize(&mut self, cx: &mut Context<Self>) {
///         let task = Route::new("tasks/{id}")
///             .help("One task, as text.")
///             .realm("operators")
///             .body_bytes_max(64 << 10)
///             .answer_wait_max(Duration::from_secs(5))
///             .concurrent_max(100);
///         cx.route_with(task, |_tasks, _cx, request| {
///             Response::text(format!("task {}", request.params.get("id").unwrap_or_default()))
///         });
///     }
/// }
/// ```
///
/// [`Context::route_with`]: crate::Context::route_with
/// [`Context::serve_with`]: crate::Context::serve_with
#[derive(Clone, Debug)]
#[must_use = "a route is nothing without its handler: give both to `Context::route_with`"]
pub struct Route {
    /// Without slashes at the ends.
    pub(crate) path: String,
    pub(crate) help: Cow<'static, str>,
    pub(crate) realm: Option<String>,
    pub(crate) streams_body: bool,
    pub(crate) body_bytes_max: Option<usize>,
    pub(crate) body_silence_max: Option<Duration>,
    pub(crate) answer_wait_max: Option<Duration>,
    pub(crate) concurrent_max: Option<usize>,
    pub(crate) quick: bool,
    pub(crate) directory: bool,
}

impl Route {
    /// A route that anybody may use, within the bounds of the server.
    pub fn new(path: &str) -> Self {
        Self {
            path: path.trim_matches('/').to_owned(),
            help: Cow::Borrowed(""),
            realm: None,
            streams_body: false,
            body_bytes_max: None,
            body_silence_max: None,
            answer_wait_max: None,
            concurrent_max: None,
            quick: false,
            directory: false,
        }
    }

    /// What the path is for, as `/help` shows it. Lines end where this ends them.
    pub fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = help.into();
        self
    }

    /// The realm that the path belongs to: the [`Authenticator`](super::Authenticator) that the node
    /// has for it, if any, is asked about every request first.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// How long the body of a request may be, in place of
    /// [`Limits::request_bytes_max`](super::Limits::request_bytes_max); then 413.
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = Some(bytes);
        self
    }

    /// Calls the handler as soon as the head of a request is there, and lets it read the body as it
    /// comes, by [`Request::take_body`](super::Request::take_body). What is not read holds the sender
    /// up. The whole is as long as the sender likes, unless [`Route::body_bytes_max`] bounds it.
    pub fn stream_body(mut self) -> Self {
        self.streams_body = true;
        self
    }

    /// How long the sender of a streamed body may be silent while it is waited for, in place of
    /// [`Limits::body_wait_max`](super::Limits::body_wait_max).
    pub fn body_silence_max(mut self, wait: Duration) -> Self {
        self.body_silence_max = Some(wait);
        self
    }

    /// How long the answer may take, from the end of the request (from its head, where the body is
    /// streamed) to the head of the answer, on the clock of the node; then it is given up, and answered
    /// with 504.
    pub fn answer_wait_max(mut self, wait: Duration) -> Self {
        self.answer_wait_max = Some(wait);
        self
    }

    /// How many requests may be under way at a time, answers that are streams counting until their end;
    /// one more is answered with 503.
    pub fn concurrent_max(mut self, requests: usize) -> Self {
        self.concurrent_max = Some(requests);
        self
    }

    /// Answers the path with a slash at its end, too, as the directory that it stands for. Without this
    /// that slash names something below, which nothing answers.
    pub fn directory(mut self) -> Self {
        self.directory = true;
        self
    }

    /// Promises that the handlers of the process are quick and never block, not even by a lock that is held
    /// for long. Then a request that finds the process idle is handled on the thread of its connection,
    /// which costs much less than to wake another one. The order of what the process handles is the same.
    ///
    /// What must not be done on a thread of tokio, such as to block on a future, panics in such a
    /// handler. A process that is seen to take tens of milliseconds over something is left to the workers
    /// for its next thousand requests, as it always is where tokio has one thread.
    pub fn quick(mut self) -> Self {
        self.quick = true;
        self
    }
}
