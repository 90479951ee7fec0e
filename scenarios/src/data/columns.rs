//! The names of columns and of other values.

use crate::{diagnostic::Diagnostic, frames::ValueNames};

/// Longest name of a value, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Checks the name of a column or of a value that is taken from an answer: a placeholder must
/// be able to carry it, and it must not hide a placeholder that every template knows.
pub(crate) fn check_value_name(name: &str) -> Result<(), Diagnostic> {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let has_form = name.bytes().next().is_some_and(is_letter)
        && name.len() <= MAX_NAME_BYTES
        && name
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit());
    if !has_form {
        let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
        return Err(
            Diagnostic::new(format!("`{shown}` cannot be the name of a value")).expected(format!(
                "a name of up to {MAX_NAME_BYTES} letters, digits and `_` that does not begin \
                 with a digit"
            )),
        );
    }
    match ValueNames::is_built_in(name) {
        true => Err(
            Diagnostic::new(format!("`{name}` hides the placeholder `{{{name}}}`"))
                .hint(format!("call it `my_{name}`")),
        ),
        false => Ok(()),
    }
}

/// Checks the names of all columns.
pub(super) fn check_columns(columns: &[String]) -> Result<(), Diagnostic> {
    for (place, name) in columns.iter().enumerate() {
        check_value_name(name)?;
        if columns[..place].contains(name) {
            return Err(Diagnostic::new(format!(
                "two columns have the name `{name}`"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_must_fit_a_placeholder_and_hide_none() {
        for name in ["token", "_x", "User_2"] {
            assert_eq!(check_value_name(name), Ok(()), "{name}");
        }
        for name in ["", "2nd", "a-b", "a b", "é", "device", "n", "nonce"] {
            assert!(check_value_name(name).is_err(), "{name}");
        }
        assert!(check_value_name(&"x".repeat(MAX_NAME_BYTES + 1)).is_err());
        let twice = ["a".to_owned(), "a".to_owned()];
        assert!(check_columns(&twice).is_err());
    }
}
