//! `${NAME}` in a text: a variable of the coordinator's environment.

use crate::diagnostic::Diagnostic;

/// Checks that each `${` in `text` begins a variable. `place` is the text's name in messages.
pub(super) fn check_variables(place: &str, text: &str) -> Result<(), Diagnostic> {
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let inside = &rest[at + 2..];
        let end = inside.find('}').filter(|end| is_variable(&inside[..*end]));
        let Some(end) = end else {
            let message = format!("{place} has `${{` without a variable and `}}`");
            return Err(Diagnostic::new(message).hint("write ${NAME}: letters, digits and _"));
        };
        rest = &inside[end + 1..];
    }
    Ok(())
}

/// Whether a text can be the name of an environment variable.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
