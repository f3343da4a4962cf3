//! Certificates, good and bad.

use std::path::{Path, PathBuf};

use libprocess_grpc::{CallOptions, Channel, Code, Runtime, Server, Status, Tls};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

use crate::support::World;

struct Authority {
    key: PKey<Private>,
    certificate: X509,
    dir: PathBuf,
}

impl Authority {
    fn new(dir: &Path, name: &str) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut builder = begin(&key, name);
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        let subject = builder_name(name);
        builder.set_issuer_name(&subject).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        let dir = dir.join(name);
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("ca.pem"), certificate.to_pem().unwrap()).unwrap();
        Self { key, certificate, dir }
    }

    fn file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// A certificate for a name, and its key.
    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut builder = begin(&key, name);
        builder.set_issuer_name(self.certificate.subject_name()).unwrap();
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let names = SubjectAlternativeName::new().dns(name).build(&context).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        let (certificate, file) =
            (self.dir.join(format!("{name}.pem")), self.dir.join(format!("{name}.key")));
        std::fs::write(&certificate, builder.build().to_pem().unwrap()).unwrap();
        std::fs::write(&file, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        (certificate, file)
    }
}

fn builder_name(name: &str) -> openssl::x509::X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_text("CN", name).unwrap();
    builder.build()
}

fn begin(key: &PKey<Private>, name: &str) -> openssl::x509::X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(64, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&builder_name(name)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder
}

async fn serve(world: &World, tls: Tls) -> Server {
    world.server().tls(tls).bind("127.0.0.1:0".parse().unwrap(), &world.node).await.unwrap()
}

async fn check(world: &World, server: &Server, tls: Tls) -> Result<bool, Status> {
    let address = server.address().unwrap();
    let channel = Channel::secure(&format!("https://localhost:{}", address.port()), tls).unwrap();
    let options = CallOptions::default().fail_fast();
    Runtime::new(&world.node).healthy(&channel, "", options).await.unwrap()
}

#[tokio::test]
async fn certificate_must_be_of_a_trusted_authority_and_for_the_name() {
    let world = World::new().await;
    let (ours, other) = (Authority::new(world.dir.path(), "ours"), Authority::new(world.dir.path(), "other"));
    let (certificate, key) = ours.issue("localhost");
    let server = serve(&world, Tls::new().identity(certificate, key)).await;
    assert!(check(&world, &server, Tls::new().authorities(ours.file())).await.unwrap());
    for (tls, reason) in [
        (Tls::new().authorities(other.file()), "certificate is refused"),
        (Tls::new().authorities(ours.file()).server_name("elsewhere"), "ostname mismatch"),
    ] {
        let status = check(&world, &server, tls).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(status.message().contains(reason), "{status}");
    }
    server.shutdown().await;
    world.node.shutdown().await;
}

#[tokio::test]
async fn server_with_authorities_asks_for_certificates() {
    let world = World::new().await;
    let ours = Authority::new(world.dir.path(), "ours");
    let (certificate, key) = ours.issue("localhost");
    let server = serve(&world, Tls::new().identity(certificate, key).authorities(ours.file())).await;
    let (certificate, key) = ours.issue("client");
    let trusting = || Tls::new().authorities(ours.file());
    assert!(check(&world, &server, trusting().identity(certificate, key)).await.unwrap());
    let status = check(&world, &server, trusting()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("certificate required"), "{status}");
    server.shutdown().await;
    world.node.shutdown().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let world = World::new().await;
    let missing = world.dir.path().join("missing.pem");
    let error = Channel::secure("a:1", Tls::new().authorities(&missing)).unwrap_err().to_string();
    assert!(error.contains("missing.pem as the authorities"), "{error}");
    let error = Channel::secure("http://a:1", Tls::new()).unwrap_err().to_string();
    assert!(error.contains("without TLS"), "{error}");
    let bound = world.server().tls(Tls::new()).bind("127.0.0.1:0".parse().unwrap(), &world.node).await;
    assert!(bound.unwrap_err().to_string().contains("needs a certificate"));
    world.node.shutdown().await;
}
