//! An authority, and the certificates that it issues.

use std::path::{Path, PathBuf};

use libprocess::tls::Settings;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

pub(super) struct Authority {
    key: PKey<Private>,
    certificate: X509,
    dir: PathBuf,
}

/// Whom a certificate is for, and until when.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) dns: &'static str,
    pub(super) ip: Option<&'static str>,
    pub(super) serial: u32,
    pub(super) expired: bool,
}

/// What nodes on this machine are.
pub(super) const LOCALHOST: Subject =
    Subject { dns: "localhost", ip: Some("127.0.0.1"), serial: 7, expired: false };

impl Authority {
    pub(super) fn new(dir: &Path, name: &str) -> Self {
        let dir = dir.join(name);
        std::fs::create_dir(&dir).unwrap();
        let key = new_key();
        let mut builder = begin(&key, name, 1);
        builder.set_issuer_name(&x509_name(name)).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        std::fs::write(dir.join("ca.pem"), certificate.to_pem().unwrap()).unwrap();
        Self { key, certificate, dir }
    }

    /// Writes a certificate and its key as `<file>.pem` and `<file>.key`, each replaced in one step.
    pub(super) fn issue(&self, file: &str, subject: Subject) {
        let key = new_key();
        let mut builder = begin(&key, subject.dns, subject.serial);
        builder.set_issuer_name(self.certificate.subject_name()).unwrap();
        let end = match subject.expired {
            true => Asn1Time::from_unix(1_600_000_000).unwrap(),
            false => Asn1Time::days_from_now(1).unwrap(),
        };
        builder.set_not_after(&end).unwrap();
        let mut names = SubjectAlternativeName::new();
        names.dns(subject.dns);
        subject.ip.map(|ip| names.ip(ip));
        let names = names.build(&builder.x509v3_context(Some(&self.certificate), None)).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        self.write(&format!("{file}.key"), &key.private_key_to_pem_pkcs8().unwrap());
        self.write(&format!("{file}.pem"), &builder.build().to_pem().unwrap());
    }

    fn write(&self, name: &str, content: &[u8]) {
        let new = self.dir.join(format!("{name}.new"));
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, self.dir.join(name)).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Settings of a node with a certificate of ours that trusts us.
    pub(super) fn settings(&self, file: &str) -> Settings {
        let mut settings = Settings::default();
        settings.key_file = Some(self.path(&format!("{file}.key")));
        settings.cert_file = Some(self.path(&format!("{file}.pem")));
        settings.ca_file = Some(self.path("ca.pem"));
        settings
    }

    /// Settings as [`Authority::settings`], after issuing the certificate.
    pub(super) fn node(&self, subject: Subject) -> Settings {
        self.issue("node", subject);
        self.settings("node")
    }
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn x509_name(name: &str) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    builder.build()
}

fn begin(key: &PKey<Private>, name: &str, serial: u32) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&x509_name(name)).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(1_500_000_000).unwrap()).unwrap();
    builder
}
