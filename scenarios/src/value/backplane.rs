//! The backplane as it is written: a word, or the address of a broker.

use highwater_types::{BrokerKind, BrokerUrl, InvalidBrokerUrl};

use super::{FixedForm, text::quoted_text};
use crate::{diagnostic::Diagnostic, suggest, tree::TomlItem};

/// The word for the embedded broker.
const LOCAL: &str = "local";

/// The address of a backplane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BackplaneAddress {
    /// The embedded broker.
    Local,
    /// A broker that is running already.
    Broker(BrokerUrl),
}

/// Accepts `local`, or the address of a broker.
pub(crate) const fn backplane() -> FixedForm<BackplaneAddress> {
    FixedForm { expected, read }
}

fn expected() -> String {
    let example = |kind: BrokerKind| {
        let (scheme, port) = (kind.scheme(), kind.default_port());
        format!("\"{scheme}://host:{port}\"")
    };
    format!(
        "\"{LOCAL}\", or the address of a broker: {}",
        BrokerKind::ALL.map(example).join(", ")
    )
}

fn read(item: &TomlItem) -> Result<BackplaneAddress, Diagnostic> {
    let text = quoted_text(item)?;
    if text == LOCAL {
        return Ok(BackplaneAddress::Local);
    }
    match BrokerUrl::parse(text) {
        Ok(url) => Ok(BackplaneAddress::Broker(url)),
        Err(error) => Err(Diagnostic::new(error.to_string()).maybe_hint(hint(text, &error))),
    }
}

/// Returns the address that was probably meant.
fn hint(text: &str, error: &InvalidBrokerUrl) -> Option<String> {
    let schemes = BrokerKind::ALL.map(BrokerKind::scheme);
    match error.defect() {
        InvalidBrokerUrl::NoScheme if schemes.contains(&text) => {
            Some(format!("did you mean \"{text}://127.0.0.1\"?"))
        }
        InvalidBrokerUrl::NoScheme => {
            let known = schemes.into_iter().chain([LOCAL]);
            suggest::did_you_mean(text, known)
        }
        InvalidBrokerUrl::Scheme(scheme) => suggest::did_you_mean(scheme, schemes),
        // An `@` or `/` in a password moves the end of the host.
        InvalidBrokerUrl::Character(_) | InvalidBrokerUrl::Host(_) => {
            Some("in a password, write such characters as %XX".to_owned())
        }
        InvalidBrokerUrl::NoHost if matches!(error, InvalidBrokerUrl::Server { .. }) => {
            Some("write a host between two commas, and none at the end".to_owned())
        }
        _ => None,
    }
}
