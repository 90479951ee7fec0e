//! The way from a file to a plan.
//!
//! ```text
//! text ─► tree ─► with `--set` ─► with its preset ─► a Scenario per cell ─► a Plan per cell
//!   └───────┴───────────┴────────────────────────────────┴─► Diagnostics, all at once
//! ```

use std::{io, path::Path};

use highwater_types::redact::redact_passwords_same_length;

use crate::{
    Matrix, Plan,
    diagnostic::{DiagnosticSink, Diagnostics},
    overrides::apply_overrides,
    presets,
    scenario::Scenario,
    secrets::{mask_secrets, mask_secrets_same_length, mask_set_same_length},
    section::Section,
    tree::{self, TomlTable},
};

/// The reason for which a file did not become a plan. Its text is all that a person needs.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the scenario {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// The file was read and is not a valid scenario.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

/// Reads a scenario from a file, with `--set` arguments (`PATH=VALUE`) put over it. Of a
/// scenario with a matrix it returns the first cell.
///
/// # Errors
///
/// Fails when the file cannot be read, or is not a valid scenario.
pub fn load(path: &Path, sets: &[String]) -> Result<Plan, LoadError> {
    Ok(load_matrix(path, sets)?.into_first())
}

/// Reads a scenario from a file as [`load`] does, with all cells of its matrix; without a
/// matrix it has one cell.
///
/// # Errors
///
/// Fails when the file cannot be read, or is not a valid scenario.
pub fn load_matrix(path: &Path, sets: &[String]) -> Result<Matrix, LoadError> {
    let (name, text) = read_text(path)?;
    Ok(parse_matrix(&name, &text, sets)?)
}

/// Returns the text of a scenario file as [`expand`] does.
///
/// # Errors
///
/// Fails when the file cannot be read, or is not a valid scenario.
pub fn load_expanded(path: &Path, sets: &[String]) -> Result<String, LoadError> {
    let (name, text) = read_text(path)?;
    Ok(expand(&name, &text, sets)?)
}

/// Returns the name of a file for messages, and its text.
fn read_text(path: &Path) -> Result<(String, String), LoadError> {
    // Only for messages, so a path that is not UTF-8 may lose characters here.
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((name, text)),
        Err(source) => Err(LoadError::Unreadable { path: name, source }),
    }
}

/// Reads a scenario from text, with `--set` arguments (`PATH=VALUE`) put over it. Messages
/// call the text `source_name`. Of a scenario with a matrix it returns the first cell.
///
/// # Errors
///
/// Returns all problems of the text and of the arguments at once.
pub fn parse(source_name: &str, text: &str, sets: &[String]) -> Result<Plan, Diagnostics> {
    Ok(parse_matrix(source_name, text, sets)?.into_first())
}

/// Reads a scenario from text as [`parse`] does, with all cells of its matrix; without a
/// matrix it has one cell.
///
/// # Errors
///
/// Returns all problems of the text and of the arguments at once.
pub fn parse_matrix(source_name: &str, text: &str, sets: &[String]) -> Result<Matrix, Diagnostics> {
    read_expanded(source_name, text, sets).map(|(matrix, _)| matrix)
}

/// Returns the text of a scenario with `--set` arguments and the keys of its preset in place.
/// The values of header fields are masked.
///
/// # Errors
///
/// Returns all problems of the text and of the arguments at once.
pub fn expand(source_name: &str, text: &str, sets: &[String]) -> Result<String, Diagnostics> {
    let (_, mut root) = read_expanded(source_name, text, sets)?;
    presets::remove_choice(&mut root);
    Ok(mask_secrets(&tree::write(&root)))
}

/// Reads a scenario, and returns it with the tree that it was read from.
fn read_expanded(
    source_name: &str,
    text: &str,
    sets: &[String],
) -> Result<(Matrix, TomlTable), Diagnostics> {
    let mut sink = DiagnosticSink::default();
    let mut root = tree::parse(text, &mut sink);
    // Before validation, because a `--set` may correct the file.
    apply_overrides(sets, Scenario::schema(), &mut root, &mut sink);
    // After the arguments, which may name a preset or write one of its keys.
    presets::expand(&mut root);
    match Matrix::read(&root, &mut sink) {
        // A plan may resolve although the file has a problem outside of it, such as an
        // unknown key.
        Some(matrix) if sink.is_empty() => Ok((matrix, root)),
        _ => {
            // Excerpts show whole lines. The redacted text has the same length, because
            // every problem points into the text by byte offsets.
            let sets: Vec<String> = sets
                .iter()
                .map(|set| redact_passwords_same_length(&mask_set_same_length(set)).into_owned())
                .collect();
            let text = mask_secrets_same_length(text);
            let text = redact_passwords_same_length(&text);
            Err(sink.into_diagnostics(source_name, &text, &sets))
        }
    }
}
