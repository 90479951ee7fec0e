//! Certificates and secrets that are made for one run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use highwater_scenarios::{Plan, plan::ClusterSpec};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::{TestbedError, launcher::LaunchArgs, scheme::Scheme, temp_folder::TempFolder};
use crate::access::{CertVerification, ClientAccess, SecretString, TokenSigner};

/// The environment variable in which a node finds the secret of tokens.
const AUTH_SECRET_ENV: &str = "HIGHWATER_AUTH_SECRET";
/// The environment variable in which a node finds the token of operators.
const ADMIN_TOKEN_ENV: &str = "HIGHWATER_ADMIN_TOKEN";
/// The environment variable in which each process of a cluster finds its secret.
const CLUSTER_SECRET_ENV: &str = "HIGHWATER_CLUSTER_SECRET";
/// The names in the certificate: every process listens on loopback.
const CERTIFICATE_NAMES: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

/// The certificate and the secret of a cluster, as far as the scenario asks for them.
#[derive(Debug)]
pub(super) struct Credentials {
    certificate: Option<IssuedCertificate>,
    tls_terminator: TlsTerminator,
    signer: Option<TokenSigner>,
    /// The token of operators. Nodes that check tokens of clients serve no operator without it.
    pub(super) admin_token: Option<SecretString>,
}

/// The secret by which the processes of one cluster know each other.
#[derive(Debug)]
pub(super) struct ClusterSecret(SecretString);

/// The processes that speak TLS to clients, if any do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsTerminator {
    Nodes,
    Balancers,
}

/// A certificate for loopback, in a temporary folder. No file holds the key of the authority
/// that signed it.
#[derive(Debug)]
struct IssuedCertificate {
    folder: TempFolder,
    authority_pem: String,
}

/// The certificate of an authority, and a certificate that it signed with its key, as PEM.
struct IssuedPems {
    authority: String,
    certificate: String,
    key: String,
}

impl Credentials {
    /// Generates the credentials that `cluster` asks for.
    pub(super) fn generate(plan: &Plan, cluster: &ClusterSpec) -> Result<Self, TestbedError> {
        let run_length = plan.planned_ramp() + plan.duration;
        let is_tls = cluster.tls || cluster.balancer_tls;
        Ok(Self {
            certificate: is_tls.then(IssuedCertificate::generate).transpose()?,
            tls_terminator: match cluster.balancer_tls {
                true => TlsTerminator::Balancers,
                false => TlsTerminator::Nodes,
            },
            signer: cluster.auth.then(|| TokenSigner::random(run_length)),
            admin_token: cluster.auth.then(SecretString::random),
        })
    }

    /// The scheme of the nodes' own addresses.
    pub(super) fn node_scheme(&self) -> Scheme {
        Scheme::for_tls(self.certificate_for(TlsTerminator::Nodes).is_some())
    }

    /// Returns the authority whose certificates clients accept.
    pub(super) fn verification(&self) -> CertVerification {
        match &self.certificate {
            Some(certificate) => CertVerification::CaCertificates {
                pem: certificate.authority_pem.clone(),
            },
            None => CertVerification::NoTls,
        }
    }

    /// Returns the certificates and tokens that clients need.
    pub(super) fn access(&self) -> ClientAccess {
        ClientAccess {
            tls_verify: self.verification(),
            signer: self.signer.clone(),
            ..ClientAccess::default()
        }
    }

    /// Returns a node's arguments and environment.
    pub(super) fn node_args(&self) -> LaunchArgs {
        let mut args = LaunchArgs::default();
        if let Some(certificate) = self.certificate_for(TlsTerminator::Nodes) {
            args.extend(certificate.args());
        }
        if let Some(signer) = &self.signer {
            args.arguments.push("--auth".into());
            let secret = signer.secret.expose_secret().into();
            args.env.push((AUTH_SECRET_ENV.into(), secret));
        }
        if let Some(token) = &self.admin_token {
            args.env
                .push((ADMIN_TOKEN_ENV.into(), token.expose_secret().into()));
        }
        args
    }

    /// Returns a gateway's arguments. A gateway forwards tokens as they are, so it gets no
    /// secret.
    pub(super) fn gateway_args(&self) -> LaunchArgs {
        self.certificate_for(TlsTerminator::Balancers)
            .map(IssuedCertificate::args)
            .unwrap_or_default()
    }

    /// Returns the file with certificate and key for balancers that speak TLS.
    pub(super) fn balancer_pem_path(&self) -> Option<PathBuf> {
        self.certificate_for(TlsTerminator::Balancers)
            .map(IssuedCertificate::combined_pem_path)
    }

    fn certificate_for(&self, terminator: TlsTerminator) -> Option<&IssuedCertificate> {
        let certificate = self.certificate.as_ref();
        certificate.filter(|_| self.tls_terminator == terminator)
    }
}

impl ClusterSecret {
    /// Generates the secret of a cluster.
    pub(super) fn random() -> Self {
        // 64 hexadecimal digits.
        let [first, second] = rand::random::<[u128; 2]>();
        Self(format!("{first:032x}{second:032x}").into())
    }

    /// Returns the environment of the broker, of nodes, gateways and consumers.
    pub(super) fn args(&self) -> LaunchArgs {
        let secret = self.0.expose_secret().into();
        LaunchArgs {
            arguments: Vec::new(),
            env: vec![(CLUSTER_SECRET_ENV.into(), secret)],
        }
    }
}

impl IssuedCertificate {
    fn generate() -> Result<Self, TestbedError> {
        // Only its owner may read a temporary folder, so its files need no mode of their own.
        let folder = TempFolder::create("tls").map_err(|source| {
            let path = std::env::temp_dir();
            TestbedError::Credentials { path, source }
        })?;
        // The authority's key is dropped at the end of this call, so no further certificate can
        // be signed with it.
        let pems = IssuedPems::generate().map_err(TestbedError::Certificate)?;
        let certificate = Self {
            folder,
            authority_pem: pems.authority,
        };
        write(&certificate.pem_path(), &pems.certificate)?;
        write(&certificate.key_path(), &pems.key)?;
        let combined = format!("{}{}", pems.certificate, pems.key);
        write(&certificate.combined_pem_path(), &combined)?;
        Ok(certificate)
    }

    fn pem_path(&self) -> PathBuf {
        self.folder.path().join("node.pem")
    }

    fn key_path(&self) -> PathBuf {
        self.folder.path().join("node.key")
    }

    fn combined_pem_path(&self) -> PathBuf {
        self.folder.path().join("both.pem")
    }

    fn args(&self) -> LaunchArgs {
        let mut args = LaunchArgs::default();
        args.push_option("--tls-cert", self.pem_path());
        args.push_option("--tls-key", self.key_path());
        args
    }
}

impl IssuedPems {
    /// Generates ECDSA keys over P-256, the kind that most public sites use now.
    fn generate() -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::default();
        let name = "Highwater, for one run";
        authority.distinguished_name.push(DnType::CommonName, name);
        // Path length 0: the authority signs servers and no further authorities.
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate()?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);

        let key = KeyPair::generate()?;
        let mut node = CertificateParams::new(CERTIFICATE_NAMES.map(str::to_owned).to_vec())?;
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
    fs::write(path, text).map_err(|source| TestbedError::Credentials {
        path: path.to_owned(),
        source,
    })
}
