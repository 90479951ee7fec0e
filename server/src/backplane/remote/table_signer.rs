//! The signature of the membership table.
//!
//! Other users of a broker can often write the document of a cluster. With a cluster secret,
//! members sign it. A member treats one that is not signed as if the broker had lost it, and
//! stores the last table that it knows.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::membership_table::{InvalidMembership, MembershipTable, encode_json};
use crate::{
    backplane::{ClusterSecret, cluster_secret::ProofSubject},
    id::ClusterName,
};

/// The way in which one cluster encodes its membership table.
#[derive(Debug)]
pub(super) struct TableSigner {
    pub(super) secret: Option<ClusterSecret>,
    /// Signed as well, because two clusters may have one secret.
    pub(super) cluster: ClusterName,
}

#[derive(Serialize)]
struct SignedTable<'t> {
    #[serde(flatten)]
    table: &'t MembershipTable,
    /// Hexadecimal digits.
    signature: String,
}

#[derive(Deserialize)]
struct SignatureOnly {
    signature: Option<String>,
}

impl TableSigner {
    /// Encodes a table, with its signature if the cluster has a secret.
    pub(super) fn encode(&self, table: &MembershipTable) -> Bytes {
        match &self.secret {
            None => table.to_bytes(),
            Some(secret) => encode_json(&SignedTable {
                table,
                signature: self.signature(secret, table),
            }),
        }
    }

    /// Decodes a stored document.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<MembershipTable, InvalidMembership> {
        let parsed = MembershipTable::parse(bytes);
        let Some(secret) = &self.secret else {
            return match signature_in(bytes) {
                Some(_) if parsed.is_ok() => Err(InvalidMembership::Signed),
                _ => parsed,
            };
        };
        // A table of another format may be signed in another way.
        let table = parsed.map_err(|error| match error {
            InvalidMembership::Malformed(_) => InvalidMembership::Unsigned,
            error => error,
        })?;
        // Over the table as it was understood, and not over bytes that may say more.
        let expected = self.signature(secret, &table);
        let found = signature_in(bytes).unwrap_or_default();
        match expected.as_bytes().ct_eq(found.as_bytes()).into() {
            true => Ok(table),
            false => Err(InvalidMembership::Unsigned),
        }
    }

    fn signature(&self, secret: &ClusterSecret, table: &MembershipTable) -> String {
        let parts = [self.cluster.as_str().as_bytes(), &table.to_bytes()];
        let proof = secret.prove(ProofSubject::MembershipTable, &parts);
        proof.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn signature_in(bytes: &[u8]) -> Option<String> {
    serde_json::from_slice::<SignatureOnly>(bytes)
        .ok()?
        .signature
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: Option<&str>, cluster: &str) -> TableSigner {
        TableSigner {
            secret: secret.map(|secret| secret.parse().unwrap()),
            cluster: cluster.parse().unwrap(),
        }
    }

    const SECRET: Option<&str> = Some("0123456789abcdef");

    #[test]
    fn table_without_the_right_signature_is_unsigned() {
        let own = signer(SECRET, "home");
        let signed = own.encode(&MembershipTable::new());
        assert_eq!(own.decode(&signed).unwrap(), MembershipTable::new());
        let text = String::from_utf8(signed.to_vec()).unwrap();
        let changed = text.replace("\"version\":0", "\"version\":1");
        let other_secret = signer(Some("0123456789abcdeF"), "home").encode(&MembershipTable::new());
        let other_cluster = signer(SECRET, "away").encode(&MembershipTable::new());
        let unsigned = MembershipTable::new().to_bytes();
        for invalid in [
            changed.into(),
            other_secret,
            other_cluster,
            unsigned,
            "{}".into(),
        ] {
            let error = own.decode(&invalid).unwrap_err();
            assert!(matches!(error, InvalidMembership::Unsigned), "{error}");
        }
    }

    #[test]
    fn member_without_a_secret_rejects_a_signed_table() {
        let plain = signer(None, "home");
        let unsigned = plain.encode(&MembershipTable::new());
        assert_eq!(plain.decode(&unsigned).unwrap(), MembershipTable::new());
        let signed = signer(SECRET, "home").encode(&MembershipTable::new());
        let error = plain.decode(&signed).unwrap_err();
        assert!(matches!(error, InvalidMembership::Signed), "{error}");
    }
}
