//! Brokers as they are written: the backplane, which is a word or the address of a broker, and
//! the address of a telemetry queue.

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

/// Accepts the address of a broker that carries telemetry.
pub(crate) const fn telemetry_queue() -> FixedForm<BrokerUrl> {
    FixedForm {
        expected: || {
            format!(
                "the address of a broker: {}",
                examples(BrokerKind::is_queue)
            )
        },
        read: |item| {
            let url = broker_url(quoted_text(item)?, BrokerKind::is_queue)?;
            match url.kind().is_queue() {
                true => Ok(url),
                false => Err(Diagnostic::new(format!(
                    "{} carries no telemetry",
                    url.kind().name()
                ))),
            }
        },
    }
}

fn expected() -> String {
    format!(
        "\"{LOCAL}\", or the address of a broker: {}",
        examples(BrokerKind::is_backplane)
    )
}

/// Returns an address of each kind of broker that serves a purpose.
fn examples(is_served_by: fn(BrokerKind) -> bool) -> String {
    let example = |kind: BrokerKind| format!("\"{}\"", kind.example_url());
    let kinds = BrokerKind::ALL.into_iter();
    let examples: Vec<String> = kinds
        .filter(|kind| is_served_by(*kind))
        .map(example)
        .collect();
    examples.join(", ")
}

fn read(item: &TomlItem) -> Result<BackplaneAddress, Diagnostic> {
    let text = quoted_text(item)?;
    if text == LOCAL {
        return Ok(BackplaneAddress::Local);
    }
    let url = broker_url(text, BrokerKind::is_backplane)?;
    match url.kind().is_backplane() {
        true => Ok(BackplaneAddress::Broker(url)),
        false => Err(
            Diagnostic::new(format!("{} joins no nodes", url.kind().name()))
                .hint("name it with `telemetry`, beside another `backplane`"),
        ),
    }
}

fn broker_url(text: &str, is_served_by: fn(BrokerKind) -> bool) -> Result<BrokerUrl, Diagnostic> {
    BrokerUrl::parse(text).map_err(|error| {
        let hint = hint(text, &error, is_served_by);
        Diagnostic::new(error.to_string()).maybe_hint(hint)
    })
}

/// Returns the address that was probably meant.
fn hint(
    text: &str,
    error: &InvalidBrokerUrl,
    is_served_by: fn(BrokerKind) -> bool,
) -> Option<String> {
    let kinds = BrokerKind::ALL.into_iter();
    let kinds = kinds.filter(|kind| is_served_by(*kind));
    let schemes: Vec<&str> = kinds.map(BrokerKind::scheme).collect();
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
