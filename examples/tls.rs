//! Two nodes that trust one authority: what passes between them is encrypted, and both show who they are. A third
//! party without a certificate gets no answer.
//!
//! ```text
//! cargo run --example tls
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use libprocess::http::{Client, HeaderMap, Method, Response};
use libprocess::tls::{Settings, Tls};
use libprocess::{Context, Node, Process, Promise, Upid};
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// Answers a message with a message, and a request with a text.
struct Echo;

impl Process for Echo {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("say", |_echo, cx, from, body| cx.send_raw(from, "said", body.to_vec()));
        cx.route("hello", "Says hello.", |_echo, _cx, _request| Response::text("hello over TLS"));
    }
}

struct Caller {
    echo: Upid,
    heard: Option<Promise<String>>,
}

impl Process for Caller {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("said", |caller, _cx, _from, body| {
            if let Some(heard) = caller.heard.take() {
                heard.set(String::from_utf8_lossy(body).into_owned());
            }
        });
        cx.send_raw(&self.echo, "say", b"a message over TLS".to_vec());
    }
}

/// A certificate for 127.0.0.1 and its key, in PEM files; signed by itself, it is its own authority. Real ones come
/// from the authority of an organization.
fn certificate(directory: &Path) -> Result<(PathBuf, PathBuf), Box<dyn Error>> {
    let key = PKey::ec_gen("prime256v1")?;
    let (certificate, key_file) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&certificate, sign(&key)?.to_pem()?)?;
    std::fs::write(&key_file, key.private_key_to_pem_pkcs8()?)?;
    Ok((certificate, key_file))
}

fn sign(key: &PKey<Private>) -> Result<X509, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "example")?;
    let name = name.build();
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(1)?)?;
    builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    let address = SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None))?;
    builder.append_extension(address)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (certificate, key) = certificate(directory.path())?;
    // A program would take these from LIBPROCESS_SSL_* variables: `Settings::from_environment`.
    let mut settings = Settings::default();
    (settings.cert_file, settings.key_file) = (Some(certificate.clone()), Some(key));
    settings.ca_file = Some(certificate);
    (settings.verify_cert, settings.require_cert, settings.verify_ip_address) = (true, true, true);
    let tls = Tls::new(settings)?;

    let localhost = "127.0.0.1:0".parse()?;
    let there = Node::builder().bind(localhost).tls(tls.clone()).start().await?;
    let here = Node::builder().bind(localhost).tls(tls.clone()).start().await?;
    let echo = there.spawn_as("echo", Echo)?;
    let (promise, heard) = Promise::pair();
    here.spawn(Caller { echo: echo.upid().clone(), heard: Some(promise) });
    println!("{}", heard.await?);

    let url = format!("https://{}/echo/hello", there.address());
    let get = async |client: Client| {
        client.request(Method::GET, &url, HeaderMap::new(), "").await?.bytes(1024).await
    };
    let answer = get(Client::builder().tls(&tls).build()).await?;
    println!("{}", String::from_utf8_lossy(&answer));
    match get(Client::builder().trust_anyone().build()).await {
        Ok(_) => return Err("somebody without a certificate was answered".into()),
        Err(error) => println!("without a certificate: {error}"),
    }

    here.shutdown().await;
    there.shutdown().await;
    Ok(())
}
