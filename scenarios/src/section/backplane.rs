//! What joins the nodes, as it is written: a word or the address of a broker.

use highwater_types::{BrokerKind, BrokerUrl, InvalidBrokerUrl};

use super::{ValueDiagnostic, cluster::BackplaneSection};
use crate::suggest;

/// The embedded broker.
pub(super) const LOCAL: &str = "local";

/// What addresses look like, for messages and the reference.
pub(super) fn examples() -> String {
    let example = |kind: BrokerKind| {
        let (scheme, port) = (kind.scheme(), kind.default_port());
        format!("\"{scheme}://host:{port}\"")
    };
    BrokerKind::ALL.map(example).join(", ")
}

pub(super) fn parse(text: &str) -> Result<BackplaneSection, ValueDiagnostic> {
    if text == LOCAL {
        return Ok(BackplaneSection::Local);
    }
    match BrokerUrl::parse_strict(text) {
        Ok(url) => Ok(BackplaneSection::Broker(url)),
        Err(error) => {
            let hint = hint(text, &error);
            let refusal = ValueDiagnostic::new(error.to_string());
            Err(hint.into_iter().fold(refusal, ValueDiagnostic::hint))
        }
    }
}

fn hint(text: &str, error: &InvalidBrokerUrl) -> Option<String> {
    let schemes = BrokerKind::ALL.map(BrokerKind::scheme);
    match error {
        InvalidBrokerUrl::NoScheme if schemes.contains(&text) => {
            Some(format!("did you mean \"{text}://127.0.0.1\"?"))
        }
        InvalidBrokerUrl::NoScheme => {
            let known = schemes.into_iter().chain([LOCAL]);
            suggest::did_you_mean(text, known)
        }
        InvalidBrokerUrl::Scheme(scheme) if matches!(&scheme[..], "rediss" | "amqps" | "tls") => {
            let plain = match &scheme[..] {
                "tls" => "nats",
                secure => &secure[..secure.len() - 1],
            };
            Some(format!(
                "brokers are reached without TLS: write {plain}://, on a network that you trust"
            ))
        }
        InvalidBrokerUrl::Scheme(scheme) => suggest::did_you_mean(scheme, schemes),
        InvalidBrokerUrl::Character(_) | InvalidBrokerUrl::Host(_) => {
            Some("in a password, write such characters as %XX".to_owned())
        }
        InvalidBrokerUrl::NoHost | InvalidBrokerUrl::Port | InvalidBrokerUrl::TooLong => None,
    }
}
