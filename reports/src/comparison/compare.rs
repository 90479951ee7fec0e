//! Runs side by side: the differences between them, and their effects.

use std::{collections::BTreeSet, path::PathBuf};

use serde::Serialize;

use super::{
    cell::ComparisonCell,
    comparability::Comparability,
    error::CompareError,
    failures::{FailureGrid, failure_grid},
    grid::{Grid, balancing_grid, metric_grid},
    run::ComparedRun,
    settings::{SettingDifference, Settings},
    summary_text::summary_text,
};
use crate::charts::{CellTraces, Drawing, side_by_side};

/// Most settings in the label of a cell, which is the head of a column.
const MOST_IN_A_LABEL: usize = 7;

/// The treatment of runs that are not comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MismatchPolicy {
    /// The comparison is an error.
    Refuse,
    /// The comparison carries the reasons as cautions.
    Warn,
}

/// A comparison of runs.
#[derive(Debug)]
pub struct RunComparison {
    /// Names of the runs' scenarios.
    pub(super) title: String,
    pub(super) settings: Vec<SettingDifference>,
    /// Description of the differing settings.
    pub(super) differences_text: String,
    /// Description of the effects; empty where no metric shows one.
    pub(super) summary_text: String,
    /// Cautions for the reader.
    pub(super) cautions: Vec<String>,
    pub(super) cells: Vec<CellSummary>,
    pub(super) failures: FailureGrid,
    pub(super) balancing: Grid,
    pub(super) metrics: Grid,
    pub(super) drawings: Vec<Drawing>,
}

/// A cell, for the outputs.
#[derive(Debug, Serialize)]
pub(crate) struct CellSummary {
    pub(crate) label: String,
    /// Names of the runs.
    pub(crate) runs: Vec<String>,
    /// Configuration of the balancers, in full.
    // The page shows it; the JSON of a comparison has no such key.
    #[serde(skip)]
    pub(crate) configuration: Option<String>,
}

/// Reads the runs in `dirs` and compares them.
///
/// Runs of the same settings are repeats, whose metrics become means with intervals. If all
/// runs have the same settings, repeats are those whose directories' names differ only in a
/// number at the end. A difference from the first cell beyond the noise of both is marked.
///
/// # Errors
/// When a run is named twice, a record cannot be read, a chart cannot be drawn, or the runs are not comparable
/// and `mismatch` refuses them: see [`CompareError::NotComparable`].
pub fn compare(dirs: &[PathBuf], mismatch: MismatchPolicy) -> Result<RunComparison, CompareError> {
    if let Some(repeated) = repeated_dir(dirs) {
        return Err(CompareError::SameRun(repeated.clone()));
    }
    let runs: Vec<ComparedRun> = dirs
        .iter()
        .map(|dir| ComparedRun::read(dir))
        .collect::<Result<_, _>>()?;
    let comparability = Comparability::of(&runs);
    // Refused before anything is drawn, because a chart would suggest a comparison.
    if mismatch == MismatchPolicy::Refuse && !comparability.objections.is_empty() {
        return Err(CompareError::NotComparable(comparability.objections));
    }
    let cells = cells(&runs, &comparability.differing);
    let traces: Vec<CellTraces> = cells
        .iter()
        .map(|cell| CellTraces {
            label: &cell.label,
            traces: cell.runs.iter().map(|run| &run.trace).collect(),
        })
        .collect();
    let objections = comparability.objections.iter();
    let objections = objections.map(|reason| format!("not comparable: {reason}"));
    Ok(RunComparison {
        title: title(&runs),
        differences_text: differences_text(&cells, &comparability.differing),
        summary_text: summary_text(&cells),
        cautions: objections
            .chain(comparability.cautions.iter().cloned())
            .collect(),
        failures: failure_grid(&cells),
        balancing: balancing_grid(&cells),
        metrics: metric_grid(&cells),
        drawings: side_by_side(&traces).map_err(CompareError::Chart)?,
        cells: cells.iter().map(CellSummary::of).collect(),
        settings: comparability.differing,
    })
}

/// Returns a directory that stands for the same run as one before it, whatever the ways to it.
fn repeated_dir(dirs: &[PathBuf]) -> Option<&PathBuf> {
    let mut known = BTreeSet::new();
    // A directory that does not exist is reported when it is read.
    dirs.iter()
        .find(|dir| dir.canonicalize().is_ok_and(|path| !known.insert(path)))
}

impl CellSummary {
    fn of(cell: &ComparisonCell) -> Self {
        // Repeats have the same settings, so the first one's configuration stands for all.
        let first = cell.runs.first();
        Self {
            label: cell.label.clone(),
            runs: cell.runs.iter().map(|run| run.name.clone()).collect(),
            configuration: first.and_then(|run| run.manifest.balancer_configuration.clone()),
        }
    }
}

/// Groups runs into cells, in the order of their first runs.
fn cells<'r>(runs: &'r [ComparedRun], differing: &[SettingDifference]) -> Vec<ComparisonCell<'r>> {
    let mut cells: Vec<(CellKey, ComparisonCell)> = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        let key = CellKey::of(number, run, differing);
        // A comparison has a few cells, so a linear search keeps their order.
        match cells.iter_mut().find(|(other, _)| *other == key) {
            Some((_, cell)) => cell.runs.push(run),
            None => {
                let label = label(run, differing);
                let runs = vec![run];
                cells.push((key, ComparisonCell { label, runs }));
            }
        }
    }
    cells.into_iter().map(|(_, cell)| cell).collect()
}

/// The common key of the runs of a cell.
#[derive(PartialEq)]
enum CellKey<'r> {
    Name(&'r str),
    /// Values of the differing settings.
    Settings(Vec<Option<&'r str>>),
}

impl<'r> CellKey<'r> {
    /// Returns the key of the run with this number.
    fn of(number: usize, run: &'r ComparedRun, differing: &'r [SettingDifference]) -> Self {
        // Runs of the same settings differ in what the settings do not show, such as a build.
        if differing.is_empty() {
            return Self::Name(stem(&run.name));
        }
        let values = differing.iter();
        Self::Settings(
            values
                .map(|setting| setting.values[number].as_deref())
                .collect(),
        )
    }
}

/// Returns the settings in which a run differs from others. Without any, or with too many, it
/// returns the run's name.
fn label(run: &ComparedRun, differing: &[SettingDifference]) -> String {
    match differing.len() {
        0 => stem(&run.name).to_owned(),
        1..=MOST_IN_A_LABEL => {
            let paths = differing.iter().map(|differing| differing.path.clone());
            Settings::of(&run.manifest).label(&paths.collect::<Vec<_>>())
        }
        _ => run.name.clone(),
    }
}

/// Returns a run's name without the number of the repeat: `before` for `before-2`.
fn stem(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((stem, number)) if !stem.is_empty() && is_number(number) => stem,
        _ => name,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the names of the runs' scenarios, each once.
fn title(runs: &[ComparedRun]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for run in runs {
        let name = run.manifest.plan.name.as_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn differences_text(cells: &[ComparisonCell], differing: &[SettingDifference]) -> String {
    let differing = match differing {
        [] => "All settings are the same.".to_owned(),
        [one] => format!(
            "The runs differ in one setting: {}. All others are the same.",
            one.describe()
        ),
        several => {
            let several: Vec<String> = several.iter().map(SettingDifference::describe).collect();
            format!(
                "The runs differ in {} settings: {}. All others are the same.",
                several.len(),
                several.join("; ")
            )
        }
    };
    format!("{differing} {}", repeats(cells))
}

fn repeats(cells: &[ComparisonCell]) -> String {
    let runs = cells.iter().map(|cell| cell.runs.len());
    let (least, most) = (runs.clone().min().unwrap_or(0), runs.max().unwrap_or(0));
    match (least, most) {
        (_, ..=1) => "There is one run of each, so the noise between runs is not known.".to_owned(),
        (least, most) if least == most => format!(
            "There are {most} runs of each; values are their means, with the 95 % interval of the mean."
        ),
        (least, most) => format!(
            "There are {least} to {most} runs of each; values are their means, with the 95 % \
             interval of the mean where there are several."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stem_drops_only_a_number_at_the_end() {
        for (name, expected) in [
            ("before-1", "before"),
            ("haproxy-least-conn-12", "haproxy-least-conn"),
            ("20260102-030405-smoke", "20260102-030405-smoke"),
            ("idle-10k", "idle-10k"),
            ("-1", "-1"),
            ("7", "7"),
            ("a-", "a-"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }
}
