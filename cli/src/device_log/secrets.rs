//! Values that no line shows.

use highwater_scenarios::{
    Plan,
    plan::{HttpHeader, SystemSpec},
    secrets::variables,
};

/// Text in place of a secret.
const MASK: &str = "***";

/// Shortest value that is looked for: a shorter one would mask harmless text everywhere.
const MIN_SECRET_BYTES: usize = 4;

/// Header fields of requests and responses that carry credentials, in lower case.
const SECRET_FIELDS: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
];

/// The secrets of a plan: values of variables of the environment, and header fields.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// Values, the longest first: one may contain another.
    values: Vec<String>,
    /// Names of header fields, in lower case.
    fields: Vec<String>,
}

impl Secrets {
    /// Collects the secrets of a plan. `look_up` returns a variable of the environment.
    pub(crate) fn of(plan: &Plan, look_up: impl Fn(&str) -> Option<String>) -> Self {
        let variables = variables(plan).into_iter();
        let values = variables
            .filter_map(|name| look_up(&name))
            .map(|value| value.trim().to_owned());
        let values: Vec<String> = values.collect();
        let headers: &[HttpHeader] = match &plan.system {
            SystemSpec::Target(target) => &target.headers,
            SystemSpec::Cluster(_) => &[],
        };
        let fields = headers.iter().map(|header| header.name.to_lowercase());
        let mut secrets = Self {
            values: Vec::new(),
            fields: fields.collect(),
        };
        secrets.add(&values);
        secrets
    }

    /// Adds values of the device: of its row of data, of its login.
    pub(crate) fn add(&mut self, values: &[String]) {
        let long = values
            .iter()
            .filter(|value| value.len() >= MIN_SECRET_BYTES);
        for value in long {
            if !self.values.contains(value) {
                self.values.push(value.clone());
            }
        }
        self.values
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// Returns a text with `***` in place of every secret value.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mask = |text: String, value: &String| text.replace(value.as_str(), MASK);
        self.values.iter().fold(text.to_owned(), mask)
    }

    /// Returns a line of a head with `***` in place of a credential.
    pub(crate) fn mask_field(&self, line: &str) -> String {
        let Some((name, value)) = line.split_once(':') else {
            return self.mask(line);
        };
        let lower = name.to_lowercase();
        let is_secret = SECRET_FIELDS.contains(&lower.as_str()) || self.fields.contains(&lower);
        if !is_secret {
            return self.mask(line);
        }
        let field = HttpHeader {
            name: name.to_owned(),
            value: value.trim().to_owned(),
        };
        format!("{name}: {}", field.masked().value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = r#"
        name = "a"
        duration = "1s"
        [target]
        ws = "ws://127.0.0.1:1/"
        dialect = "plain"
        headers = { X-Key = "k-${KEY}", Origin = "https://a.example" }
        [[devices]]
        count = 1
        ramp = "1/s"
    "#;

    fn secrets() -> Secrets {
        let plan = highwater_scenarios::parse("a", SCENARIO, &[]).unwrap();
        Secrets::of(&plan, |name| (name == "KEY").then(|| "s3cret\n".to_owned()))
    }

    #[test]
    fn value_of_a_variable_is_masked_in_every_text() {
        let secrets = secrets();
        assert_eq!(secrets.mask("login s3cret!"), "login ***!");
        assert_eq!(
            secrets.mask_field("GET /?key=s3cret HTTP/1.1"),
            "GET /?key=*** HTTP/1.1"
        );
    }

    #[test]
    fn credentials_are_masked_by_the_name_of_their_field() {
        let secrets = secrets();
        for (line, shown) in [
            ("Authorization: Bearer abc", "Authorization: Bearer ***"),
            ("X-Key: k-other", "X-Key: ***"),
            ("Host: 127.0.0.1:1", "Host: 127.0.0.1:1"),
            ("Origin: https://a.example", "Origin: https://a.example"),
        ] {
            assert_eq!(secrets.mask_field(line), shown);
        }
        let cookie = secrets.mask_field("Set-Cookie: session=abcdef; Path=/");
        assert!(!cookie.contains("abcdef"), "{cookie}");
    }
}
