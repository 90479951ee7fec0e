//! The credentials of a NATS server in operator mode: an operator signs accounts, an account
//! signs its users.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};

/// An operator with an account that has JetStream.
pub(super) struct Operator {
    key: KeyPair,
    account: KeyPair,
    /// The account of the server's own events, without which JetStream does not start.
    system: KeyPair,
}

impl Operator {
    pub(super) fn new() -> Self {
        Self {
            key: KeyPair::new_operator(),
            account: KeyPair::new_account(),
            system: KeyPair::new_account(),
        }
    }

    /// Returns the configuration of a server that trusts this operator.
    pub(super) fn server_config(&self) -> String {
        let system = self.system.public_key();
        let operator = json!({ "type": "operator", "version": 2, "system_account": system });
        let operator = signed(&self.key, &self.key, "operator", operator);
        // The server does not start with a system account that may use JetStream.
        let accounts = [("load", &self.account, -1), ("system", &self.system, 0)];
        let accounts = accounts.map(|(name, account, jetstream)| {
            let token = signed(&self.key, account, name, account_claims(jetstream));
            format!("{}: \"{token}\"", account.public_key())
        });
        format!(
            "operator: \"{operator}\"\nsystem_account: {system}\nresolver: MEMORY\n\
             resolver_preload: {{ {} }}\n",
            accounts.join(", ")
        )
    }

    /// Writes the credentials of a new user of the account.
    pub(super) fn write_credentials(&self, path: &Path) {
        let user = KeyPair::new_user();
        let claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
        let token = signed(&self.account, &user, "worker", claims);
        let seed = user.seed().expect("a seed");
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        fs::write(path, text).unwrap();
    }
}

/// Returns the claims of an account without limits, except that it has this much of JetStream:
/// -1 for any, 0 for none.
fn account_claims(jetstream: i64) -> Value {
    let unlimited = [
        "subs", "data", "payload", "imports", "exports", "conn", "leaf",
    ];
    let unlimited = unlimited.into_iter().map(|name| (name, json!(-1)));
    let stored = ["mem_storage", "disk_storage", "streams", "consumer"];
    let stored = stored.into_iter().map(|name| (name, json!(jetstream)));
    let mut limits: Value = unlimited.chain(stored).collect();
    limits["wildcards"] = json!(true);
    json!({ "type": "account", "version": 2, "limits": limits })
}

/// Returns a token about `subject` that `issuer` signed, as NATS defines it.
fn signed(issuer: &KeyPair, subject: &KeyPair, name: &str, nats: Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let claims = json!({
        "jti": subject.public_key(),
        "iat": 1_700_000_000,
        "iss": issuer.public_key(),
        "name": name,
        "sub": subject.public_key(),
        "nats": nats,
    });
    let parts = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    let text = parts.join(".");
    let signature = issuer.sign(text.as_bytes()).expect("a signature");
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
