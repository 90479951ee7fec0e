//! The secrets of a run's clients, masked in the texts that the system sends back.

use highwater_scenarios::{plan::HttpHeader, secrets::query_secrets};

use super::SecretString;

/// Text in place of a secret.
const MASK: &str = "***";
/// Shortest secret that is masked, in bytes. A shorter one would hit the system's own words.
const MIN_SECRET_BYTES: usize = 6;

/// The secrets that a server may repeat in its answer.
#[derive(Debug, Clone, Default)]
pub struct SecretMask(Vec<SecretString>);

impl SecretMask {
    /// Collects the secrets in header fields and in the queries of addresses.
    pub fn new(headers: &[(String, SecretString)], addresses: &[String]) -> Self {
        let mut secrets = Vec::new();
        for (name, value) in headers {
            secrets.extend(words_of_header(name, value.expose_secret()));
        }
        for address in addresses {
            secrets.extend(query_secrets(address).map(str::to_owned));
        }
        secrets.retain(|secret| secret.len() >= MIN_SECRET_BYTES);
        // The longest first: one secret may be the beginning of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
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
    // A cookie has names and values, and a server may repeat a part.
    let words = value.split(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '='));
    words
        .flat_map(|word| word.split("{device}"))
        .filter(|word| !shown.contains(word))
        .map(str::to_owned)
        .collect()
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
        let mask = SecretMask::new(&headers, &addresses);
        assert_eq!(
            mask.masked("s3cr3t-1 of home-1-s3cr3t-2, s3cr3t-3 at https://app.example"),
            "*** of home-1***, *** at https://app.example"
        );
        assert!(!format!("{mask:?}").contains("s3cr3t"));
    }
}
