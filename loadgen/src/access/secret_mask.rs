//! The secrets of a run's clients, masked in the texts that the system sends back.

use highwater_scenarios::{
    frames::push_encoded,
    plan::HttpHeader,
    secrets::{literal_parts, query_secrets},
};

use super::SecretString;

/// Text in place of a secret.
const MASK: &str = "***";
/// Shortest secret that is masked, in bytes. A shorter one would hit the system's own words.
const MIN_SECRET_BYTES: usize = 6;

/// The secrets that a server may repeat in its answer.
#[derive(Debug, Clone, Default)]
pub struct SecretMask(Vec<SecretString>);

impl SecretMask {
    /// Collects the secrets in header fields and in the queries of addresses, as they are
    /// written, and the values of variables.
    pub fn new<'v>(
        headers: &[(String, SecretString)],
        addresses: &[String],
        variables: impl IntoIterator<Item = &'v str>,
    ) -> Self {
        let mut secrets = Vec::new();
        for (name, value) in headers {
            secrets.extend(words_of_header(name, value.expose_secret()));
        }
        for address in addresses {
            let literals = query_secrets(address).flat_map(literal_parts);
            secrets.extend(literals.map(str::to_owned));
        }
        let words = variables.into_iter().flat_map(words_of_value);
        secrets.extend(words.map(str::to_owned));
        Self::of_secrets(secrets)
    }

    /// Collects the values of one device.
    pub fn of_values(values: &[String]) -> Self {
        let words = values.iter().flat_map(|value| words_of_value(value));
        Self::of_secrets(words.map(str::to_owned).collect())
    }

    fn of_secrets(mut secrets: Vec<String>) -> Self {
        // An address that a server repeats has them encoded.
        let encoded = secrets.iter().map(|secret| {
            let mut encoded = String::new();
            push_encoded(secret, &mut encoded);
            encoded
        });
        let encoded: Vec<String> = encoded.collect();
        secrets.extend(encoded);
        secrets.retain(|secret| secret.len() >= MIN_SECRET_BYTES);
        // The longest first: one secret may be the beginning of another.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self(secrets.into_iter().map(SecretString::from).collect())
    }

    /// Returns the text with `***` in place of each secret.
    pub fn masked(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in &self.0 {
            masked = masked.replace(secret.expose_secret(), MASK);
        }
        masked
    }
}

/// Returns the words of a header field's value that may be secrets.
fn words_of_header(name: &str, value: &str) -> Vec<String> {
    let header = HttpHeader {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    // The part that a record shows, such as `Bearer`, is not a secret.
    let shown = header.masked().value;
    let words = literal_parts(value).into_iter().flat_map(words_of_value);
    words
        .filter(|word| !shown.contains(word))
        .map(str::to_owned)
        .collect()
}

/// Splits a value where a server may end what it repeats: a cookie has names and values.
fn words_of_value(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_headers_and_addresses_are_masked() {
        let headers = [
            ("Authorization", "Bearer s3cr3t-1"),
            ("Origin", "https://app.example"),
            ("X-Device", "key-{device}-s3cr3t-2"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned().into()));
        let addresses = ["ws://h/ws?device={device}&token=s3cr3t-3".to_owned()];
        let mask = SecretMask::new(&headers, &addresses, ["s3cr3t/4", "short"]);
        assert_eq!(
            mask.masked("s3cr3t-1 of home-1-s3cr3t-2, s3cr3t-3 at https://app.example"),
            "*** of home-1***, *** at https://app.example"
        );
        assert_eq!(
            mask.masked("a=s3cr3t%2F4 s3cr3t/4 short"),
            "a=*** *** short"
        );
        assert!(!format!("{mask:?}").contains("s3cr3t"));
    }
}
