//! What joins the nodes, as it is written: a word or the address of a broker.

use super::{Refusal, cluster::Backplane};
use crate::{
    broker_url::{BrokerKind, BrokerUrl, InvalidBrokerUrl},
    suggest,
};

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

pub(super) fn read(text: &str) -> Result<Backplane, Refusal> {
    if text == LOCAL {
        return Ok(Backplane::Local);
    }
    match BrokerUrl::parse(text) {
        Ok(url) => Ok(Backplane::Broker(url)),
        Err(error) => {
            let hint = hint(text, &error);
            let refusal = Refusal::new(error.to_string());
            Err(hint.into_iter().fold(refusal, Refusal::hint))
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
            suggest::hint(text, known)
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
        InvalidBrokerUrl::Scheme(scheme) => suggest::hint(scheme, schemes),
        InvalidBrokerUrl::Character(_) | InvalidBrokerUrl::Host(_) => {
            Some("in a password, write such characters as %XX".to_owned())
        }
        InvalidBrokerUrl::NoHost | InvalidBrokerUrl::Port | InvalidBrokerUrl::TooLong => None,
    }
}
