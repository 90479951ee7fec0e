//! The way from a file to a plan.

use std::{io, path::Path};

use crate::{
    Plan,
    broker_url::masked,
    problem::{Findings, Problems},
    rules,
    scenario::Scenario,
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
    Invalid(#[from] Problems),
}

/// Reads a scenario from a file, with `--set` arguments (`PATH=VALUE`) put
/// over it.
///
/// # Errors
///
/// When the file cannot be read, or is no valid scenario.
pub fn load(path: &Path, sets: &[String]) -> Result<Plan, LoadError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| LoadError::Unreadable {
        path: name.clone(),
        source,
    })?;
    Ok(parse(&name, &text, sets)?)
}

/// Reads a scenario from text, with `--set` arguments (`PATH=VALUE`) put over
/// it; `source_name` is what messages call the text.
///
/// # Errors
///
/// All problems of the text and of the arguments at once.
pub fn parse(source_name: &str, text: &str, sets: &[String]) -> Result<Plan, Problems> {
    let mut findings = Findings::default();
    let mut root = tree::read(text, &mut findings);
    tree::apply(sets, &mut root, &mut findings);
    let scenario = Scenario::read(&root, &mut findings);
    rules::check(&scenario, &mut findings);
    match scenario.resolve() {
        Some(plan) if findings.is_empty() => Ok(plan),
        _ => {
            let sets: Vec<String> = sets.iter().map(|set| masked(set).into_owned()).collect();
            Err(findings.into_problems(source_name, &masked(text), &sets))
        }
    }
}
