//! Header fields with values from the environment.

use highwater_scenarios::plan::HttpHeader;

use super::SecretString;

/// A header field that cannot be sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// A variable is not there, or no text.
    #[error("the header field {field} needs the variable {variable}, which is not set")]
    Unset {
        /// The field's name.
        field: String,
        /// The variable's.
        variable: String,
    },
    /// A variable holds what no header field may.
    #[error("the variable {variable} for the header field {field} is not printable ASCII")]
    Unprintable {
        /// The field's name.
        field: String,
        /// The variable's.
        variable: String,
    },
}

/// The fields with every `${NAME}` replaced by what `look_up` knows of it.
///
/// # Errors
/// If it knows nothing of a variable, or what no field may hold.
pub fn resolve_headers(
    headers: &[HttpHeader],
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, SecretString)>, VariableError> {
    let filled = headers.iter().map(|header| {
        let value = resolve_header(header, &look_up)?;
        Ok((header.name.clone(), SecretString::from(value)))
    });
    filled.collect()
}

fn resolve_header(
    header: &HttpHeader,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<String, VariableError> {
    let mut filled = String::new();
    let mut rest = header.value.as_str();
    // The plan's own check has seen to it that each is closed.
    while let Some((before, inside)) = rest.split_once("${") {
        let (variable, after) = inside.split_once('}').unwrap_or((inside, ""));
        let (field, variable) = (header.name.clone(), variable.to_owned());
        let Some(value) = look_up(&variable) else {
            return Err(VariableError::Unset { field, variable });
        };
        let value = value.trim();
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
    fn variables_are_filled_in() {
        assert_eq!(filled("Bearer ${TOKEN}").unwrap(), "Bearer t0k");
        assert_eq!(filled("${TOKEN}-${TOKEN}.").unwrap(), "t0k-t0k.");
        assert_eq!(filled("plain $TOKEN }").unwrap(), "plain $TOKEN }");
        assert_eq!(
            filled("${NONE}").unwrap_err().to_string(),
            "the header field A needs the variable NONE, which is not set"
        );
        assert!(matches!(
            filled("${BAD}"),
            Err(VariableError::Unprintable { .. })
        ));
    }
}
