//! Certificates and keys.

use std::path::{Path, PathBuf};

use openssl::ssl::{
    AlpnError, SslAcceptor, SslAcceptorBuilder, SslConnector, SslFiletype, SslMethod, SslVerifyMode,
    SslVersion, select_next_proto,
};

/// What TLS needs beside an address: whom to trust, and who one is.
///
/// A client without any setting trusts the authorities of the system. Both sides speak TLS 1.2 or 1.3.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    authorities: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    server_name: Option<String>,
}

/// HTTP/2, with its length before it, as ALPN wants it.
const H2: &[u8] = b"\x02h2";

impl Tls {
    /// Nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities in this PEM file, and no others. A server asks its clients for certificates of
    /// theirs then.
    #[must_use]
    pub fn authorities(mut self, file: impl AsRef<Path>) -> Self {
        self.authorities = Some(file.as_ref().to_owned());
        self
    }

    /// Shows this certificate chain, and has its key; both are PEM files.
    #[must_use]
    pub fn identity(mut self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.identity = Some((certificate.as_ref().to_owned(), key.as_ref().to_owned()));
        self
    }

    /// Expects the server's certificate to be for this name, and not for the host of its address.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    pub(crate) fn expected_name<'a>(&'a self, host: &'a str) -> &'a str {
        self.server_name.as_deref().unwrap_or(host)
    }

    pub(crate) fn connector(&self) -> Result<SslConnector, String> {
        let mut builder =
            SslConnector::builder(SslMethod::tls_client()).map_err(|error| error.to_string())?;
        let set = |error: openssl::error::ErrorStack| error.to_string();
        builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(set)?;
        builder.set_alpn_protos(H2).map_err(set)?;
        if let Some(file) = &self.authorities {
            builder.set_ca_file(file).map_err(|error| cannot_read("authorities", file, &error))?;
        }
        if let Some((certificate, key)) = &self.identity {
            let chain = builder.set_certificate_chain_file(certificate);
            chain.map_err(|error| cannot_read("certificate", certificate, &error))?;
            let file = builder.set_private_key_file(key, SslFiletype::PEM);
            file.map_err(|error| cannot_read("key", key, &error))?;
            builder
                .check_private_key()
                .map_err(|error| cannot_read("key of the certificate", key, &error))?;
        }
        Ok(builder.build())
    }

    pub(crate) fn acceptor(&self) -> Result<SslAcceptor, String> {
        let Some((certificate, key)) = &self.identity else {
            return Err("a server needs a certificate and its key".to_owned());
        };
        let set = |error: openssl::error::ErrorStack| error.to_string();
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(set)?;
        let chain = builder.set_certificate_chain_file(certificate);
        chain.map_err(|error| cannot_read("certificate", certificate, &error))?;
        let file = builder.set_private_key_file(key, SslFiletype::PEM);
        file.map_err(|error| cannot_read("key", key, &error))?;
        builder.check_private_key().map_err(|error| cannot_read("key of the certificate", key, &error))?;
        if let Some(file) = &self.authorities {
            builder.set_ca_file(file).map_err(|error| cannot_read("authorities", file, &error))?;
            builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        select_h2(&mut builder);
        Ok(builder.build())
    }
}

fn select_h2(builder: &mut SslAcceptorBuilder) {
    builder
        .set_alpn_select_callback(|_, offered| select_next_proto(H2, offered).ok_or(AlpnError::ALERT_FATAL));
}

fn cannot_read(what: &str, file: &Path, error: &openssl::error::ErrorStack) -> String {
    format!("cannot use {} as the {what}: {error}", file.display())
}
