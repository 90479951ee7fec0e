//! The way from a file to a plan.

use std::{io, path::Path};

use highwater_types::redact::redact_passwords_same_length;

use crate::{
    Matrix, Plan,
    diagnostic::{DiagnosticSink, Diagnostics},
    tree,
};

/// Why a file did not become a plan; its text is all that a person needs.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the scenario {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file was read and is not a valid scenario.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

/// Reads a scenario from a file, with `--set` arguments (`PATH=VALUE`) put
/// over it; of one with a matrix, the first cell.
///
/// # Errors
///
/// When the file cannot be read, or is no valid scenario.
pub fn load(path: &Path, sets: &[String]) -> Result<Plan, LoadError> {
    let (name, text) = read_file(path)?;
    Ok(parse(&name, &text, sets)?)
}

/// The same, with all cells of its matrix; one where it has none.
///
/// # Errors
///
/// As for [`load`].
pub fn load_matrix(path: &Path, sets: &[String]) -> Result<Matrix, LoadError> {
    let (name, text) = read_file(path)?;
    Ok(parse_matrix(&name, &text, sets)?)
}

/// Reads a scenario from text, with `--set` arguments (`PATH=VALUE`) put over
/// it; `source_name` is what messages call the text. Of one with a matrix, the first
/// cell.
///
/// # Errors
///
/// All problems of the text and of the arguments at once.
pub fn parse(source_name: &str, text: &str, sets: &[String]) -> Result<Plan, Diagnostics> {
    parse_cells(source_name, text, sets, Matrix::into_first)
}

/// The same, with all cells of its matrix; one where it has none.
///
/// # Errors
///
/// As for [`parse`].
pub fn parse_matrix(source_name: &str, text: &str, sets: &[String]) -> Result<Matrix, Diagnostics> {
    parse_cells(source_name, text, sets, |matrix| matrix)
}

/// What `take` takes of a valid scenario.
fn parse_cells<T>(
    source_name: &str,
    text: &str,
    sets: &[String],
    take: impl FnOnce(Matrix) -> T,
) -> Result<T, Diagnostics> {
    let mut findings = DiagnosticSink::default();
    let mut root = tree::parse(text, &mut findings);
    tree::apply_overrides(sets, &mut root, &mut findings);
    let matrix = Matrix::read(&root, &mut findings);
    match matrix {
        Some(matrix) if findings.is_empty() => Ok(take(matrix)),
        _ => {
            let sets: Vec<String> = sets
                .iter()
                .map(|set| redact_passwords_same_length(set).into_owned())
                .collect();
            Err(findings.into_diagnostics(source_name, &redact_passwords_same_length(text), &sets))
        }
    }
}

fn read_file(path: &Path) -> Result<(String, String), LoadError> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((name, text)),
        Err(source) => Err(LoadError::Unreadable { path: name, source }),
    }
}
