//! What nodes prove themselves with, and what clients need to be let in: made for
//! one run, in a folder of its own, and gone with it.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use highwater_scenarios::{Plan, plan::ClusterSpec};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

use super::TestbedError;
use crate::access::{CertVerification, ClientAccess, TokenSigner};

/// The environment variable in which a node finds its secret.
const AUTH_SECRET_ENV: &str = "HIGHWATER_AUTH_SECRET";
/// What the nodes' certificate is for: they listen on loopback alone.
const NAMES: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

/// A cluster's certificate and secret, where it has them.
#[derive(Debug)]
pub(super) struct Credentials {
    certificate: Option<IssuedCertificate>,
    tls_terminator: TlsTerminator,
    signer: Option<TokenSigner>,
}

/// Who speaks TLS, where somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsTerminator {
    Nodes,
    Balancers,
}

/// The nodes' certificate, signed by an authority whose key is kept nowhere.
#[derive(Debug)]
struct IssuedCertificate {
    folder: TempDir,
    authority_pem: String,
}

impl Credentials {
    /// Makes what `cluster` asks for.
    pub(super) fn generate(plan: &Plan, cluster: &ClusterSpec) -> Result<Self, TestbedError> {
        let length = plan.planned_ramp() + plan.duration;
        let anybody = cluster.tls || cluster.balancer_tls;
        Ok(Self {
            certificate: anybody.then(IssuedCertificate::generate).transpose()?,
            tls_terminator: match cluster.balancer_tls {
                true => TlsTerminator::Balancers,
                false => TlsTerminator::Nodes,
            },
            signer: cluster.auth.then(|| TokenSigner::random(length)),
        })
    }

    /// Whether nodes speak TLS.
    pub(super) fn nodes_use_tls(&self) -> bool {
        self.certificate_for(TlsTerminator::Nodes).is_some()
    }

    /// Whose certificates clients take.
    pub(super) fn trust(&self) -> CertVerification {
        match &self.certificate {
            Some(certificate) => CertVerification::CaCertificates {
                pem: certificate.authority_pem.clone(),
            },
            None => CertVerification::NoTls,
        }
    }

    /// What clients need to be let in.
    pub(super) fn access(&self) -> ClientAccess {
        ClientAccess {
            tls_verify: self.trust(),
            headers: Vec::new(),
            signer: self.signer.clone(),
        }
    }

    /// A node's arguments and environment. Secrets stay off the command line, where
    /// every user of the machine could read them.
    pub(super) fn node_launch_args(&self) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
        let mut arguments = Vec::new();
        let mut env = Vec::new();
        if let Some(certificate) = self.certificate_for(TlsTerminator::Nodes) {
            arguments.extend(certificate.arguments());
        }
        if let Some(signer) = &self.signer {
            arguments.push("--auth".into());
            env.push((AUTH_SECRET_ENV.into(), signer.secret.expose_secret().into()));
        }
        (arguments, env)
    }

    /// A gateway's arguments. It hands tokens on as they are, and knows no secret.
    pub(super) fn gateway_args(&self) -> Vec<OsString> {
        match self.certificate_for(TlsTerminator::Balancers) {
            Some(certificate) => certificate.arguments().into(),
            None => Vec::new(),
        }
    }

    /// Certificate and key in one file, for balancers that speak TLS.
    pub(super) fn balancer_pem_path(&self) -> Option<PathBuf> {
        self.certificate_for(TlsTerminator::Balancers)
            .map(IssuedCertificate::combined_pem_path)
    }

    /// The certificate, if these show it.
    fn certificate_for(&self, who: TlsTerminator) -> Option<&IssuedCertificate> {
        let certificate = self.certificate.as_ref();
        certificate.filter(|_| self.tls_terminator == who)
    }
}

impl IssuedCertificate {
    fn generate() -> Result<Self, TestbedError> {
        let folder = TempDir::with_prefix("highwater-tls-").map_err(|source| {
            let path = std::env::temp_dir();
            TestbedError::Credentials { path, source }
        })?;
        let made = IssuedPems::generate().map_err(TestbedError::Certificate)?;
        let certificate = Self {
            folder,
            authority_pem: made.authority,
        };
        // The folder is for its owner alone.
        write(&certificate.file(), &made.certificate)?;
        write(&certificate.key_file(), &made.key)?;
        let both = format!("{}{}", made.certificate, made.key);
        write(&certificate.combined_pem_path(), &both)?;
        Ok(certificate)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("node.pem")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("node.key")
    }

    fn combined_pem_path(&self) -> PathBuf {
        self.folder.path().join("both.pem")
    }

    fn arguments(&self) -> [OsString; 4] {
        [
            "--tls-cert".into(),
            self.file().into(),
            "--tls-key".into(),
            self.key_file().into(),
        ]
    }
}

/// An authority's certificate, and a node's with its key.
struct IssuedPems {
    authority: String,
    certificate: String,
    key: String,
}

impl IssuedPems {
    /// ECDSA over P-256, what most public sites use now.
    fn generate() -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::default();
        let name = "Highwater, for one run";
        authority.distinguished_name.push(DnType::CommonName, name);
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate()?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);

        let key = KeyPair::generate()?;
        let mut node = CertificateParams::new(NAMES.map(str::to_owned).to_vec())?;
        node.distinguished_name
            .push(DnType::CommonName, "Highwater node");
        let certificate = node.signed_by(&key, &issuer)?;
        Ok(Self {
            authority: authority_certificate.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn write(path: &Path, text: &str) -> Result<(), TestbedError> {
    let failed = |source: io::Error| TestbedError::Credentials {
        path: path.to_owned(),
        source,
    };
    fs::write(path, text).map_err(failed)
}
