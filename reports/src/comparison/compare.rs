//! Runs side by side: what differs between them, and what that did.

use std::path::PathBuf;

use super::{
    cell::ComparisonCell,
    comparability::Comparability,
    error::CompareError,
    grid::{Grid, balancing_grid, metric_grid},
    run::ComparedRun,
    settings::{SettingDifference, Settings},
    summary_text::summary_text,
};
use crate::charts::{CellTraces, Drawing, side_by_side};

/// Settings beyond this many are no name for a cell.
const MOST_IN_A_LABEL: usize = 7;

/// What is done with runs that are different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MismatchPolicy {
    /// They are not compared.
    Refuse,
    /// They are, and it is said why they should not be.
    Warn,
}

/// Runs side by side.
#[derive(Debug)]
pub struct RunComparison {
    /// The scenario's name; several, where runs are of several.
    pub(crate) title: String,
    pub(super) settings: Vec<SettingDifference>,
    /// What differs, in a few sentences.
    pub(crate) differences_text: String,
    /// What that did, likewise; empty where no figure says.
    pub(crate) summary_text: String,
    /// What to keep in mind.
    pub(crate) cautions: Vec<String>,
    pub(crate) cells: Vec<CellSummary>,
    pub(crate) balancing: Grid,
    pub(crate) metrics: Grid,
    pub(crate) drawings: Vec<Drawing>,
}

/// A cell in words.
#[derive(Debug)]
pub(crate) struct CellSummary {
    pub(crate) label: String,
    /// The names of its runs.
    pub(crate) runs: Vec<String>,
    /// What stood in front of its nodes, in full.
    pub(crate) configuration: Option<String>,
}

/// Reads the runs in `dirs` and sets them side by side. Runs of the same settings are
/// repeats, whose figures are means with intervals; if all have the same, those are
/// whose directories' names differ in a number at their end alone. A difference from the
/// first that is larger than the noise of both carries a mark.
///
/// # Errors
/// When a record cannot be read, a chart not be drawn, or the runs are different
/// things and that is to be refused: see [`CompareError::NotComparable`].
pub fn compare(dirs: &[PathBuf], unlike: MismatchPolicy) -> Result<RunComparison, CompareError> {
    let runs: Vec<ComparedRun> = dirs
        .iter()
        .map(|dir| ComparedRun::read(dir))
        .collect::<Result<_, _>>()?;
    let likeness = Comparability::of(&runs);
    if unlike == MismatchPolicy::Refuse && !likeness.objections.is_empty() {
        return Err(CompareError::NotComparable(likeness.objections));
    }
    let cells = cells(&runs, &likeness.differing);
    let lanes: Vec<CellTraces> = cells
        .iter()
        .map(|cell| CellTraces {
            label: &cell.label,
            traces: cell.runs.iter().map(|run| &run.trace).collect(),
        })
        .collect();
    let against = likeness.objections.iter();
    let against = against.map(|reason| format!("not comparable: {reason}"));
    Ok(RunComparison {
        title: title(&runs),
        differences_text: differences_text(&cells, &likeness.differing),
        summary_text: summary_text(&cells),
        cautions: against.chain(likeness.cautions.iter().cloned()).collect(),
        balancing: balancing_grid(&cells),
        metrics: metric_grid(&cells),
        drawings: side_by_side(&lanes).map_err(CompareError::Chart)?,
        cells: cells.iter().map(CellSummary::of).collect(),
        settings: likeness.differing,
    })
}

impl CellSummary {
    fn of(cell: &ComparisonCell) -> Self {
        let first = cell.runs.first();
        Self {
            label: cell.label.clone(),
            runs: cell.runs.iter().map(|run| run.name.clone()).collect(),
            configuration: first.and_then(|run| run.manifest.balancer_configuration.clone()),
        }
    }
}

/// In the order in which their first runs were given.
fn cells<'r>(runs: &'r [ComparedRun], differing: &[SettingDifference]) -> Vec<ComparisonCell<'r>> {
    let mut cells: Vec<(CellKey, ComparisonCell)> = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        let key = CellKey::of(number, run, differing);
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

/// What the runs of a cell have in common.
#[derive(PartialEq)]
enum CellKey<'r> {
    Name(&'r str),
    /// The values of what differs.
    Settings(Vec<Option<&'r str>>),
}

impl<'r> CellKey<'r> {
    /// Of the run with this number.
    fn of(number: usize, run: &'r ComparedRun, differing: &'r [SettingDifference]) -> Self {
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

/// The settings in which a run differs from others, or its name where there are none,
/// or too many to stand at the head of a column.
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

/// A run's name without the number that tells it from its repeats: `before` of
/// `before-2`.
fn stem(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((stem, number)) if !stem.is_empty() && is_number(number) => stem,
        _ => name,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names of the runs' scenarios, each once.
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
        (_, ..=1) => "One run of each: what differs from run to run is not known.".to_owned(),
        (least, most) if least == most => format!(
            "{most} runs of each: metrics are their means, with the 95 % interval of the mean."
        ),
        (least, most) => format!(
            "{least} to {most} runs of each: metrics are their means, with the 95 % interval \
             of the mean where there are several."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_at_the_end_tells_repeats_apart() {
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
