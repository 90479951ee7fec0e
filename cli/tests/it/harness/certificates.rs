//! Certificates of an authority that only a test knows.

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::server::ServerProcess;

/// `ca.pem` of an authority, `node.pem` and `node.key` that it signed.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    pub(crate) fn make() -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = authority.self_signed(&key).unwrap();
        let issuer = Issuer::new(authority, key);
        let node_key = KeyPair::generate().unwrap();
        let node = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let node = node.signed_by(&node_key, &issuer).unwrap();
        let made = Self(TempDir::new().unwrap());
        fs::write(made.file("ca.pem"), certificate.pem()).unwrap();
        fs::write(made.file("node.pem"), node.pem()).unwrap();
        fs::write(made.file("node.key"), node_key.serialize_pem()).unwrap();
        made
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// Starts a node that shows `node.pem`.
    pub(crate) fn node(&self) -> ServerProcess {
        let (cert, key) = (self.text("node.pem"), self.text("node.key"));
        ServerProcess::node_with("theirs", &["--tls-cert", &cert, "--tls-key", &key])
    }
}
