//! The address of a session store.

use std::str::FromStr;

#[cfg(feature = "redis")]
use highwater_types::BrokerUrl;

use crate::net::tls::BrokerCa;

/// The store that keeps session data.
#[derive(Debug, Clone)]
pub enum StoreUrl {
    /// `memory`: in this process.
    Memory,
    /// `redis://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]][/DB]`.
    #[cfg(feature = "redis")]
    Redis(BrokerUrl),
}

/// A text that names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: expected memory or redis://HOST:PORT")]
pub struct InvalidStoreUrl {
    /// The defect of the address. A password in the text is not repeated.
    reason: String,
}

impl StoreUrl {
    /// Returns the address with the authorities that sign the certificates of a broker.
    #[must_use]
    pub fn with_ca(self, ca: &BrokerCa) -> Self {
        #[cfg(feature = "redis")]
        if let Self::Redis(url) = self {
            return Self::Redis(url.with_ca(ca.pem()));
        }
        self
    }
}

impl FromStr for StoreUrl {
    type Err = InvalidStoreUrl;

    fn from_str(text: &str) -> Result<Self, InvalidStoreUrl> {
        let invalid = |reason: String| InvalidStoreUrl { reason };
        match text.split_once("://") {
            None if text == "memory" => Ok(Self::Memory),
            #[cfg(feature = "redis")]
            Some(("redis" | "rediss" | "redis+sentinel" | "rediss+sentinel", _)) => {
                parse_redis(text)
                    .map(Self::Redis)
                    .map_err(|error| invalid(format!("invalid address of Redis: {error}")))
            }
            Some((scheme, _)) => Err(invalid(format!("unknown session store {scheme:?}"))),
            None => Err(invalid(format!("unknown session store {text:?}"))),
        }
    }
}

#[cfg(feature = "redis")]
fn parse_redis(text: &str) -> Result<BrokerUrl, String> {
    let url = BrokerUrl::parse(text).map_err(|error| error.to_string())?;
    // The client library checks the rest, as the number of a database. Sentinels name a
    // server without one.
    if url.sentinel_primary().is_none() {
        for server in url.single_urls() {
            let client = redis::Client::open(server.expose_secret());
            client.map_err(|error| error.to_string())?;
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_names_a_known_store() {
        assert!(matches!("memory".parse(), Ok(StoreUrl::Memory)));
        let error = "disk".parse::<StoreUrl>().unwrap_err();
        let expected = "unknown session store \"disk\": expected memory or redis://HOST:PORT";
        assert_eq!(error.to_string(), expected);
        assert!("mysql://h".parse::<StoreUrl>().is_err());
        assert!("redis://".parse::<StoreUrl>().is_err());
        #[cfg(feature = "redis")]
        for text in [
            "redis://127.0.0.1:6379/2",
            "redis://a,b:1,[::1]/0",
            "rediss://a,b",
            "redis+sentinel://a,b/primary",
        ] {
            assert!(text.parse::<StoreUrl>().is_ok(), "{text}");
        }
        let error = "redis://a,,b".parse::<StoreUrl>().unwrap_err().to_string();
        assert!(error.contains("server 2 of the address"), "{error}");
    }
}
