//! Header fields, and the name and password of a process.

use super::keys::is_harmless;
use crate::{
    mask::{MASK, has_secret_placeholder, mask_value},
    plan::{BasicCredentials, HttpHeader},
};

impl HttpHeader {
    /// Whether the value is written out and may be a secret. With a variable, a column or a
    /// value of the login in it, that is the secret, and the rest is a name: `session={session}`.
    pub fn has_literal_secret(&self) -> bool {
        !has_secret_placeholder(&self.value) && self.masked().value != self.value
    }

    /// Returns the field with `***` in place of what may be a secret.
    #[must_use]
    pub fn masked(&self) -> Self {
        let value = match is_harmless(&self.name) {
            true => self.value.clone(),
            false => mask_value(&self.value, |_| MASK.to_owned()),
        };
        Self {
            name: self.name.clone(),
            value,
        }
    }
}

impl BasicCredentials {
    /// Whether the password is written out.
    pub(super) fn has_literal_secret(&self) -> bool {
        !self.password.contains("${") && self.masked() != *self
    }

    /// Returns the credentials with `***` in place of what may be a secret.
    pub(super) fn masked(&self) -> Self {
        Self {
            user: mask_value(&self.user, |_| MASK.to_owned()),
            password: mask_value(&self.password, |_| MASK.to_owned()),
        }
    }
}

/// Puts `***` in place of what may be a secret in the fields.
pub(super) fn mask_headers(headers: &mut [HttpHeader]) {
    for header in headers {
        *header = header.masked();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(name: &str, value: &str) -> (String, bool) {
        let header = HttpHeader {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        (header.masked().value, header.has_literal_secret())
    }

    #[test]
    fn only_variables_and_harmless_fields_stay() {
        for (name, value, shown, is_secret) in [
            ("X-Api-Key", "s3cr3t", "***", true),
            ("Authorization", "Bearer s3cr3t", "Bearer ***", true),
            ("Authorization", "Bearer ${TOKEN}", "Bearer ${TOKEN}", false),
            ("Cookie", "sid=s3cr3t; u=${U}", "***${U}", false),
            ("X-Device", "{device}", "{device}", false),
            ("X-Device", "s3cr3t-{device}", "***{device}", true),
            ("Cookie", "sid={session}", "***{session}", false),
            ("Accept-Language", "en", "en", false),
            ("X-Empty", "", "", false),
        ] {
            let expected = (shown.to_owned(), is_secret);
            assert_eq!(masked(name, value), expected, "{name}: {value}");
        }
    }
}
