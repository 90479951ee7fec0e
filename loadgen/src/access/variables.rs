//! Variables of the environment: their values, and texts that name them.

use highwater_scenarios::plan::HttpHeader;

use super::SecretString;

/// Longest value of a variable, in bytes.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// The reason why a variable cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// A variable is not set, or is not text.
    #[error("cannot fill in {place}: the variable {variable} is not set")]
    Unset {
        /// The place that needs it, in words.
        place: String,
        /// Name of the variable.
        variable: String,
    },
    /// A variable holds characters that must not be sent in its place.
    #[error("invalid variable {variable} for {place}: expected printable ASCII")]
    Unprintable {
        /// The place that needs it, in words.
        place: String,
        /// Name of the variable.
        variable: String,
    },
    /// A variable is too long.
    #[error("invalid variable {variable} for {place}: expected at most {MAX_VALUE_BYTES} bytes")]
    TooLong {
        /// The place that needs it, in words.
        place: String,
        /// Name of the variable.
        variable: String,
    },
    /// The variables of an address do not give a host.
    #[error("invalid host in the address {address}: expected variables with a host and a port")]
    NotAHost {
        /// The address as written, without the values of its query.
        address: String,
    },
}

/// Returns the value of a variable; `place` says in words where it stands.
///
/// # Errors
/// If the variable has no value, or one that is too long.
pub(super) fn value_of(
    place: &str,
    variable: &str,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<String, VariableError> {
    let (place, variable) = (place.to_owned(), variable.to_owned());
    let Some(value) = look_up(&variable) else {
        return Err(VariableError::Unset { place, variable });
    };
    // Files and shells leave a line end behind secrets.
    let value = value.trim();
    match value.len() {
        ..=MAX_VALUE_BYTES => Ok(value.to_owned()),
        _ => Err(VariableError::TooLong { place, variable }),
    }
}

/// Checks that a value can stand in a header field and in an address.
///
/// # Errors
/// If it is not printable ASCII.
pub(super) fn check_printable(
    place: &str,
    variable: &str,
    value: &str,
) -> Result<(), VariableError> {
    // CR and LF would end the field and begin another one (RFC 9110, section 5.5).
    match value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        true => Ok(()),
        false => Err(VariableError::Unprintable {
            place: place.to_owned(),
            variable: variable.to_owned(),
        }),
    }
}

/// Replaces every `${NAME}` in the header fields by the value that `look_up` returns.
///
/// # Errors
/// If a variable has no value, or one that is too long or not printable ASCII.
pub fn resolve_headers(
    headers: &[HttpHeader],
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, SecretString)>, VariableError> {
    let resolve = |header: &HttpHeader| {
        let place = format!("the header field {}", header.name);
        let value = fill_in_variables(&place, &header.value, &look_up)?;
        Ok((header.name.clone(), value.into()))
    };
    headers.iter().map(resolve).collect()
}

/// Replaces every `${NAME}` in a text by the value that `look_up` returns; `place` says in
/// words where the text stands.
pub(super) fn fill_in_variables(
    place: &str,
    text: &str,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<String, VariableError> {
    let mut filled = String::new();
    let mut rest = text;
    // The scenario's check has made sure that each `${` has its `}`.
    while let Some((before, inside)) = rest.split_once("${") {
        let (variable, after) = inside.split_once('}').unwrap_or((inside, ""));
        let value = value_of(place, variable, &look_up)?;
        check_printable(place, variable, &value)?;
        filled.push_str(before);
        filled.push_str(&value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(value: &str) -> Result<String, VariableError> {
        let header = HttpHeader {
            name: "A".to_owned(),
            value: value.to_owned(),
        };
        let look_up = |name: &str| match name {
            "TOKEN" => Some("t0k\n".to_owned()),
            "BAD" => Some("a\nb".to_owned()),
            "LONG" => Some("x".repeat(MAX_VALUE_BYTES + 1)),
            _ => None,
        };
        let headers = resolve_headers(&[header], look_up)?;
        Ok(headers[0].1.expose_secret().to_owned())
    }

    #[test]
    fn variables_are_replaced_by_their_values() {
        assert_eq!(filled("Bearer ${TOKEN}").unwrap(), "Bearer t0k");
        assert_eq!(filled("${TOKEN}-${TOKEN}.").unwrap(), "t0k-t0k.");
        assert_eq!(filled("plain $TOKEN }").unwrap(), "plain $TOKEN }");
        assert_eq!(
            filled("${NONE}").unwrap_err().to_string(),
            "cannot fill in the header field A: the variable NONE is not set"
        );
        let is_unprintable =
            |error: VariableError| matches!(error, VariableError::Unprintable { .. });
        assert!(is_unprintable(filled("${BAD}").unwrap_err()));
        let is_too_long = |error: VariableError| matches!(error, VariableError::TooLong { .. });
        assert!(is_too_long(filled("${LONG}").unwrap_err()));
    }
}
