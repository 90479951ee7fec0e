//! Addresses with placeholders: `wss://${HOST}/?device={device}`.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    names::{ValueNames, ValueRef, Values},
    template::Template,
};
use crate::diagnostic::Diagnostic;

/// The characters of a value that an address shows otherwise (RFC 3986, section 2.3: all but
/// the unreserved ones). A value stays within its place: it adds no segment and no parameter.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An address with placeholders.
///
/// Values behind the host are percent-encoded. Host and port may come from variables of the
/// environment, and stand as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressTemplate {
    origin: Template,
    rest: Template,
}

impl AddressTemplate {
    /// Compiles an address whose form was checked.
    ///
    /// # Errors
    ///
    /// Fails for a placeholder that is not known, and for a value in the place of the host
    /// that is not a variable of the environment.
    pub fn parse(text: &str, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        let (_, rest) = split_origin(text);
        Ok(Self {
            origin: Self::parse_origin(text, names)?,
            rest: Template::parse(rest, names)?,
        })
    }

    /// Compiles an address up to its path: scheme, host and port.
    ///
    /// # Errors
    ///
    /// Fails as [`parse`](Self::parse) does, and looks at no value behind the host.
    pub fn parse_origin(text: &str, names: &mut ValueNames) -> Result<Template, Diagnostic> {
        let (origin, _) = split_origin(text);
        let template = Template::parse(origin, names)?;
        let is_variable = |value| matches!(value, ValueRef::Environment(_));
        let is_same_for_all = template.values().all(is_variable);
        match is_same_for_all {
            true => Ok(template),
            // The harness checks hosts before the load, for all devices together.
            false => Err(Diagnostic::new("a host that differs from device to device")
                .expected("a host as text or as `${NAME}`")),
        }
    }

    /// Returns the part of an address behind host and port.
    pub fn behind_host(address: &str) -> &str {
        split_origin(address).1
    }

    /// Returns the address with its values.
    pub fn render(&self, values: &dyn Values) -> String {
        let mut address = String::new();
        self.origin.render(values, &mut address);
        self.rest.render(&PercentEncoded(values), &mut address);
        address
    }

    /// Whether every device has the same address.
    pub fn is_same_for_all(&self) -> bool {
        let mut values = self.rest.values();
        values.all(|value| matches!(value, ValueRef::Environment(_)))
    }
}

/// Values as they stand behind the host of an address.
pub(super) struct PercentEncoded<'v>(pub(super) &'v dyn Values);

impl Values for PercentEncoded<'_> {
    fn append(&self, value: ValueRef, out: &mut String) {
        let mut raw = String::new();
        self.0.append(value, &mut raw);
        push_encoded(&raw, out);
    }
}

/// Appends a text with all but letters, digits and `-._~` percent-encoded, as addresses and
/// forms take it.
pub fn push_encoded(raw: &str, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{}", utf8_percent_encode(raw, ENCODED));
}

/// Splits an address behind host and port.
fn split_origin(text: &str) -> (&str, &str) {
    let authority = text.find("://").map_or(0, |at| at + 3);
    let end = text[authority..].find(['/', '?']);
    text.split_at(end.map_or(text.len(), |end| authority + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            out.push_str(match value {
                ValueRef::Device => "phone-7",
                ValueRef::Column(0) => "a b/c&d=é\r\n?#{x}",
                ValueRef::Environment(0) => "h.example:8443",
                _ => "",
            });
        }
    }

    fn parse(text: &str) -> Result<AddressTemplate, Diagnostic> {
        let mut names = ValueNames {
            columns: vec!["token".to_owned()],
            ..ValueNames::default()
        };
        AddressTemplate::parse(text, &mut names)
    }

    #[test]
    fn values_behind_the_host_are_encoded() {
        let address = parse("wss://${HOST}/d/{device}?t={token}").unwrap();
        assert_eq!(
            address.render(&Sample),
            "wss://h.example:8443/d/phone-7?t=a%20b%2Fc%26d%3D%C3%A9%0D%0A%3F%23%7Bx%7D"
        );
        assert!(!address.is_same_for_all());
        assert!(parse("ws://${HOST}/a?b=${HOST}").unwrap().is_same_for_all());
        assert_eq!(parse("ws://h:1").unwrap().render(&Sample), "ws://h:1");
    }

    #[test]
    fn host_is_the_same_for_all_devices() {
        for text in ["ws://{device}/", "ws://h:{token}", "ws://${H}.{worker}?a"] {
            let problem = parse(text).unwrap_err();
            assert!(problem.message.starts_with("a host that differs"), "{text}");
        }
        assert!(parse("ws://h/{nothing}").is_err());
        // The origin alone needs no column's name.
        let mut names = ValueNames::default();
        assert!(AddressTemplate::parse_origin("ws://h/{nothing}", &mut names).is_ok());
    }
}
