//! Values from the environment, for header fields and frames.

use std::collections::BTreeMap;

use highwater_scenarios::plan::HttpHeader;

use super::SecretString;

/// Longest value of a variable in a frame, in bytes.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// The reason why a header field or a frame cannot be sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// A variable is not set, or is not text.
    #[error("cannot fill in the header field {field}: the variable {variable} is not set")]
    Unset {
        /// Name of the header field.
        field: String,
        /// Name of the variable.
        variable: String,
    },
    /// A variable holds characters that a header field must not hold.
    #[error("invalid variable {variable} for the header field {field}: expected printable ASCII")]
    Unprintable {
        /// Name of the header field.
        field: String,
        /// Name of the variable.
        variable: String,
    },
    /// A variable that a frame names is not set, or is not text.
    #[error("cannot fill in the frames of the devices: the variable {variable} is not set")]
    UnsetInFrames {
        /// Name of the variable.
        variable: String,
    },
    /// A variable that a frame names is too long.
    #[error(
        "invalid variable {variable} for the frames of the devices: expected at most {MAX_VALUE_BYTES} bytes"
    )]
    TooLong {
        /// Name of the variable.
        variable: String,
    },
}

/// Returns the values of the variables that frames name, as `look_up` returns them.
///
/// # Errors
/// If a variable has no value, or one that is too long.
pub fn resolve_variables(
    names: Vec<String>,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, SecretString>, VariableError> {
    let resolved = names.into_iter().map(|variable| match look_up(&variable) {
        None => Err(VariableError::UnsetInFrames { variable }),
        // Files and shells leave a line end behind secrets.
        Some(value) => match value.trim() {
            value if value.len() > MAX_VALUE_BYTES => Err(VariableError::TooLong { variable }),
            value => Ok((variable, value.to_owned().into())),
        },
    });
    resolved.collect()
}

/// Replaces every `${NAME}` in the header fields by the value that `look_up` returns.
///
/// # Errors
/// If a variable has no value, or one that is not printable ASCII.
pub fn resolve_headers(
    headers: &[HttpHeader],
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, SecretString)>, VariableError> {
    let resolved = headers
        .iter()
        .map(|header| Ok((header.name.clone(), resolve_value(header, &look_up)?.into())));
    resolved.collect()
}

fn resolve_value(
    header: &HttpHeader,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<String, VariableError> {
    let mut filled = String::new();
    let mut rest = header.value.as_str();
    // The scenario's check has made sure that each `${` has its `}`.
    while let Some((before, inside)) = rest.split_once("${") {
        let (variable, after) = inside.split_once('}').unwrap_or((inside, ""));
        let (field, variable) = (header.name.clone(), variable.to_owned());
        let Some(value) = look_up(&variable) else {
            return Err(VariableError::Unset { field, variable });
        };
        // Files and shells leave a line end behind secrets.
        let value = value.trim();
        // CR and LF would end the field and begin another one (RFC 9110, section 5.5).
        if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
            return Err(VariableError::Unprintable { field, variable });
        }
        filled.push_str(before);
        filled.push_str(value);
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
        assert!(matches!(
            filled("${BAD}"),
            Err(VariableError::Unprintable { .. })
        ));
    }
    #[test]
    fn frames_need_a_value_of_each_variable() {
        let look_up = |name: &str| match name {
            "TOKEN" => Some("t0k\n".to_owned()),
            "LONG" => Some("x".repeat(MAX_VALUE_BYTES + 1)),
            _ => None,
        };
        let resolved = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned());
            resolve_variables(names.collect(), look_up)
        };
        let values = resolved(&["TOKEN", "TOKEN"]).unwrap();
        assert_eq!(values["TOKEN"].expose_secret(), "t0k");
        assert_eq!(
            resolved(&["NONE"]).unwrap_err().to_string(),
            "cannot fill in the frames of the devices: the variable NONE is not set"
        );
        assert!(matches!(
            resolved(&["LONG"]),
            Err(VariableError::TooLong { .. })
        ));
    }
}
