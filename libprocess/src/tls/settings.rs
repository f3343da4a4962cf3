//! What the `LIBPROCESS_SSL_*` variables say.

use std::path::PathBuf;
use std::str::FromStr;

use super::TlsError;

/// How a node speaks TLS: one field for each of Mesos' `LIBPROCESS_SSL_*` variables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// `SUPPORT_DOWNGRADE`: also speak with those that have no TLS.
    pub support_downgrade: bool,
    /// `KEY_FILE`: the key of the certificate, as PEM.
    pub key_file: Option<PathBuf>,
    /// `CERT_FILE`: the certificate, and those between it and the authority, as PEM.
    pub cert_file: Option<PathBuf>,
    /// `VERIFY_CERT`: check the certificates that others show, and that they are for them.
    pub verify_cert: bool,
    /// `REQUIRE_CERT`: serve only those who show a certificate.
    pub require_cert: bool,
    /// `VERIFICATION_DEPTH`: how long a chain of certificates may be.
    pub verification_depth: u32,
    /// `VERIFY_IPADD`: a certificate may be for an IP address.
    pub verify_ip_address: bool,
    /// `CA_DIR`: the authorities to trust, one in a file, named by its hash.
    pub ca_dir: Option<PathBuf>,
    /// `CA_FILE`: the authorities to trust, as PEM.
    pub ca_file: Option<PathBuf>,
    /// `CIPHERS`: what to offer up to TLS 1.2, in OpenSSL's words.
    pub ciphers: Option<String>,
    /// `ECDH_CURVES`: which curves to use, separated by colons.
    pub ecdh_curves: Option<String>,
    /// `ENABLE_TLS_V1_0`.
    pub tls_1_0: bool,
    /// `ENABLE_TLS_V1_1`.
    pub tls_1_1: bool,
    /// `ENABLE_TLS_V1_2`.
    pub tls_1_2: bool,
    /// `ENABLE_TLS_V1_3`, which Mesos does not have.
    pub tls_1_3: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            support_downgrade: false,
            key_file: None,
            cert_file: None,
            verify_cert: false,
            require_cert: false,
            verification_depth: 4,
            verify_ip_address: false,
            ca_dir: None,
            ca_file: None,
            ciphers: None,
            ecdh_curves: None,
            tls_1_0: false,
            tls_1_1: false,
            tls_1_2: true,
            tls_1_3: true,
        }
    }
}

/// The prefix of the variables.
const PREFIX: &str = "LIBPROCESS_SSL_";

/// The prefix that they had before Mesos 1.0; the newer one wins.
const OLD_PREFIX: &str = "SSL_";

impl Settings {
    /// What the environment says; `None` unless `LIBPROCESS_SSL_ENABLED` is true.
    ///
    /// # Errors
    ///
    /// Fails when a value means nothing, or the key or the certificate is missing.
    pub fn from_environment() -> Result<Option<Self>, TlsError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Like [`Settings::from_environment`], with variables from anywhere.
    ///
    /// ```
    /// use libprocess::tls::Settings;
    ///
    /// let variables = |name: &str| match name {
    ///     "LIBPROCESS_SSL_ENABLED" => Some("true".to_owned()),
    ///     "LIBPROCESS_SSL_KEY_FILE" => Some("/etc/mesos/key.pem".to_owned()),
    ///     "LIBPROCESS_SSL_CERT_FILE" => Some("/etc/mesos/cert.pem".to_owned()),
    ///     "LIBPROCESS_SSL_REQUIRE_CERT" => Some("1".to_owned()),
    ///     _ => None,
    /// };
    /// let settings = Settings::from_variables(variables)?.expect("TLS is enabled");
    /// assert!(settings.verify_cert, "what is required is also verified");
    /// # Ok::<(), libprocess::tls::TlsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Settings::from_environment`].
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, TlsError> {
        let variables = Variables { lookup };
        if !variables.flag("ENABLED", false)? {
            return Ok(None);
        }
        if variables.flag("ENABLE_SSL_V3", false)? {
            return Err(wrong("ENABLE_SSL_V3", "SSL 3 is broken, and OpenSSL does not speak it any more"));
        }
        let require_cert = variables.flag("REQUIRE_CERT", false)?;
        let settings = Self {
            support_downgrade: variables.flag("SUPPORT_DOWNGRADE", false)?,
            key_file: variables.path("KEY_FILE"),
            cert_file: variables.path("CERT_FILE"),
            verify_cert: variables.flag("VERIFY_CERT", false)? || require_cert,
            require_cert,
            verification_depth: variables.number("VERIFICATION_DEPTH", 4)?,
            verify_ip_address: variables.flag("VERIFY_IPADD", false)?,
            ca_dir: variables.path("CA_DIR"),
            ca_file: variables.path("CA_FILE"),
            ciphers: variables.get("CIPHERS"),
            ecdh_curves: variables.get("ECDH_CURVES").filter(|curves| curves != "auto"),
            tls_1_0: variables.flag("ENABLE_TLS_V1_0", false)?,
            tls_1_1: variables.flag("ENABLE_TLS_V1_1", false)?,
            tls_1_2: variables.flag("ENABLE_TLS_V1_2", true)?,
            tls_1_3: variables.flag("ENABLE_TLS_V1_3", true)?,
        };
        for (name, file) in [("KEY_FILE", &settings.key_file), ("CERT_FILE", &settings.cert_file)] {
            if file.is_none() {
                return Err(wrong(name, "it must be set when TLS is enabled"));
            }
        }
        if !(settings.tls_1_0 || settings.tls_1_1 || settings.tls_1_2 || settings.tls_1_3) {
            return Err(wrong("ENABLE_TLS_V1_2", "no version of TLS is left"));
        }
        Ok(Some(settings))
    }
}

struct Variables<F> {
    lookup: F,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn get(&self, name: &str) -> Option<String> {
        let newer = (self.lookup)(&format!("{PREFIX}{name}"));
        newer.or_else(|| (self.lookup)(&format!("{OLD_PREFIX}{name}"))).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        // With the prefix of files, as flags have it.
        self.get(name).map(|path| PathBuf::from(path.strip_prefix("file://").unwrap_or(&path)))
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, TlsError> {
        match self.get(name).as_deref() {
            None => Ok(default),
            Some("1" | "true") => Ok(true),
            Some("0" | "false") => Ok(false),
            Some(other) => Err(wrong(name, &format!("'{other}' is none of 1, true, 0 and false"))),
        }
    }

    fn number<N: FromStr>(&self, name: &str, default: N) -> Result<N, TlsError> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| wrong(name, &format!("'{text}' is no number"))),
        }
    }
}

fn wrong(name: &str, reason: &str) -> TlsError {
    TlsError::Setting { name: format!("{PREFIX}{name}"), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, TlsError> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Settings::from_variables(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    const BASE: [(&str, &str); 3] = [
        ("LIBPROCESS_SSL_ENABLED", "true"),
        ("LIBPROCESS_SSL_KEY_FILE", "key"),
        ("LIBPROCESS_SSL_CERT_FILE", "file:///cert"),
    ];

    #[test]
    fn without_enabled_there_is_no_tls() {
        assert_eq!(read(&BASE[1..]), Ok(None));
        assert_eq!(read(&[("LIBPROCESS_SSL_ENABLED", "0")]), Ok(None));
    }

    #[test]
    fn defaults_are_those_of_mesos() {
        let expected =
            Settings { key_file: Some("key".into()), cert_file: Some("/cert".into()), ..Settings::default() };
        assert_eq!(read(&BASE), Ok(Some(expected)));
    }

    #[test]
    fn old_prefix_is_read_and_the_new_one_wins() {
        let old = [("SSL_ENABLED", "1"), ("SSL_KEY_FILE", "old"), ("SSL_CERT_FILE", "c")];
        assert_eq!(read(&old).unwrap().unwrap().key_file, Some("old".into()));
        let both = [&old[..], &BASE[1..2]].concat();
        assert_eq!(read(&both).unwrap().unwrap().key_file, Some("key".into()));
    }

    #[test]
    fn wrong_values_are_named() {
        let rows = [
            (("LIBPROCESS_SSL_VERIFY_CERT", "yes"), "VERIFY_CERT: 'yes' is none of"),
            (("LIBPROCESS_SSL_VERIFICATION_DEPTH", "-1"), "VERIFICATION_DEPTH: '-1' is no number"),
            (("LIBPROCESS_SSL_ENABLE_SSL_V3", "1"), "ENABLE_SSL_V3: SSL 3 is broken"),
        ];
        for (variable, reason) in rows {
            let error = read(&[&[variable][..], &BASE].concat()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let error = read(&BASE[..2]).unwrap_err().to_string();
        assert!(error.contains("LIBPROCESS_SSL_CERT_FILE: it must be set"), "{error}");
        let none = [("LIBPROCESS_SSL_ENABLE_TLS_V1_2", "0"), ("LIBPROCESS_SSL_ENABLE_TLS_V1_3", "0")];
        assert!(read(&[&none[..], &BASE].concat()).unwrap_err().to_string().contains("no version"));
    }
}
