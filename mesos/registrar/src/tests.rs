use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use libprocess::http::{Client, HeaderMap, Method};
use libprocess::{Clock, Future, Node, Promise};
use mesos_api::v1::{AgentId, AgentInfo, MasterInfo};
use mesos_registry::{Operation, OperationError, Registry};
use stout::Time;

use crate::{InMemoryStorage, Options, Registrar, Storage, Stored};

fn id(name: &str) -> AgentId {
    AgentId { value: name.to_owned() }
}

fn admit(name: &str) -> Operation {
    let info = AgentInfo { hostname: "host".to_owned(), id: Some(id(name)), ..Default::default() };
    Operation::AdmitAgent(Box::new(info))
}

fn master() -> MasterInfo {
    MasterInfo { id: "master-1".to_owned(), ..Default::default() }
}

async fn node() -> Node {
    Node::builder().clock(Clock::paused(Time::EPOCH)).start().await.unwrap()
}

/// A storage whose answers the test gives.
#[derive(Clone, Default)]
struct Scripted {
    fetches: Arc<Mutex<VecDeque<Promise<Bytes>>>>,
    stores: Arc<Mutex<VecDeque<Store>>>,
}

/// What is to be stored, and the answer.
type Store = (Bytes, Promise<Stored>);

impl Scripted {
    /// Ends the oldest write and returns what it wrote.
    fn end_store(&self, outcome: Result<Stored, &str>) -> Registry {
        let (contents, promise) = self.stores.lock().unwrap().pop_front().expect("a write is in flight");
        match outcome {
            Ok(stored) => promise.set(stored),
            Err(reason) => promise.fail(reason.to_owned()),
        }
        Registry::decode(&contents).unwrap()
    }

    fn end_fetch(&self, contents: &'static [u8]) {
        self.fetches
            .lock()
            .unwrap()
            .pop_front()
            .expect("a read is in flight")
            .set(Bytes::from_static(contents));
    }

    fn in_flight(&self) -> usize {
        self.stores.lock().unwrap().len()
    }
}

impl Storage for Scripted {
    fn fetch(&self) -> Future<Bytes> {
        let promise = Promise::new();
        let future = promise.future();
        self.fetches.lock().unwrap().push_back(promise);
        future
    }

    fn store(&self, contents: Bytes) -> Future<Stored> {
        let promise = Promise::new();
        let future = promise.future();
        self.stores.lock().unwrap().push_back((contents, promise));
        future
    }
}

/// A registrar that has recovered from a scripted storage.
async fn recovered(node: &Node) -> (Registrar, Scripted) {
    let storage = Scripted::default();
    let registrar = Registrar::start(node, storage.clone(), Options::default());
    let registry = registrar.recover(master());
    node.clock().settle().await;
    storage.end_fetch(b"");
    node.clock().settle().await;
    assert_eq!(storage.end_store(Ok(Stored::Written)).master(), Some(&master()));
    assert_eq!(registry.await.unwrap().master.unwrap().info, master());
    (registrar, storage)
}

#[tokio::test]
async fn what_was_stored_is_recovered_by_the_next_master() {
    let node = node().await;
    let storage = InMemoryStorage::default();
    let first = Registrar::start(&node, storage.clone(), Options::default());
    first.recover(master()).await.unwrap();
    assert_eq!(first.apply(admit("a")).await, Ok(Ok(true)));
    assert_eq!(first.apply(admit("a")).await, Ok(Err(OperationError::AlreadyAdmitted(id("a")))));
    first.terminate();

    let second = Registrar::start(&node, storage, Options::default());
    let next = MasterInfo { id: "master-2".to_owned(), ..Default::default() };
    let registry = second.recover(next.clone()).await.unwrap();
    assert_eq!(registry.slaves.unwrap().slaves.len(), 1);
    assert_eq!(registry.master.unwrap().info, next);
    node.shutdown().await;
}

#[tokio::test]
async fn operations_that_arrive_during_a_write_go_out_together() {
    let node = node().await;
    let (registrar, storage) = recovered(&node).await;
    let names: Vec<String> = (0..100).map(|number| format!("agent-{number}")).collect();
    let answers: Vec<_> = names.iter().map(|name| registrar.apply(admit(name))).collect();
    node.clock().settle().await;
    assert_eq!(storage.in_flight(), 1);
    assert_eq!(storage.end_store(Ok(Stored::Written)).agent_count(), 1);
    node.clock().settle().await;
    let metrics = node.metrics().snapshot(None).await;
    assert_eq!(metrics["registrar/queued_operations"], 0.0);
    assert!(metrics["registrar/registry_size_bytes"] > 0.0);
    assert_eq!(storage.end_store(Ok(Stored::Written)).agent_count(), 100);
    for answer in answers {
        assert_eq!(answer.await, Ok(Ok(true)));
    }
    assert_eq!(storage.in_flight(), 0);
    node.shutdown().await;
}

#[tokio::test]
async fn an_operation_is_answered_only_when_it_is_stored() {
    let node = node().await;
    let (registrar, storage) = recovered(&node).await;
    let answer = registrar.apply(admit("a"));
    node.clock().settle().await;
    assert!(answer.is_pending());
    storage.end_store(Ok(Stored::Written));
    assert_eq!(answer.await, Ok(Ok(true)));
    node.shutdown().await;
}

#[tokio::test]
async fn what_changes_nothing_is_not_written() {
    let node = node().await;
    let (registrar, storage) = recovered(&node).await;
    let refused = registrar.apply(Operation::RemoveAgent(id("a"))).await;
    assert_eq!(refused, Ok(Err(OperationError::NotAdmitted(id("a")))));
    assert_eq!(registrar.apply(Operation::RemoveQuota("r".to_owned())).await, Ok(Ok(false)));
    assert_eq!(storage.in_flight(), 0);
    node.shutdown().await;
}

#[tokio::test]
async fn operations_wait_for_the_recovery_and_fail_before_it() {
    let node = node().await;
    let storage = Scripted::default();
    let registrar = Registrar::start(&node, storage.clone(), Options::default());
    assert!(registrar.apply(admit("a")).await.is_err());
    let (first, second) = (registrar.recover(master()), registrar.recover(MasterInfo::default()));
    let answer = registrar.apply(admit("a"));
    node.clock().settle().await;
    storage.end_fetch(b"");
    node.clock().settle().await;
    storage.end_store(Ok(Stored::Written));
    for recovered in [first, second] {
        assert_eq!(recovered.await.unwrap().master.unwrap().info, master());
    }
    node.clock().settle().await;
    storage.end_store(Ok(Stored::Written));
    assert_eq!(answer.await, Ok(Ok(true)));
    node.shutdown().await;
}

#[tokio::test]
async fn a_write_that_fails_is_the_last() {
    for outcome in [Ok(Stored::Outdated), Err("the disk is full")] {
        let node = node().await;
        let (registrar, storage) = recovered(&node).await;
        let (written, queued) = (registrar.apply(admit("a")), registrar.apply(admit("b")));
        node.clock().settle().await;
        storage.end_store(outcome);
        for answer in [written, queued, registrar.apply(admit("c"))] {
            let reason = answer.await.unwrap_err().to_string();
            assert!(reason.contains("failed to write the registry"), "{reason}");
        }
        assert!(registrar.recover(master()).await.is_err());
        assert_eq!(storage.in_flight(), 0);
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_storage_that_does_not_answer_is_given_up() {
    let node = node().await;
    let storage = Scripted::default();
    let registrar = Registrar::start(&node, storage.clone(), Options::default());
    let registry = registrar.recover(master());
    node.clock().settle().await;
    node.clock().advance(Duration::from_secs(60)).await;
    let reason = registry.await.unwrap_err().to_string();
    assert!(reason.contains("no answer within 1mins"), "{reason}");
    assert!(storage.fetches.lock().unwrap()[0].discard_requested());

    let (registrar, storage) = recovered(&node).await;
    let answer = registrar.apply(admit("a"));
    node.clock().settle().await;
    node.clock().advance(Duration::from_secs(20)).await;
    assert!(answer.await.unwrap_err().to_string().contains("no answer within 20secs"));
    assert!(storage.stores.lock().unwrap()[0].1.discard_requested());
    node.shutdown().await;
}

#[tokio::test]
async fn a_registry_that_cannot_be_read_is_not_overwritten() {
    let node = node().await;
    let storage = Scripted::default();
    let registrar = Registrar::start(&node, storage.clone(), Options::default());
    let registry = registrar.recover(master());
    node.clock().settle().await;
    storage.end_fetch(b"\xff garbage");
    assert!(registry.await.unwrap_err().to_string().contains("failed to read the registry"));
    assert_eq!(storage.in_flight(), 0);
    node.shutdown().await;
}

#[tokio::test]
async fn what_is_stored_is_shown_as_json() {
    let node = node().await;
    let (registrar, storage) = recovered(&node).await;
    let _unanswered = registrar.apply(admit("a"));
    node.clock().settle().await;
    let show = async || {
        let url = format!("http://{}/{}/registry?jsonp=f", node.address(), registrar.upid().id());
        let response =
            Client::new().request(Method::GET, &url, HeaderMap::new(), Bytes::new()).await.unwrap();
        String::from_utf8(response.bytes(1 << 20).await.unwrap().to_vec()).unwrap()
    };
    let before = show().await;
    assert!(before.contains(r#""id":"master-1""#) && !before.contains("host"), "{before}");
    storage.end_store(Ok(Stored::Written));
    node.clock().settle().await;
    let after = show().await;
    assert!(after.starts_with("f({") && after.contains(r#""hostname":"host""#), "{after}");
    node.shutdown().await;
}
