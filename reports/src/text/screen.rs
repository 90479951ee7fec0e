//! The text that `run` and `gate` print about a run.

use super::{
    columns::wrapped, failures::failure_lines, gates::gate_lines, metrics::metric_lines,
    verdict::verdict_sentence,
};
use crate::summary::Summary;

/// Most problems with lines of their own; the others are counted.
const MOST_PROBLEMS: usize = 3;

/// Returns the verdict in a sentence, the main metrics, the gates, the failures and the
/// problems.
///
/// The text ends with a line feed. It fits a screen of 80 columns and 24 lines, with space
/// for the path of the report.
pub fn verdict_text(summary: &Summary) -> String {
    let sentence = verdict_sentence(summary);
    let mut lines = wrapped(&sentence, 2, 3);
    lines.push(String::new());
    lines.extend(metric_lines(summary));
    if !summary.gates.is_empty() {
        lines.push(String::new());
        lines.extend(gate_lines(summary));
    }
    lines.extend(failure_lines(summary, &sentence));
    // An inconclusive verdict quotes its problem, which must not appear twice.
    lines.extend(problem_lines(summary, &sentence));
    lines.join("\n") + "\n"
}

/// Returns the lines of the problems that the sentence does not contain.
fn problem_lines(summary: &Summary, sentence: &str) -> Vec<String> {
    let problems = summary.problems.iter();
    let unmentioned: Vec<&String> = problems
        .filter(|p| !sentence.contains(p.as_str()))
        .collect();
    if unmentioned.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["problems:".to_owned()];
    for problem in unmentioned.iter().take(MOST_PROBLEMS) {
        lines.extend(wrapped(&format!("  - {problem}"), 4, 2));
    }
    if let Some(more @ 1..) = unmentioned.len().checked_sub(MOST_PROBLEMS) {
        lines.push(format!("  - and {more} more, all of them in the report"));
    }
    lines
}
