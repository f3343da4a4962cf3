use super::*;
use crate::{Node, Process};

struct Quiet;

impl Process for Quiet {}

#[test]
fn scope_ends_as_it_began_even_by_a_panic() {
    let (outer, inner) = (TraceContext::root(), TraceContext::root());
    outer.scope(|| {
        let panicked = std::panic::catch_unwind(|| inner.scope(|| panic!("on purpose")));
        assert!(panicked.is_err());
        assert_eq!(current(), Some(outer));
    });
    assert_eq!(current(), None);
}

#[tokio::test]
async fn nothing_is_captured_where_nobody_has_subscribed() {
    let context = TraceContext::root();
    let node = Node::builder().start().await.unwrap();
    let pid = node.spawn(Quiet);
    assert!(!enabled());
    assert_eq!(context.scope(outgoing), None);
    assert!(context.scope(origin).is_none());
    assert_eq!(context.scope(|| pid.ask(|_quiet, _cx| current())).await, Ok(None));
    assert_eq!(context.scope(|| node.run(async { current() })).await, Ok(None));
    let mut headers = crate::http::HeaderMap::new();
    context.scope(|| http::add_to(&mut headers));
    assert!(headers.is_empty());
}

#[test]
fn ids_of_a_scheduler_s_own_node_are_the_same_in_every_run() {
    struct Never;
    impl crate::runtime::Scheduler for Never {
        fn schedule(&self, runnable: crate::runtime::Runnable) {
            drop(runnable);
        }
    }
    struct Nowhere;
    impl crate::remote::Network for Nowhere {
        fn start(&self, _port: crate::remote::Port) -> std::io::Result<()> {
            Ok(())
        }
        fn send(&self, _from: &crate::Upid, _to: &crate::Upid, _name: &str, _body: &[u8]) {}
        fn connect(&self, _to: std::net::SocketAddr) {}
        fn reconnect(&self, _to: std::net::SocketAddr) {}
        fn close(&self) {}
    }
    let run = |address: &str| {
        let (address, network) = (address.parse().unwrap(), std::sync::Arc::new(Nowhere));
        let node = Node::builder().bind(address).scheduler(std::sync::Arc::new(Never)).network(network);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let node = runtime.block_on(node.start()).unwrap();
        let first = TraceContext::below(None, &node);
        [first, TraceContext::below(Some(first), &node)]
    };
    let [first, second] = run("10.0.0.1:1");
    assert_eq!(first.trace_id(), second.trace_id());
    assert_ne!(first.span_id(), second.span_id());
    assert_eq!(run("10.0.0.1:1"), [first, second]);
    assert_ne!(run("10.0.0.2:1"), [first, second]);
}
