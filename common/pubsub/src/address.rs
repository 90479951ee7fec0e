//! The meaning of an address: a project of the service, or one at an endpoint.

use std::env;

use highwater_types::BrokerUrl;

/// The variable that names an emulator to every client of Pub/Sub.
const EMULATOR_VARIABLE: &str = "PUBSUB_EMULATOR_HOST";
/// The endpoint of the service for all regions.
const SERVICE: &str = "https://pubsub.googleapis.com";
/// Most characters of a project, with room for the domain of an organization.
const MAX_PROJECT_CHARS: usize = 100;

/// The project whose topics a cluster uses, and the endpoint that serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubSubAddress {
    /// The id of the project.
    pub project: String,
    /// The URL of the endpoint.
    pub endpoint: String,
    /// Whether the endpoint is an emulator, which has no TLS and takes any credentials.
    pub is_emulator: bool,
}

/// An error for an address that names no project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPubSubUrl {
    /// The address has a user or a password.
    #[error("unexpected user: credentials are those of the environment")]
    User,
    /// The address of a project has a port.
    #[error("unexpected port {0} of a project")]
    Port(u16),
    /// The project has characters that no project has.
    #[error("invalid project {0:?}: expected letters, digits and hyphens")]
    Project(String),
}

impl PubSubAddress {
    /// Interprets the address of one server, with the emulator that the environment names.
    ///
    /// # Errors
    ///
    /// [`InvalidPubSubUrl`].
    pub fn from_url(url: &BrokerUrl) -> Result<Self, InvalidPubSubUrl> {
        let emulator = env::var(EMULATOR_VARIABLE).ok();
        Self::with_emulator(url, emulator.as_deref().filter(|host| !host.is_empty()))
    }

    /// Interprets the address of one server. `pubsub://PROJECT` is the service, or `emulator`.
    /// A path makes the host an endpoint: with TLS one of the service, otherwise an emulator.
    fn with_emulator(url: &BrokerUrl, emulator: Option<&str>) -> Result<Self, InvalidPubSubUrl> {
        if url.expose_secret().contains('@') {
            return Err(InvalidPubSubUrl::User);
        }
        let path = url.path().strip_prefix('/').unwrap_or(url.path());
        if !path.is_empty() {
            let scheme = if url.is_tls() { "https" } else { "http" };
            return Ok(Self {
                project: project(path)?,
                endpoint: format!("{scheme}://{}", url.servers()[0]),
                is_emulator: !url.is_tls(),
            });
        }
        let default_port = match url.is_tls() {
            true => url.kind().default_tls_port(),
            false => url.kind().default_port(),
        };
        if url.port() != default_port {
            return Err(InvalidPubSubUrl::Port(url.port()));
        }
        Ok(Self {
            project: project(url.host())?,
            endpoint: emulator.map_or_else(|| SERVICE.to_owned(), |host| format!("http://{host}")),
            is_emulator: emulator.is_some(),
        })
    }
}

/// Checks the id of a project. Ids of old projects begin with a domain and a colon.
fn project(text: &str) -> Result<String, InvalidPubSubUrl> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
    let is_valid = text.len() <= MAX_PROJECT_CHARS
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(is_legal);
    match is_valid {
        true => Ok(text.to_owned()),
        false => Err(InvalidPubSubUrl::Project(
            text.chars().take(MAX_PROJECT_CHARS).collect(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, emulator: Option<&str>) -> Result<PubSubAddress, InvalidPubSubUrl> {
        PubSubAddress::with_emulator(&BrokerUrl::parse(text).expect("an address"), emulator)
    }

    #[test]
    fn address_names_a_project_and_an_endpoint() {
        for (text, emulator, project, endpoint, is_emulator) in [
            ("pubsub://home-1", None, "home-1", SERVICE, false),
            ("pubsub://home-1:8085/", None, "home-1", SERVICE, false),
            ("pubsub+tls://home-1", None, "home-1", SERVICE, false),
            ("pubsub://p", Some("e:1"), "p", "http://e:1", true),
            ("pubsub://h/p", Some("e:1"), "p", "http://h:8085", true),
            ("pubsub://[::1]:1/p", None, "p", "http://[::1]:1", true),
            (
                "pubsub+tls://europe-west1-pubsub.googleapis.com/example.com:home",
                None,
                "example.com:home",
                "https://europe-west1-pubsub.googleapis.com:443",
                false,
            ),
        ] {
            let expected = PubSubAddress {
                project: project.to_owned(),
                endpoint: endpoint.to_owned(),
                is_emulator,
            };
            assert_eq!(parse(text, emulator), Ok(expected), "{text}");
        }
    }

    #[test]
    fn address_without_a_valid_project_is_rejected() {
        let project = |text: &str| InvalidPubSubUrl::Project(text.to_owned());
        for (text, expected) in [
            ("pubsub://u:p@home", InvalidPubSubUrl::User),
            ("pubsub://home:9000", InvalidPubSubUrl::Port(9000)),
            ("pubsub://127.0.0.1", project("127.0.0.1")),
            ("pubsub://h/a/b", project("a/b")),
            ("pubsub://h/-a", project("-a")),
            ("pubsub://h?a=b", project("?a=b")),
        ] {
            assert_eq!(parse(text, None), Err(expected), "{text}");
        }
        let long = format!("pubsub://h/{}", "p".repeat(200));
        assert_eq!(parse(&long, None), Err(project(&"p".repeat(100))));
    }
}
