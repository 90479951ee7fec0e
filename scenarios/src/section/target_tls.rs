//! `tls` of a target: the certificates that clients trust and show.

use crate::{
    plan::{CertificateTrust, ClientCertificate},
    value::{boolean, file_path, server_name},
};

section! {
    /// The verification of certificates. Sessions are never resumed: each socket is a device
    /// of its own and pays for a whole handshake.
    pub(crate) struct TargetTlsSection = "[target.tls]";

    /// PEM file of the only authorities that are trusted. Without it those of the worker's
    /// machine are, or Mozilla's where it has none.
    pub(crate) ca: String = file_path(), optional;

    /// Whether certificates are verified. With `false` any certificate is taken, and the
    /// report says so.
    pub(crate) verify: bool = boolean(), default "true";

    /// PEM file of the certificate that sockets and commands show (mutual TLS), with the
    /// certificates between it and its authority. It needs `key`.
    pub(crate) certificate: String = file_path(), optional;

    /// PEM file of the certificate's private key, without a password. The coordinator reads it
    /// and sends it to its local workers; those on other machines read their own file at this
    /// path. It stays out of the record.
    pub(crate) key: String = file_path(), optional;

    /// The server's name, in place of the hosts of `wss` and `https` addresses: for SNI, for
    /// verification, and in the field `Host`. Such an address may then be an IP address.
    pub(crate) server_name: String = server_name(), optional;
}

/// The resolved keys.
pub(crate) struct TargetTls {
    pub(crate) trust: CertificateTrust,
    pub(crate) client_certificate: Option<ClientCertificate>,
    pub(crate) server_name: Option<String>,
}

impl TargetTlsSection {
    pub(crate) fn resolve(self) -> Option<TargetTls> {
        let trust = match (self.ca.value, self.verify.value?) {
            // A rule reports an authority that nothing is verified against.
            (Some(file), _) => CertificateTrust::Authorities { file },
            (None, true) => CertificateTrust::Machine,
            (None, false) => CertificateTrust::Anybody,
        };
        // A rule reports one of the two without the other.
        let files = self.certificate.value.zip(self.key.value);
        Some(TargetTls {
            trust,
            client_certificate: files
                .map(|(certificate, key)| ClientCertificate { certificate, key }),
            server_name: self.server_name.value,
        })
    }
}
