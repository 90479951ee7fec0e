//! The way from a file to a plan.
//!
//! ```text
//! text ─► tree ─► with `--set` ─► with its preset ─► a Scenario per cell ─► a Plan per cell
//!   │       │           │                   data files ──┤
//!   └───────┴───────────┴────────────────────────────────┴─► Diagnostics, all at once
//! ```

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use highwater_types::redact::redact_passwords_same_length;

use crate::{
    Matrix, Plan,
    data::{DataFormat, MAX_FILE_BYTES, ReadDataFile, digest},
    data_files::DataFiles,
    data_table::DataTable,
    diagnostic::{Diagnostic, DiagnosticSink, Diagnostics},
    overrides::apply_overrides,
    plan::{CertificateTrust, DataSpec, SystemSpec},
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
    let folder = folder_of(path);
    let (name, text) = read_text(path)?;
    let read_data = |file: &str| read_data_file(folder, file);
    let mut matrix = parse_with_files(&name, &text, sets, &read_data)?;
    matrix
        .plans_mut()
        .for_each(|plan| locate_files(plan, folder));
    Ok(matrix)
}

/// Returns the text of a scenario file as [`expand`] does.
///
/// # Errors
///
/// Fails when the file cannot be read, or is not a valid scenario.
pub fn load_expanded(path: &Path, sets: &[String]) -> Result<String, LoadError> {
    let (name, text) = read_text(path)?;
    let read_data = |file: &str| read_data_file(folder_of(path), file);
    Ok(expand_with_files(&name, &text, sets, &read_data)?)
}

/// Returns the folder that the paths of a scenario begin at.
fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
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
/// Returns all problems of the text and of the arguments at once. A data file is a problem,
/// because a text has no folder.
pub fn parse_matrix(source_name: &str, text: &str, sets: &[String]) -> Result<Matrix, Diagnostics> {
    parse_with_files(source_name, text, sets, &without_files)
}

/// Parses a scenario as [`parse_matrix`] does; `read_data` returns the bytes of a data file.
///
/// # Errors
///
/// Returns all problems of the text, of the arguments and of data files at once.
pub fn parse_with_files(
    source_name: &str,
    text: &str,
    sets: &[String],
    read_data: ReadDataFile<'_>,
) -> Result<Matrix, Diagnostics> {
    read_expanded(source_name, text, sets, read_data).map(|(matrix, _)| matrix)
}

/// Returns the text of a scenario with `--set` arguments and the keys of its preset in place.
/// The values of header fields and of logins are masked.
///
/// # Errors
///
/// Returns all problems of the text and of the arguments at once.
pub fn expand(source_name: &str, text: &str, sets: &[String]) -> Result<String, Diagnostics> {
    expand_with_files(source_name, text, sets, &without_files)
}

fn expand_with_files(
    source_name: &str,
    text: &str,
    sets: &[String],
    read_data: ReadDataFile<'_>,
) -> Result<String, Diagnostics> {
    let (_, mut root) = read_expanded(source_name, text, sets, read_data)?;
    presets::remove_choice(&mut root);
    Ok(mask_secrets(&tree::write(&root)))
}

/// Reads the rows of a pool's data file again, on a machine that has the plan and not its rows.
/// A relative path begins at `folder`.
///
/// # Errors
///
/// Fails when the file cannot be read, is not valid, or is not the file that the plan was made
/// with.
pub fn load_data(folder: &Path, data: &DataSpec) -> Result<DataTable, Diagnostic> {
    let bytes = read_data_file(folder, &data.file)?;
    let path = folder.join(&data.file);
    if digest(&bytes) != data.sha256 {
        let message = format!("{} is another file than the coordinator's", path.display());
        return Err(Diagnostic::new(message)
            .expected(format!("SHA-256 {}", data.sha256))
            .hint("copy the coordinator's file to this machine"));
    }
    // The plan has no file of another format.
    let format = DataFormat::of(&data.file).unwrap_or(DataFormat::Csv);
    let content = format.parse(&bytes);
    Ok(content
        .map_err(|problem| problem.in_file(&data.file))?
        .table)
}

/// Replaces the folder `from` in front of the paths of a plan's files by `to`.
pub fn relocate_files(plan: &mut Plan, from: &Path, to: &Path) {
    for file in located_files(plan) {
        if let Ok(rest) = Path::new(&*file).strip_prefix(from)
            && let Some(path) = to.join(rest).to_str()
        {
            *file = path.to_owned();
        }
    }
}

/// Refuses a data file of a text that has no folder.
fn without_files(file: &str) -> Result<Vec<u8>, Diagnostic> {
    Err(Diagnostic::new(format!(
        "cannot read {file}: the scenario is not a file"
    )))
}

/// Reads a scenario, and returns it with the tree that it was read from.
fn read_expanded(
    source_name: &str,
    text: &str,
    sets: &[String],
    read_data: ReadDataFile<'_>,
) -> Result<(Matrix, TomlTable), Diagnostics> {
    let mut sink = DiagnosticSink::default();
    let mut root = tree::parse(text, &mut sink);
    // Before validation, because a `--set` may correct the file.
    apply_overrides(sets, Scenario::schema(), &mut root, &mut sink);
    // After the arguments, which may name a preset or write one of its keys.
    presets::expand(&mut root);
    match Matrix::read(&root, &mut DataFiles::new(read_data), &mut sink) {
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

/// Puts the scenario's folder in front of the paths of files that are read when the run starts.
fn locate_files(plan: &mut Plan, folder: &Path) {
    for file in located_files(plan) {
        // A folder that is not UTF-8 has no place in a plan.
        if let Some(path) = folder.join(&*file).to_str() {
            *file = path.to_owned();
        }
    }
}

/// Returns the paths of the files that are read when the run starts.
fn located_files(plan: &mut Plan) -> Vec<&mut String> {
    match &mut plan.system {
        SystemSpec::Target(target) => {
            let authorities = match &mut target.trust {
                CertificateTrust::Authorities { file } => Some(file),
                CertificateTrust::Machine | CertificateTrust::Anybody => None,
            };
            let client = target.client_certificate.iter_mut();
            let client = client.flat_map(|client| [&mut client.certificate, &mut client.key]);
            authorities.into_iter().chain(client).collect()
        }
        SystemSpec::Cluster(cluster) => {
            let brokers = cluster.external_brokers_mut();
            brokers.filter_map(|broker| broker.ca.as_mut()).collect()
        }
    }
}

/// Reads a data file, which a relative path names from the scenario's folder.
fn read_data_file(folder: &Path, file: &str) -> Result<Vec<u8>, Diagnostic> {
    let path = folder.join(file);
    let cannot_read = |error: io::Error| {
        Diagnostic::new(format!("cannot read {}: {error}", path.display()))
            .hint("a relative path begins at the scenario's folder")
    };
    let opened = File::open(&path).map_err(cannot_read)?;
    let mut bytes = Vec::new();
    // One byte more than the most, which tells a file that is too large.
    let mut limited = opened.take(MAX_FILE_BYTES + 1);
    limited.read_to_end(&mut bytes).map_err(cannot_read)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const SCENARIO: &str = "name = \"d\"\nduration = \"1s\"\n[target]\ndialect = \"plain\"\n\
        ws = \"wss://h.example/?d={device}\"\ntls = { ca = \"ca.pem\" }\n[[devices]]\n\
        name = \"home\"\ndata = \"t.csv\"\ncount = 2\nramp = \"1/s\"\n";

    #[test]
    fn rows_are_read_again_from_the_same_file_only() {
        let folder = std::env::temp_dir().join(format!("highwater-load-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("t.csv"), "token\nt0\nt1\n").unwrap();
        fs::write(folder.join("s.toml"), SCENARIO).unwrap();
        let mut plan = load(&folder.join("s.toml"), &[]).unwrap();
        let data = plan.devices[0].data.clone().unwrap();
        let rows = load_data(&folder, &data).unwrap();
        assert_eq!(rows, *data.table.0);
        fs::write(folder.join("t.csv"), "token\nt0\nt2\n").unwrap();
        let error = load_data(&folder, &data).unwrap_err().to_string();
        assert!(
            error.contains("is another file than the coordinator's"),
            "{error}"
        );
        assert!(!error.contains("t2"), "{error}");
        relocate_files(&mut plan, &folder, Path::new("/elsewhere"));
        assert_eq!(located_files(&mut plan), ["/elsewhere/ca.pem"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
