//! A guide, from the first actor to two machines.
//!
//! * [The first actor](#the-first-actor)
//! * [Asking](#asking)
//! * [What takes time](#what-takes-time)
//! * [Failing](#failing)
//! * [Finding others](#finding-others)
//! * [Too much work](#too-much-work)
//! * [HTTP](#http)
//! * [Two machines](#two-machines)
//! * [Following a message](#following-a-message)
//! * [Testing with virtual time](#testing-with-virtual-time)
//! * [No more than needed](#no-more-than-needed)
//! * [Coming from actix, ractor, kameo or C++ libprocess](#coming-from-actix-ractor-kameo-or-c-libprocess)
//!
//! # The first actor
//!
//! An actor is a struct. What it does is written as methods on `&mut self`, as for any struct; what makes it
//! an actor is that it is given to a [`Node`](crate::Node), which from then on runs one piece of work on it at a
//! time. Others hold a [`Pid`](crate::Pid), and send it closures.
//!
//! ```
//! use libprocess::{Node, Process};
//!
//! #[derive(Default)]
//! struct Account {
//!     cents: u64,
//! }
//!
//! impl Process for Account {}
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     libprocess::run(async {
//!         let node = Node::builder().start().await?;
//!         let account = node.spawn(Account::default());
//!         account.tell(|account, _cx| account.cents += 500);
//!         let cents = account.ask(|account, _cx| account.cents).await?;
//!         println!("{cents} cents");
//!         node.shutdown().await;
//!         Ok(())
//!     })?
//! }
//! ```
//!
//! There are no message types to declare: the closure is the message, the compiler checks it, and a reader finds
//! what it does where it is sent. From one sender, closures run in the order in which they were sent.
//!
//! This is a whole program; it needs `libprocess` and nothing else. [`run`](crate::run) is for those that have no other
//! use for tokio; a node starts in any tokio runtime, such as that of `#[tokio::main]`.
//!
//! # Asking
//!
//! [`ask`](crate::Pid::ask) gives a [`Future`](crate::Future) of what the closure returns. Code outside of actors
//! awaits it:
//!
//! ```
//! # use libprocess::{Node, Process};
//! # struct Account { cents: u64 }
//! # impl Process for Account {}
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let node = Node::builder().start().await.unwrap();
//! # let account = node.spawn(Account { cents: 500 });
//! let cents = account.ask(|account, _cx| account.cents).await;
//! assert_eq!(cents, Ok(500));
//! # });
//! ```
//!
//! An actor never waits, or it could not do anything else meanwhile. It says what is to happen with the answer, and
//! goes on; the answer comes back to it as another piece of work, by [`Context::run`](crate::Context::run):
//!
//! ```
//! use libprocess::{Context, Node, Pid, Process, Promise};
//!
//! struct Account {
//!     cents: u64,
//! }
//!
//! impl Process for Account {}
//!
//! struct Shop {
//!     customer: Pid<Account>,
//!     sold: u32,
//! }
//!
//! impl Process for Shop {}
//!
//! impl Shop {
//!     fn sell(&mut self, cx: &mut Context<Self>, price: u64, done: Promise<bool>) {
//!         let paid = self.customer.ask(move |account, _cx| {
//!             let enough = account.cents >= price;
//!             account.cents -= if enough { price } else { 0 };
//!             enough
//!         });
//!         cx.run(paid, |shop, _cx, paid| {
//!             // An error would mean that the customer is gone.
//!             let paid = paid.unwrap_or(false);
//!             shop.sold += u32::from(paid);
//!             done.set(paid);
//!         });
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let node = Node::builder().start().await.unwrap();
//! let customer = node.spawn(Account { cents: 300 });
//! let shop = node.spawn(Shop { customer, sold: 0 });
//! let buy = |price| {
//!     let promise = Promise::new();
//!     let bought = promise.future();
//!     shop.tell(move |shop, cx| shop.sell(cx, price, promise));
//!     bought
//! };
//! assert_eq!(buy(200).await, Ok(true));
//! assert_eq!(buy(200).await, Ok(false));
//! # });
//! ```
//!
//! Since nobody waits, two actors that ask each other do not lock up. But if each has the other's answer depend on its
//! own, neither ever comes; [`NodeBuilder::watch_asks`](crate::NodeBuilder::watch_asks) finds such rings.
//!
//! A future can be [discarded](crate::Future::discard): that asks whoever works on it to stop, and the wish travels
//! up through everything that was chained to it. One whose producer is gone is
//! [abandoned](crate::FutureError::Abandoned) rather than pending for ever.
//!
//! # What takes time
//!
//! * a `std` future of any kind, such as a request to a server: [`Context::run`](crate::Context::run);
//! * work that blocks or computes for long: [`Context::run_blocking`](crate::Context::run_blocking), on a thread made
//!   for that;
//! * waiting: [`Context::delay`](crate::Context::delay), on the clock of the node.
//!
//! ```
//! use std::time::Duration;
//!
//! use libprocess::{Context, Process};
//!
//! struct Heartbeat {
//!     beats: u64,
//! }
//!
//! impl Process for Heartbeat {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         self.beat(cx);
//!     }
//! }
//!
//! impl Heartbeat {
//!     fn beat(&mut self, cx: &mut Context<Self>) {
//!         self.beats += 1;
//!         cx.delay(Duration::from_secs(1), Self::beat);
//!     }
//! }
//! ```
//!
//! # Failing
//!
//! An actor that panics ends; no other one does, and the program goes on. Its futures are abandoned, and those who
//! [linked](crate::Context::link) to it are told by [`Process::exited`](crate::Process::exited). The same call comes
//! when a process on another machine ends, or the connection to it breaks.
//!
//! ```
//! use libprocess::{Context, FutureError, Node, Process, Promise, Upid};
//!
//! struct Clumsy;
//! impl Process for Clumsy {}
//!
//! struct Watcher {
//!     watched: Upid,
//!     gone: Option<Promise<Upid>>,
//! }
//!
//! impl Process for Watcher {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         let watched = self.watched.clone();
//!         cx.link(&watched);
//!     }
//!
//!     fn exited(&mut self, _cx: &mut Context<Self>, pid: &Upid) {
//!         if let Some(gone) = self.gone.take() {
//!             gone.set(pid.clone());
//!         }
//!     }
//! }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let node = Node::builder().start().await.unwrap();
//! let clumsy = node.spawn(Clumsy);
//! let gone = Promise::new();
//! let told = gone.future();
//! node.spawn(Watcher { watched: clumsy.upid().clone(), gone: Some(gone) });
//!
//! let answer = clumsy.ask(|_clumsy, _cx| -> u32 { panic!("oops") });
//! assert_eq!(answer.await, Err(FutureError::Abandoned));
//! assert_eq!(told.await.as_ref(), Ok(clumsy.upid()));
//! # });
//! ```
//!
//! Who must also know why sets a [monitor](crate::Context::monitor), which is told an [`Exit`](crate::Exit): that it
//! terminated, its failure, the text of its panic, or that the connection is lost. From outside of actors,
//! [`Pid::exit`](crate::Pid::exit) is a future of the same.
//!
//! Mostly, though, nobody should have to deal with a failure but by beginning anew, from a state that is known to be
//! good. That is what a [supervisor](crate::supervision) is for: it has children, which it starts in order and begins
//! anew when they end, with a strategy that says which of them lean on each other. It waits longer each time that
//! it did not help, and at last fails itself, which is for the supervisor above it to deal with.
//!
//! ```
//! use std::time::Duration;
//!
//! use libprocess::supervision::{Backoff, ChildSpec, Strategy, Supervisor};
//! use libprocess::{Clock, Node, Process, Time};
//!
//! #[derive(Default)]
//! struct Cache {
//!     entries: Vec<&'static str>,
//! }
//! impl Process for Cache {}
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let clock = Clock::paused(Time::EPOCH);
//! let node = Node::builder().clock(clock.clone()).start().await?;
//! let spec = ChildSpec::new("cache", Cache::default);
//! let cache = spec.handle();
//! let second = Duration::from_secs(1);
//! let backoff = Backoff::exponential(second, 60 * second);
//! node.spawn(Supervisor::new(Strategy::OneForOne).backoff(backoff).child(spec));
//!
//! let first = cache.up().await?;
//! first.tell(|cache, _cx| cache.entries.push("bad"));
//! first.tell(|_cache, _cx| panic!("an entry is bad"));
//! clock.settle().await;
//! assert_eq!(cache.pid(), None, "it is given a second");
//! clock.advance(second).await;
//! assert_eq!(cache.ask(|cache, _cx| cache.entries.len()).await?, 0);
//! # Ok(()) })
//! # }
//! ```
//!
//! # Finding others
//!
//! An actor that was [spawned under an id](crate::Node::spawn_as) is [found](crate::Node::find) by it, with its type. A
//! [group](crate::Group) has several actors of a type under one name, to tell all of them something, or give each its share
//! of the work; who ends is in it no more. Across machines, the id and the address of the node are enough: see
//! [below](#two-machines).
//!
//! ```
//! use libprocess::{Context, Node, Process};
//!
//! struct Worker;
//!
//! impl Process for Worker {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         cx.node().group("workers").join(&cx.pid());
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let node = Node::builder().start().await?;
//! let worker = node.spawn_as("worker", Worker)?;
//! worker.ask(|_worker, _cx| ()).await?; // It has joined.
//! assert_eq!(node.find::<Worker>("worker"), Some(worker.clone()));
//! assert_eq!(node.group::<Worker>("workers").members(), [worker]);
//! # Ok(()) })
//! # }
//! ```
//!
//! # Too much work
//!
//! Telling never waits: what an actor has not come to is kept. That is right for most, and wrong for one that others can
//! give work faster than it does it. Who asks, and goes on when the answer is there, is slowed down by that; for the rest
//! there are [bounds](crate::bounded), which have a sender wait, give it back what is too much, or drop what is oldest.
//!
//! ```
//! use libprocess::bounded::Bound;
//! use libprocess::{Node, Process};
//!
//! struct Gauge(f64);
//! impl Process for Gauge {}
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let node = Node::builder().start().await.unwrap();
//! // However slow it is, it shows none but the last ten values.
//! let gauge = node.spawn_bounded(Gauge(0.0), Bound::drop_oldest(10));
//! for value in 0..1000 {
//!     gauge.try_tell(move |gauge, _cx| gauge.0 = f64::from(value)).unwrap();
//! }
//! assert_eq!(gauge.ask(|gauge, _cx| gauge.0).await, Ok(999.0));
//! # });
//! ```
//!
//! # HTTP
//!
//! Each node has a server, and each process can have routes below its id. [`route`](crate::Context::route) answers
//! within the actor, with its state at hand; [`serve`](crate::Context::serve) answers on the task of the connection,
//! for what is shared and read-only, so that readers do not keep the actor from its work.
//!
//! ```
//! use libprocess::http::{Client, HeaderMap, Method, Response};
//! use libprocess::{Context, Node, Process};
//!
//! struct Visits {
//!     count: u64,
//! }
//!
//! impl Process for Visits {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         cx.route("count", "Counts who asks.", |visits, _cx, _request| {
//!             visits.count += 1;
//!             Response::text(visits.count.to_string())
//!         });
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let node = Node::builder().start().await?;
//! node.spawn_as("visits", Visits { count: 0 })?;
//!
//! let url = format!("http://{}/visits/count", node.address());
//! let answer = Client::new().request(Method::GET, &url, HeaderMap::new(), "").await?;
//! assert_eq!(answer.bytes(100).await?, "1");
//! # Ok(()) })
//! # }
//! ```
//!
//! An answer that goes on, such as a stream of events, is a [`pipe`](crate::http::pipe); files of a directory are
//! [`files`](crate::http::files). What a client may take of the server is bounded by [`Limits`](crate::http::Limits).
//! With [`Logging`](crate::Logging) an operator turns up the log at `/logging/toggle` for a while.
//! `/help` lists all routes, `/__processes__` all processes, `/metrics/snapshot` all metrics.
//!
//! # Two machines
//!
//! Closures do not travel; messages do. A message has a name and bytes, and a process says which names it handles.
//! Types that implement [`WireMessage`](crate::WireMessage) do so once, mostly in generated code. A
//! [`Upid`](crate::Upid), `id@ip:port`, names a process from anywhere.
//!
//! ```
//! use libprocess::{Context, Node, Process, Promise, Upid, WireMessage};
//!
//! /// How many are asked for.
//! struct Order(u32);
//!
//! impl WireMessage for Order {
//!     fn wire_name() -> &'static str {
//!         "shop.Order"
//!     }
//!
//!     fn encode_wire(&self) -> Vec<u8> {
//!         self.0.to_string().into_bytes()
//!     }
//!
//!     fn decode_wire(bytes: &[u8]) -> Result<Self, String> {
//!         let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
//!         text.parse().map(Order).map_err(|error| format!("the number: {error}"))
//!     }
//! }
//!
//! struct Kitchen {
//!     served: Option<Promise<u32>>,
//! }
//!
//! impl Process for Kitchen {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         cx.install(|kitchen: &mut Kitchen, _cx, _from, order: Order| {
//!             if let Some(served) = kitchen.served.take() {
//!                 served.set(order.0);
//!             }
//!         });
//!     }
//! }
//!
//! struct Waiter {
//!     kitchen: Upid,
//! }
//!
//! impl Process for Waiter {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         cx.send(&self.kitchen, &Order(3));
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! // Two nodes in one program behave like two machines.
//! let (here, there) = (Node::builder().start().await?, Node::builder().start().await?);
//! let served = Promise::new();
//! let count = served.future();
//! let kitchen = there.spawn_as("kitchen", Kitchen { served: Some(served) })?;
//! here.spawn(Waiter { kitchen: kitchen.upid().clone() });
//! assert_eq!(count.await?, 3);
//! # Ok(()) })
//! # }
//! ```
//!
//! A message arrives at most once, and those from one process to another in their order. Whoever must know whether the
//! other side is still there links to it. [`tls`](crate::tls) encrypts all of it.
//!
//! # Following a message
//!
//! Which order made the oven bake this? When a subscriber of [`tracing`] wants to see [`trace::TARGET`](crate::trace::TARGET)
//! at level `TRACE`, each message is handled inside a span whose parent is the span in which it was sent: what is told,
//! asked, delayed, deferred and sent by name, requests, and what [`Context::run`](crate::Context::run) brings back. The
//! events of a handler are then below all that led to it, and a span that a handler opens itself is in between.
//!
//! Over the wire go ids, as [W3C Trace Context](https://www.w3.org/TR/trace-context/) has them, with messages to other
//! nodes and requests of the client; what asks a node over HTTP may say them, too. [`current`](crate::trace::current) is
//! the context that a handler is in, for a log or for another system; [`scope`](crate::trace::TraceContext::scope) goes
//! on with one from there.
//!
//! ```standalone_crate
//! use libprocess::trace::{TraceContext, current};
//! use libprocess::{Node, Process};
//!
//! struct Oven;
//! impl Process for Oven {}
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! // As RUST_LOG=libprocess::message=trace says it for many programs.
//! tracing_subscriber::fmt().with_env_filter("libprocess::message=trace").init();
//!
//! let node = Node::builder().start().await?;
//! let oven = node.spawn(Oven);
//! let order: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?;
//! let baking = order.scope(|| oven.ask(|_oven, _cx| current()));
//! let place = baking.await?.expect("somebody has subscribed");
//! assert_eq!(place.trace_id(), order.trace_id());
//! assert_ne!(place.span_id(), order.span_id());
//! # Ok(()) })
//! # }
//! ```
//!
//! Without a subscriber that costs nothing to speak of. `examples/trace.rs` prints a trace over two machines. For whom
//! has to wait and why, `/__processes__` tells of each process what waits (`dispatches`, `messages`, `http_requests`), how
//! long its handlers have run (`busy_secs`), and how long it had something to do and waited for its turn (`waited_secs`).
//! Both times are counted in steps of 10 ms at which a process was seen so: a sum of a second is right to about a
//! tenth, that of a minute to about a second, and a single short run or wait mostly counts as none.
//!
//! # Testing with virtual time
//!
//! A test gives its node a clock that stands still. [`advance`](crate::Clock::advance) moves it, running what is due on the
//! way; [`settle`](crate::Clock::settle) waits until no process has anything left to do. Neither sleeps, so a test of
//! an hour takes a moment, and what it sees is the same each time.
//!
//! ```
//! use std::time::Duration;
//!
//! use libprocess::{Clock, Context, Node, Process, Time};
//!
//! struct Session {
//!     open: bool,
//! }
//!
//! impl Process for Session {
//!     fn initialize(&mut self, cx: &mut Context<Self>) {
//!         cx.delay(Duration::from_secs(3600), |session, _cx| session.open = false);
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let clock = Clock::paused(Time::EPOCH);
//! let node = Node::builder().clock(clock.clone()).start().await?;
//! let session = node.spawn(Session { open: true });
//! clock.settle().await; // It has set its timer.
//!
//! clock.advance(Duration::from_secs(3599)).await;
//! assert!(session.ask(|session, _cx| session.open).await?);
//! clock.advance(Duration::from_secs(1)).await;
//! assert!(!session.ask(|session, _cx| session.open).await?);
//! # Ok(()) })
//! # }
//! ```
//!
//! Many nodes, a network that fails, crashes and disks that forget, all from one seed: that is the crate `libprocess-test`.
//!
//! # No more than needed
//!
//! HTTP, other nodes, TLS and metrics are [features](crate#features), all on unless a manifest says otherwise:
//!
//! ```toml
//! libprocess = { version = "0.1", default-features = false }
//! ```
//!
//! What actors are and do is the same. Without `http` a node listens nowhere; without `remote` it is as if the network
//! were down: what is sent to other nodes is lost, and who links to a process there hears that it is gone.
//!
//! # Coming from actix, ractor, kameo or C++ libprocess
//!
//! | there | here |
//! |---|---|
//! | `Actor`, `ractor::Actor` | [`Process`](crate::Process) |
//! | a message struct and `Handler<M>`, an enum of messages | a closure, checked where it is written |
//! | `Addr<A>`, `ActorRef<A>`, `PID<T>` | [`Pid<P>`](crate::Pid); untyped, across machines: [`Upid`](crate::Upid) |
//! | `do_send`, `cast`, `tell`, `dispatch` without a result | [`Pid::tell`](crate::Pid::tell) |
//! | `send`, `call`, `ask`, `dispatch` | [`Pid::ask`](crate::Pid::ask) |
//! | `ctx.spawn`, `wait`, async handlers | [`Context::run`](crate::Context::run): the handler returns, the answer comes back |
//! | `run_later`, `send_after`, `delay` | [`Context::delay`](crate::Context::delay) |
//! | `started`, `pre_start`, `on_start`, `initialize` | [`Process::initialize`](crate::Process::initialize) |
//! | `stopped`, `post_stop`, `on_stop`, `finalize` | [`Process::finalize`](crate::Process::finalize) |
//! | supervision events, links, `exited` | [`Context::link`](crate::Context::link) and [`Process::exited`](crate::Process::exited) |
//! | Erlang's monitors, `handle_supervisor_evt` | [`Context::monitor`](crate::Context::monitor), which tells why |
//! | Erlang's supervisors, `Supervised`, restart policies | [`supervision`](crate::supervision): [`Supervisor`](crate::supervision::Supervisor), [`ChildSpec`](crate::supervision::ChildSpec) |
//! | `Registry`, `SystemService`, named actors | [`Node::spawn_as`](crate::Node::spawn_as) and [`Node::find`](crate::Node::find) |
//! | process groups, `pg` | [`Group`](crate::Group) |
//! | `set_mailbox_capacity`, bounded mailboxes, `try_send` | [`bounded`](crate::bounded) |
//! | `Arbiter`, a runtime for each actor | none: all cores share the work |
//! | `defer(self(), ...)` | [`Pid::defer`](crate::Pid::defer) |
//! | `Clock::pause`, `advance`, `settle` | the same, of a clock that belongs to the test: [`Clock`](crate::Clock) |
//! | `install<M>`, `send`, `route` | [`Context::install`](crate::Context::install), [`send`](crate::Context::send), [`route`](crate::Context::route) |
//!
//! From C++: a process belongs to its node, so that there is no global state and a test can have several nodes; a
//! future has one consumer and gives its value away; and nobody blocks in `Future::get` or `process::wait`: both are
//! awaited.
