//! TLS between nodes, and for the HTTP of a node.
//!
//! [`Settings`] are what Mesos' `LIBPROCESS_SSL_*` variables say; [`Tls`] is what is made of them, and
//! given to [`NodeBuilder::tls`](crate::NodeBuilder::tls) and
//! [`ClientBuilder::tls`](crate::http::ClientBuilder::tls). Certificates, keys and authorities are read
//! anew when their files change, without a restart; files that cannot be used leave what was read before
//! in force, which is logged.
//!
//! ```no_run
//! use libprocess::Node;
//! use libprocess::tls::{Settings, Tls};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut builder = Node::builder();
//! if let Some(settings) = Settings::from_environment()? {
//!     builder = builder.tls(Tls::new(settings)?);
//! }
//! let node = builder.start().await?;
//! # Ok(()) }
//! ```

mod context;
mod files;
mod settings;
mod stream;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openssl::ssl::{SslAcceptor, SslConnector, SslConnectorBuilder};
use parking_lot::Mutex;
use tracing::{error, info};

use files::Stamps;
pub use settings::Settings;
pub(crate) use stream::Accepted;

/// How often files are looked at, at most.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// TLS as [`Settings`] say, ready for connections. Clones are the same.
#[derive(Clone)]
pub struct Tls {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    current: Mutex<Current>,
}

struct Current {
    acceptor: SslAcceptor,
    connector: SslConnector,
    /// What the files were like when they were read.
    stamps: Stamps,
    looked: Instant,
}

/// Why TLS cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// A variable has a value that means nothing, or fits no other.
    Setting {
        /// The variable.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be used.
    File {
        /// What it should be.
        what: &'static str,
        /// Where it is.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// OpenSSL refuses.
    OpenSsl(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { name, reason } => write!(f, "cannot set up TLS: {name}: {reason}"),
            Self::File { what, path, reason } => {
                write!(f, "cannot set up TLS: the {what} in {path}: {reason}")
            }
            Self::OpenSsl(reason) => write!(f, "cannot set up TLS: {reason}"),
        }
    }
}

impl std::error::Error for TlsError {}

impl Tls {
    /// Reads the files that `settings` names.
    ///
    /// # Errors
    ///
    /// Fails when one of them cannot be used, or a cipher or curve is unknown.
    pub fn new(settings: Settings) -> Result<Self, TlsError> {
        let current = Current::read(&settings)?;
        Ok(Self { inner: Arc::new(Inner { settings, current: Mutex::new(current) }) })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn acceptor(&self) -> SslAcceptor {
        self.with_current(|current| current.acceptor.clone())
    }

    pub(crate) fn connector(&self) -> SslConnector {
        self.with_current(|current| current.connector.clone())
    }

    /// For who makes connections in another way.
    pub(crate) fn new_connector(&self) -> Result<SslConnectorBuilder, TlsError> {
        context::connector(&self.inner.settings)
    }

    fn with_current<R>(&self, f: impl FnOnce(&Current) -> R) -> R {
        let mut current = self.inner.current.lock();
        if current.looked.elapsed() >= LOOK_INTERVAL {
            current.refresh(&self.inner.settings);
        }
        f(&current)
    }
}

impl Current {
    fn read(settings: &Settings) -> Result<Self, TlsError> {
        // Before the files are read: a change that comes meanwhile is seen later.
        let stamps = Stamps::of(settings);
        let acceptor = context::acceptor(settings)?;
        let connector = context::connector(settings)?.build();
        Ok(Self { acceptor, connector, stamps, looked: Instant::now() })
    }

    fn refresh(&mut self, settings: &Settings) {
        self.looked = Instant::now();
        let stamps = Stamps::of(settings);
        if stamps == self.stamps {
            return;
        }
        match Self::read(settings) {
            Ok(new) => {
                info!("read certificates and keys anew");
                *self = new;
            }
            Err(error) => {
                error!(%error, "certificates or keys have changed and cannot be used: going on with the old ones");
                // Not again until they change again.
                self.stamps = stamps;
            }
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::X509;

    use super::*;

    /// Writes a certificate with this number, and its key.
    fn issue(settings: &Settings, serial: u32) {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_serial_number(&BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let write = |path: &Option<std::path::PathBuf>, pem: Vec<u8>| {
            // Another file, as a replacement is.
            let path = path.as_ref().unwrap();
            let new = path.with_extension("new");
            std::fs::write(&new, pem).unwrap();
            std::fs::rename(new, path).unwrap();
        };
        write(&settings.key_file, key.private_key_to_pem_pkcs8().unwrap());
        write(&settings.cert_file, builder.build().to_pem().unwrap());
    }

    fn serial(current: &Current) -> String {
        let certificate = current.acceptor.context().certificate().unwrap();
        certificate.serial_number().to_bn().unwrap().to_dec_str().unwrap().to_string()
    }

    #[test]
    fn files_that_cannot_be_used_leave_the_old_ones_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let (key, cert) = (dir.path().join("key"), dir.path().join("cert"));
        let settings = Settings { key_file: Some(key), cert_file: Some(cert.clone()), ..Settings::default() };
        issue(&settings, 7);
        let mut current = Current::read(&settings).unwrap();
        current.refresh(&settings);
        assert_eq!(serial(&current), "7");
        std::fs::write(&cert, "garbage").unwrap();
        current.refresh(&settings);
        assert_eq!(serial(&current), "7");
        issue(&settings, 8);
        current.refresh(&settings);
        assert_eq!(serial(&current), "8");
    }
}
