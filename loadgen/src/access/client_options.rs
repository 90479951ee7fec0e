//! An [`Access`](super::Access), ready to be used by a worker.

use std::{fmt::Write, sync::Arc};

use reqwest::{
    Client, ClientBuilder,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use tokio_rustls::TlsConnector;

use super::{Access, Hidden, Signer, Trust, TrustError};

/// The user that a worker's commands are sent as.
const COMMANDER: &str = "commands";

/// What a worker's sockets and commands show and whom they trust.
pub struct Doorway {
    trust: Trust,
    tls: TlsConnector,
    /// Lines of an HTTP head.
    lines: Hidden,
    /// Of commands, the worker's own token included.
    headers: HeaderMap,
    signer: Option<Signer>,
}

impl Doorway {
    /// Makes ready what `access` says.
    ///
    /// # Errors
    /// If the authorities' certificates are not usable here.
    pub fn new(access: &Access) -> Result<Self, TrustError> {
        let mut lines = String::new();
        let mut headers = HeaderMap::new();
        for (name, value) in &access.headers {
            // Writing to a String cannot fail.
            let _ = write!(lines, "{name}: {}\r\n", value.reveal());
            insert(&mut headers, name, value.reveal());
        }
        if let Some(signer) = &access.signer {
            let token = signer.token(COMMANDER, "*");
            let value = format!("Bearer {}", token.reveal());
            insert(&mut headers, AUTHORIZATION.as_str(), &value);
        }
        Ok(Self {
            tls: TlsConnector::from(Arc::new(access.trust.configuration()?)),
            trust: access.trust.clone(),
            lines: lines.into(),
            headers,
            signer: access.signer.clone(),
        })
    }

    /// TLS for sockets.
    pub fn tls(&self) -> &TlsConnector {
        &self.tls
    }

    /// Header lines of the opening of a device's socket, each with its line's end.
    pub fn lines_for(&self, device: &str) -> Hidden {
        match &self.signer {
            None => self.lines.clone(),
            Some(signer) => {
                let token = signer.token(device, device);
                let lines = self.lines.reveal();
                format!("{lines}Authorization: Bearer {}\r\n", token.reveal()).into()
            }
        }
    }

    /// An HTTP client for commands, with what `settle` adds.
    ///
    /// # Errors
    /// If the authorities' certificates are not usable here.
    pub fn http_client(
        &self,
        settle: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TrustError> {
        let headers = self.headers.clone();
        self.trust
            .http_client(|client| settle(client.default_headers(headers)))
    }
}

/// Names and values were checked when the plan was read and when they were filled
/// in: one that HTTP does not allow all the same is left out.
fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(value)) {
        value.set_sensitive(true);
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_commands_show_the_same_and_a_token_each_of_their_own() {
        let access = Access {
            headers: vec![("X-Tenant".to_owned(), "t1".to_owned().into())],
            signer: Some(Signer::random(std::time::Duration::ZERO)),
            ..Access::default()
        };
        let doorway = Doorway::new(&access).unwrap();
        let lines = doorway.lines_for("home-1");
        assert!(
            lines
                .reveal()
                .starts_with("X-Tenant: t1\r\nAuthorization: Bearer ey")
                && lines.reveal().ends_with("\r\n")
        );
        assert_eq!(doorway.headers["x-tenant"], "t1");
        assert!(doorway.headers.contains_key(AUTHORIZATION));
        assert!(!format!("{access:?}").contains("t1"));

        let plain = Doorway::new(&Access::default()).unwrap();
        assert_eq!(plain.lines_for("home-1").reveal(), "");
        assert!(plain.headers.is_empty());
    }
}
