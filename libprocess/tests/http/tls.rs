//! The client over TLS, against a server of OpenSSL with a certificate that it made itself.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use libprocess::http::{Client, HeaderMap, Method};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// Tells the test that it was started by itself, and what to ask.
const URL_VARIABLE: &str = "LIBPROCESS_TEST_HTTPS_URL";

struct TlsServer {
    address: SocketAddr,
    directory: tempfile::TempDir,
}

impl TlsServer {
    /// Answers each request with `secret`, until the test ends.
    fn start() -> Self {
        let (certificate, key) = self_signed();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), certificate.to_pem().unwrap()).unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        acceptor.set_private_key(&key).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that does not trust us ends the handshake.
                let Ok(stream) = acceptor.accept(stream.unwrap()) else { continue };
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
                let _ = stream.get_mut().write_all(answer);
            }
        });
        Self { address, directory }
    }

    fn certificate(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    fn url(&self) -> String {
        format!("https://{}/", self.address)
    }
}

fn self_signed() -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, "libprocess test").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    let names = SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None));
    builder.append_extension(names.unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

async fn assert_secret(client: &Client, url: &str) {
    let response = client.request(Method::GET, url, HeaderMap::new(), "").await.unwrap();
    assert_eq!(response.bytes(100).await.unwrap(), "secret");
}

#[tokio::test]
async fn server_is_trusted_by_a_certificate_that_the_client_was_given() {
    let server = TlsServer::start();
    let client = Client::builder().trust(server.certificate()).build();
    assert_secret(&client, &server.url()).await;
    let connection = client.connect(&server.url()).await.unwrap();
    let response = connection.request(Method::GET, "/", HeaderMap::new(), "").await.unwrap();
    assert_eq!(response.bytes(100).await.unwrap(), "secret");
}

#[tokio::test]
async fn server_is_trusted_by_the_file_in_the_environment() {
    if let Ok(url) = std::env::var(URL_VARIABLE) {
        return assert_secret(&Client::new(), &url).await;
    }
    // The environment of this process is not this test's to change.
    let server = TlsServer::start();
    let test = "http::tls::server_is_trusted_by_the_file_in_the_environment";
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(URL_VARIABLE, server.url())
        .env("SSL_CERT_FILE", server.certificate())
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn unknown_certificate_is_not_trusted() {
    let server = TlsServer::start();
    let error = Client::new().connect(&server.url()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("failed to connect for {}", server.url()));
    let source = error.source().unwrap().to_string();
    assert!(source.contains("certificate"), "{source}");
}

#[tokio::test]
async fn any_certificate_will_do_when_anyone_is_trusted() {
    let server = TlsServer::start();
    let client = Client::builder().trust_anyone().build();
    assert_secret(&client, &server.url()).await;
    // Not even the name has to be right.
    assert_secret(&client, &server.url().replace("127.0.0.1", "localhost")).await;
}

#[tokio::test]
async fn unreadable_certificate_file_is_named() {
    let client = Client::builder().trust("/nonexistent/ca.pem").build();
    let error = client.connect(&TlsServer::start().url()).await.unwrap_err();
    assert!(error.source().unwrap().to_string().contains("/nonexistent/ca.pem"));
}

#[tokio::test]
async fn server_that_does_not_answer_the_handshake_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let client = Client::builder().connect_wait_max(Duration::from_millis(50)).build();
    let error = client.connect(&url).await.unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "not connected after 50ms");
}
