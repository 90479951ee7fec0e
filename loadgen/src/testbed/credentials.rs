//! What nodes prove themselves with, and what clients need to be let in: made for
//! one run, in a folder of its own, and gone with it.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use highwater_scenarios::{Plan, plan::Cluster};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;

use super::TestbedError;
use crate::access::{Access, Signer, Trust};

/// The environment variable in which a node finds its secret.
const SECRET_VARIABLE: &str = "HIGHWATER_AUTH_SECRET";
/// What the nodes' certificate is for: they listen on loopback alone.
const NAMES: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

/// A cluster's certificate and secret, where it has them.
#[derive(Debug)]
pub(super) struct Credentials {
    certificate: Option<Certificate>,
    shown_by: ShownBy,
    signer: Option<Signer>,
}

/// Who speaks TLS, where somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShownBy {
    Nodes,
    Balancers,
}

/// The nodes' certificate, signed by an authority whose key is kept nowhere.
#[derive(Debug)]
struct Certificate {
    folder: TempDir,
    authority_pem: String,
}

impl Credentials {
    /// Makes what `cluster` asks for.
    pub(super) fn make(plan: &Plan, cluster: &Cluster) -> Result<Self, TestbedError> {
        let length = plan.ramp_planned() + plan.duration;
        let anybody = cluster.tls || cluster.balancer_tls;
        Ok(Self {
            certificate: anybody.then(Certificate::make).transpose()?,
            shown_by: match cluster.balancer_tls {
                true => ShownBy::Balancers,
                false => ShownBy::Nodes,
            },
            signer: cluster.auth.then(|| Signer::random(length)),
        })
    }

    /// Whether nodes speak TLS.
    pub(super) fn are_secure(&self) -> bool {
        self.of(ShownBy::Nodes).is_some()
    }

    /// Whose certificates clients take.
    pub(super) fn trust(&self) -> Trust {
        match &self.certificate {
            Some(certificate) => Trust::Authorities {
                pem: certificate.authority_pem.clone(),
            },
            None => Trust::Nobody,
        }
    }

    /// What clients need to be let in.
    pub(super) fn access(&self) -> Access {
        Access {
            trust: self.trust(),
            headers: Vec::new(),
            signer: self.signer.clone(),
        }
    }

    /// A node's arguments and environment. Secrets stay off the command line, where
    /// every user of the machine could read them.
    pub(super) fn of_a_node(&self) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
        let mut arguments = Vec::new();
        let mut env = Vec::new();
        if let Some(certificate) = self.of(ShownBy::Nodes) {
            arguments.extend(certificate.arguments());
        }
        if let Some(signer) = &self.signer {
            arguments.push("--auth".into());
            env.push((SECRET_VARIABLE.into(), signer.secret.reveal().into()));
        }
        (arguments, env)
    }

    /// A gateway's arguments. It hands tokens on as they are, and knows no secret.
    pub(super) fn of_a_gateway(&self) -> Vec<OsString> {
        match self.of(ShownBy::Balancers) {
            Some(certificate) => certificate.arguments().into(),
            None => Vec::new(),
        }
    }

    /// Certificate and key in one file, for balancers that speak TLS.
    pub(super) fn balancer_file(&self) -> Option<PathBuf> {
        self.of(ShownBy::Balancers).map(Certificate::both_file)
    }

    /// The certificate, if these show it.
    fn of(&self, who: ShownBy) -> Option<&Certificate> {
        let certificate = self.certificate.as_ref();
        certificate.filter(|_| self.shown_by == who)
    }
}

impl Certificate {
    fn make() -> Result<Self, TestbedError> {
        let folder = TempDir::with_prefix("highwater-tls-").map_err(|source| {
            let path = std::env::temp_dir();
            TestbedError::Credentials { path, source }
        })?;
        let made = Pems::make().map_err(TestbedError::Certificate)?;
        let certificate = Self {
            folder,
            authority_pem: made.authority,
        };
        // The folder is for its owner alone.
        write(&certificate.file(), &made.certificate)?;
        write(&certificate.key_file(), &made.key)?;
        let both = format!("{}{}", made.certificate, made.key);
        write(&certificate.both_file(), &both)?;
        Ok(certificate)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("node.pem")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("node.key")
    }

    fn both_file(&self) -> PathBuf {
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
struct Pems {
    authority: String,
    certificate: String,
    key: String,
}

impl Pems {
    /// ECDSA over P-256, what most public sites use now.
    fn make() -> Result<Self, rcgen::Error> {
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
