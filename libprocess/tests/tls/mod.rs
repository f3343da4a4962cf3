//! Nodes that speak TLS, with each other and with clients.

mod authority;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use authority::{Authority, LOCALHOST, Subject};
use libprocess::http::{Client, HeaderMap, Method, Response};
use libprocess::tls::{Settings, Tls, TlsError};
use libprocess::{Context, Node, Process, Upid};
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode, SslVersion};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells what it hears, and greets who asks.
struct Echo {
    heard: mpsc::UnboundedSender<String>,
    linked: Option<Upid>,
}

impl Process for Echo {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("Say", |echo, _cx, _from, body| {
            let _ = echo.heard.send(String::from_utf8_lossy(body).into_owned());
        });
        cx.route("hello", "Greets.", |_echo, _cx, _request| Response::text("hello"));
        if let Some(linked) = self.linked.clone() {
            cx.link(&linked);
            cx.send_raw(&linked, "Say", b"first".to_vec());
            cx.send_raw(&linked, "Say", b"second".to_vec());
        }
    }

    fn exited(&mut self, _cx: &mut Context<Self>, pid: &Upid) {
        let _ = self.heard.send(format!("{} exited", pid.id()));
    }
}

struct Peer {
    node: Node,
    upid: Upid,
    heard: mpsc::UnboundedReceiver<String>,
}

impl Peer {
    async fn start(settings: Option<Settings>, linked: Option<&Upid>) -> Self {
        let mut builder = Node::builder();
        if let Some(settings) = settings {
            builder = builder.tls(Tls::new(settings).unwrap());
        }
        let node = builder.start().await.unwrap();
        let (sender, heard) = mpsc::unbounded_channel();
        let echo = node.spawn_as("echo", Echo { heard: sender, linked: linked.cloned() }).unwrap();
        Self { upid: echo.upid().clone(), node, heard }
    }

    async fn next(&mut self) -> String {
        timeout(PATIENCE, self.heard.recv()).await.expect("something is heard").unwrap()
    }

    async fn get(&self, scheme: &str, client: &Client) -> Result<String, String> {
        let url = format!("{scheme}://{}/echo/hello", self.node.address());
        let answer = client.request(Method::GET, &url, HeaderMap::new(), "").await;
        let body = answer.map_err(|error| chain(&error))?.bytes(100).await.map_err(|error| chain(&error))?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn client(settings: Settings) -> Client {
    Client::builder().tls(&Tls::new(settings).unwrap()).build()
}

/// Two nodes, one of which links to the other and sends to it.
async fn talk(server: Option<Settings>, sender: Option<Settings>) -> Result<(), String> {
    let mut server = Peer::start(server, None).await;
    let mut sender = Peer::start(sender, Some(&server.upid)).await;
    let outcome = tokio::select! {
        said = server.next() => {
            assert_eq!((said.as_str(), server.next().await.as_str()), ("first", "second"));
            server.node.shutdown().await;
            assert_eq!(sender.next().await, "echo exited");
            Ok(())
        }
        said = sender.next() => Err(said),
    };
    sender.node.shutdown().await;
    server.node.shutdown().await;
    outcome
}

fn verifying(mut settings: Settings) -> Settings {
    settings.verify_cert = true;
    settings.verify_ip_address = true;
    settings
}

fn downgrading(mut settings: Settings) -> Settings {
    settings.support_downgrade = true;
    settings
}

#[tokio::test]
async fn nodes_with_tls_send_messages_and_hear_of_exits() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    let settings = verifying(ours.node(LOCALHOST));
    talk(Some(settings.clone()), Some(settings)).await.unwrap();
}

#[tokio::test]
async fn without_downgrade_plain_nodes_are_not_spoken_with() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    let settings = ours.node(LOCALHOST);
    assert_eq!(talk(Some(settings.clone()), None).await, Err("echo exited".to_owned()));
    assert_eq!(talk(None, Some(settings)).await, Err("echo exited".to_owned()));
}

#[tokio::test]
async fn with_downgrade_nodes_and_clients_may_be_plain() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    let settings = downgrading(ours.node(LOCALHOST));
    talk(Some(settings.clone()), None).await.unwrap();
    talk(None, Some(settings.clone())).await.unwrap();
    talk(Some(settings.clone()), Some(settings.clone())).await.unwrap();
    let peer = Peer::start(Some(settings.clone()), None).await;
    assert_eq!(peer.get("http", &Client::new()).await.unwrap(), "hello");
    assert_eq!(peer.get("https", &client(settings)).await.unwrap(), "hello");
    peer.node.shutdown().await;
}

#[tokio::test]
async fn http_clients_must_speak_tls() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    let settings = verifying(ours.node(LOCALHOST));
    let peer = Peer::start(Some(settings.clone()), None).await;
    assert_eq!(peer.get("https", &client(settings)).await.unwrap(), "hello");
    assert!(peer.get("http", &Client::new()).await.is_err());
    peer.node.shutdown().await;
}

#[tokio::test]
async fn certificates_that_fit_not_are_refused_where_they_are_verified() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new(dir.path(), "ours"), Authority::new(dir.path(), "other"));
    ours.issue("client", LOCALHOST);
    for (server, cause) in [
        (other.node(LOCALHOST), "of an authority that is not trusted"),
        (ours.node(Subject { expired: true, ..LOCALHOST }), "expired"),
        (ours.node(Subject { dns: "elsewhere", ip: None, ..LOCALHOST }), "for somebody else"),
    ] {
        let trusting = ours.settings("client");
        assert_eq!(talk(Some(server.clone()), Some(trusting.clone())).await, Ok(()), "{cause}, not verified");
        let refused = talk(Some(server), Some(verifying(trusting))).await;
        assert_eq!(refused, Err("echo exited".to_owned()), "{cause}");
    }
}

#[tokio::test]
async fn certificate_may_be_for_the_name_or_the_address() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    ours.issue("client", LOCALHOST);
    let by_address = ours.node(Subject { dns: "elsewhere", ..LOCALHOST });
    assert_eq!(talk(Some(by_address.clone()), Some(verifying(ours.settings("client")))).await, Ok(()));
    // Not unless addresses are looked at.
    let mut by_name = ours.settings("client");
    by_name.verify_cert = true;
    assert!(talk(Some(by_address), Some(by_name)).await.is_err());
}

#[tokio::test]
async fn required_certificates_are_required() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new(dir.path(), "ours"), Authority::new(dir.path(), "other"));
    let mut server = verifying(ours.node(LOCALHOST));
    server.require_cert = true;
    let peer = Peer::start(Some(server.clone()), None).await;
    ours.issue("client", LOCALHOST);
    assert_eq!(peer.get("https", &client(ours.settings("client"))).await.unwrap(), "hello");

    let mut without = Settings::default();
    without.ca_file = Some(ours.path("ca.pem"));
    assert!(peer.get("https", &client(without)).await.is_err());
    other.issue("client", LOCALHOST);
    assert!(peer.get("https", &client(other.settings("client"))).await.is_err());
    ours.issue("far", Subject { dns: "far", ip: Some("10.0.0.1"), ..LOCALHOST });
    assert!(peer.get("https", &client(ours.settings("far"))).await.is_err());
    peer.node.shutdown().await;
}

/// A handshake with one version of TLS.
fn handshake(address: SocketAddr, version: SslVersion) -> Result<SslStream<TcpStream>, String> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_cipher_list("DEFAULT@SECLEVEL=0").unwrap();
    builder.set_min_proto_version(Some(version)).unwrap();
    builder.set_max_proto_version(Some(version)).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let configuration = builder.build().configure().unwrap().verify_hostname(false);
    configuration.connect("localhost", stream).map_err(|error| error.to_string())
}

async fn speaks(peer: &Peer, version: SslVersion) -> bool {
    let address = peer.node.address();
    tokio::task::spawn_blocking(move || handshake(address, version).is_ok()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_are_spoken_only_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    let mut settings = ours.node(LOCALHOST);
    let peer = Peer::start(Some(settings.clone()), None).await;
    assert!(!speaks(&peer, SslVersion::TLS1_1).await);
    assert!(speaks(&peer, SslVersion::TLS1_2).await);
    assert!(speaks(&peer, SslVersion::TLS1_3).await);
    peer.node.shutdown().await;

    settings.tls_1_1 = true;
    settings.tls_1_2 = false;
    settings.tls_1_3 = true;
    let peer = Peer::start(Some(settings), None).await;
    assert!(speaks(&peer, SslVersion::TLS1_1).await);
    assert!(!speaks(&peer, SslVersion::TLS1_2).await, "a version in the middle is off");
    assert!(speaks(&peer, SslVersion::TLS1_3).await);
    peer.node.shutdown().await;
}

async fn serial(peer: &Peer) -> String {
    let address = peer.node.address();
    let serial = tokio::task::spawn_blocking(move || {
        let stream = handshake(address, SslVersion::TLS1_3).unwrap();
        let certificate = stream.ssl().peer_certificate().unwrap();
        certificate.serial_number().to_bn().unwrap().to_dec_str().unwrap().to_string()
    });
    serial.await.unwrap()
}

async fn wait_for_serial(peer: &Peer, wanted: &str) {
    let begun = Instant::now();
    while serial(peer).await != wanted {
        assert!(begun.elapsed() < PATIENCE, "the certificate is not read anew");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_read_anew_when_their_files_change() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    let peer = Peer::start(Some(ours.node(LOCALHOST)), None).await;
    wait_for_serial(&peer, "7").await;
    ours.issue("node", Subject { serial: 8, ..LOCALHOST });
    wait_for_serial(&peer, "8").await;
    peer.node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_ends_its_own_connection_only() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    let settings = downgrading(ours.node(LOCALHOST));
    let peer = Peer::start(Some(settings.clone()), None).await;
    let address = peer.node.address();
    let closed = tokio::task::spawn_blocking(move || {
        for garbage in [&b"\x16\x03\x01\xff\xff"[..], b"\x16garbage garbage garbage garbage", b"\x16"] {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(garbage).unwrap();
            // It may be closed already.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            // An alert may come first, or a reset.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    closed.await.unwrap();
    assert_eq!(peer.get("https", &client(settings)).await.unwrap(), "hello");
    peer.node.shutdown().await;
}

#[test]
fn files_and_settings_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    ours.issue("node", LOCALHOST);
    ours.issue("other", LOCALHOST);
    std::fs::write(ours.path("empty"), "").unwrap();
    let settings = |change: &dyn Fn(&mut Settings)| {
        let mut settings = ours.settings("node");
        change(&mut settings);
        Tls::new(settings).map(drop).unwrap_err()
    };
    let rows: [(TlsError, &str); 6] = [
        (settings(&|it| it.key_file = Some(ours.path("missing"))), "missing: No such file"),
        (
            settings(&|it| it.key_file = Some(ours.path("other.key"))),
            "other.key: it is not the certificate's",
        ),
        (settings(&|it| it.cert_file = Some(ours.path("empty"))), "the certificate in"),
        (settings(&|it| it.ca_file = Some(ours.path("empty"))), "empty: there is no certificate"),
        (settings(&|it| it.ciphers = Some("NO-SUCH".to_owned())), "LIBPROCESS_SSL_CIPHERS: 'NO-SUCH'"),
        (settings(&|it| it.ecdh_curves = Some("oval".to_owned())), "LIBPROCESS_SSL_ECDH_CURVES: 'oval'"),
    ];
    for (error, expected) in rows {
        assert!(error.to_string().contains(expected), "{error}");
    }
}
