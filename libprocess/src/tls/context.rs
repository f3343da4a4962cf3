//! Settings in OpenSSL's terms.

use std::path::Path;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{
    SslAcceptor, SslConnector, SslConnectorBuilder, SslContextBuilder, SslMethod, SslOptions, SslVerifyMode,
    SslVersion,
};
use openssl::x509::X509;

use super::{Settings, TlsError};

/// What OpenSSL needs before it speaks versions that it holds for too weak by itself.
const WEAK_CIPHERS: &str = "DEFAULT@SECLEVEL=0";

pub(super) fn acceptor(settings: &Settings) -> Result<SslAcceptor, TlsError> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(refused)?;
    common(&mut builder, settings)?;
    let verify = match (settings.verify_cert, settings.require_cert) {
        (_, true) => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        (true, false) => SslVerifyMode::PEER,
        (false, false) => SslVerifyMode::NONE,
    };
    builder.set_verify(verify);
    // Sessions of clients with certificates must belong to something.
    builder.set_session_id_context(b"libprocess").map_err(refused)?;
    Ok(builder.build())
}

pub(super) fn connector(settings: &Settings) -> Result<SslConnectorBuilder, TlsError> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(refused)?;
    common(&mut builder, settings)?;
    builder.set_verify(if settings.verify_cert { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
    Ok(builder)
}

fn common(builder: &mut SslContextBuilder, settings: &Settings) -> Result<(), TlsError> {
    versions(builder, settings)?;
    let weak = settings.tls_1_0 || settings.tls_1_1;
    if let Some(ciphers) = settings.ciphers.as_deref().or(weak.then_some(WEAK_CIPHERS)) {
        builder.set_cipher_list(ciphers).map_err(|error| setting("CIPHERS", ciphers, &error))?;
    }
    if let Some(curves) = &settings.ecdh_curves {
        builder.set_groups_list(curves).map_err(|error| setting("ECDH_CURVES", curves, &error))?;
    }
    builder.set_verify_depth(settings.verification_depth);
    match (&settings.ca_file, &settings.ca_dir) {
        (None, None) => builder.set_default_verify_paths().map_err(refused)?,
        (file, directory) => {
            if let Some(file) = file {
                trust(builder, file)?;
            }
            if let Some(directory) = directory {
                let loaded = builder.load_verify_locations(None, Some(directory));
                loaded.map_err(|error| wrong_file("authorities", directory, &error.to_string()))?;
            }
        }
    }
    if let Some(file) = &settings.cert_file {
        let read = builder.set_certificate_chain_file(file);
        read.map_err(|error| wrong_file("certificate", file, &reason(file, &error)))?;
    }
    if let Some(file) = &settings.key_file {
        let pem = std::fs::read(file).map_err(|error| wrong_file("key", file, &error.to_string()))?;
        let key = PKey::private_key_from_pem(&pem);
        let key = key.map_err(|error| wrong_file("key", file, &error.to_string()))?;
        // OpenSSL looks whether it fits the certificate.
        builder.set_private_key(&key).map_err(|_| wrong_file("key", file, "it is not the certificate's"))?;
    }
    Ok(())
}

fn versions(builder: &mut SslContextBuilder, settings: &Settings) -> Result<(), TlsError> {
    let all = [
        (settings.tls_1_0, SslVersion::TLS1, SslOptions::NO_TLSV1),
        (settings.tls_1_1, SslVersion::TLS1_1, SslOptions::NO_TLSV1_1),
        (settings.tls_1_2, SslVersion::TLS1_2, SslOptions::NO_TLSV1_2),
        (settings.tls_1_3, SslVersion::TLS1_3, SslOptions::NO_TLSV1_3),
    ];
    let mut enabled = all.iter().filter(|(on, ..)| *on).map(|(_, version, _)| *version);
    let first = enabled.next();
    let last = enabled.next_back().or(first);
    builder.set_min_proto_version(first).map_err(refused)?;
    builder.set_max_proto_version(last).map_err(refused)?;
    for (on, _, option) in all {
        match on {
            true => drop(builder.clear_options(option)),
            false => drop(builder.set_options(option)),
        }
    }
    Ok(())
}

fn trust(builder: &mut SslContextBuilder, file: &Path) -> Result<(), TlsError> {
    let pem = std::fs::read(file).map_err(|error| wrong_file("authorities", file, &error.to_string()))?;
    let read = X509::stack_from_pem(&pem);
    let certificates = read.map_err(|error| wrong_file("authorities", file, &error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong_file("authorities", file, "there is no certificate"));
    }
    for certificate in certificates {
        builder.cert_store_mut().add_cert(certificate).map_err(refused)?;
    }
    Ok(())
}

/// What the system says about a file where OpenSSL says less.
fn reason(file: &Path, error: &ErrorStack) -> String {
    std::fs::File::open(file).map_or_else(|cause| cause.to_string(), |_| error.to_string())
}

fn wrong_file(what: &'static str, path: &Path, reason: &str) -> TlsError {
    TlsError::File { what, path: path.display().to_string(), reason: reason.to_owned() }
}

fn setting(name: &str, value: &str, error: &ErrorStack) -> TlsError {
    TlsError::Setting { name: format!("LIBPROCESS_SSL_{name}"), reason: format!("'{value}': {error}") }
}

fn refused(error: ErrorStack) -> TlsError {
    TlsError::OpenSsl(error.to_string())
}
