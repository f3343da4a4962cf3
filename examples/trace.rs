//! Following a message: what was done because of what, across actors and two machines.
//!
//! A guest orders from the waiter, whose node is one machine; the kitchen with its oven is another. A subscriber takes
//! note of the spans in which the messages are handled, and at the end prints which was sent in the handler of which. A
//! real program gives them to OpenTelemetry or a log instead, and says `RUST_LOG=libprocess::message=trace`.
//!
//! ```text
//! cargo run --example trace
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use libprocess::trace::{TARGET, TraceContext};
use libprocess::{Context, Node, Pid, Process, Promise, Upid};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{self, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Bakes, and knows nothing of machines.
struct Oven;

impl Process for Oven {
    const ID_PREFIX: &'static str = "oven";
}

/// Has the oven bake what is ordered, and serves it to who ordered it.
struct Kitchen {
    oven: Pid<Oven>,
}

impl Process for Kitchen {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("order", |kitchen, cx, from, dish| {
            let (from, dish) = (from.clone(), String::from_utf8_lossy(dish).into_owned());
            let baked = kitchen.oven.ask(move |_oven, _cx| format!("a hot {dish}"));
            cx.run(baked, move |_kitchen, cx, baked| {
                cx.send_raw(&from, "serve", baked.unwrap_or_default().into_bytes());
            });
        });
    }
}

/// Passes orders on, and brings what is served.
struct Waiter {
    kitchen: Upid,
    guest: Option<Promise<String>>,
}

impl Process for Waiter {
    const ID_PREFIX: &'static str = "waiter";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("serve", |waiter, _cx, _from, dish| {
            if let Some(guest) = waiter.guest.take() {
                guest.set(String::from_utf8_lossy(dish).into_owned());
            }
        });
    }
}

impl Waiter {
    fn order(&mut self, cx: &mut Context<Self>, dish: &str, guest: Promise<String>) {
        self.guest = Some(guest);
        cx.send_raw(&self.kitchen, "order", dish.as_bytes().to_vec());
    }
}

/// The fields of a span.
#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Fields {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// Takes note of the spans of messages. Between machines only their ids say what belongs together.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Fields>>>);

impl<S: tracing::Subscriber> Layer<S> for Notes {
    fn on_new_span(&self, attributes: &Attributes<'_>, _id: &Id, _context: layer::Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(fields);
    }
}

/// Prints what was handled because of the span with this id, each below what it was sent in.
fn print(notes: &[Fields], parent_id: &str, depth: usize) {
    for noted in notes.iter().filter(|noted| noted.get("parent_id") == parent_id) {
        let (kind, name, pid) = (noted.get("kind"), noted.get("name"), noted.get("pid"));
        println!("{:indent$}{pid}: {kind} {name}", "", indent = 2 * depth);
        print(notes, noted.get("span_id"), depth + 1);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let notes = Notes::default();
    let messages = Targets::new().with_target(TARGET, LevelFilter::TRACE);
    tracing_subscriber::registry().with(notes.clone()).with(messages).try_init()?;

    // Two nodes in one program behave like two machines.
    let (here, there) = (Node::builder().start().await?, Node::builder().start().await?);
    let kitchen = there.spawn_as("kitchen", Kitchen { oven: there.spawn(Oven) })?;
    let waiter = here.spawn(Waiter { kitchen: kitchen.upid().clone(), guest: None });

    // The context may come from somewhere else, such as the header `traceparent` of a request.
    let guest = TraceContext::root();
    let (promise, dish) = Promise::pair();
    guest.scope(|| waiter.tell(move |waiter, cx| waiter.order(cx, "pie", promise)));
    println!("served: {}", dish.await?);
    here.shutdown().await;
    there.shutdown().await;

    println!("trace {:032x}", guest.trace_id());
    let notes = notes.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    print(&notes, &format!("{:016x}", guest.span_id()), 1);
    Ok(())
}
