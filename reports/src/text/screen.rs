//! What `run` and `gate` print of a run.

use super::{
    columns::wrapped, gates::gate_lines, metrics::metric_lines, verdict::verdict_sentence,
};
use crate::summary::Summary;

/// Problems beyond this many are only counted.
const MOST_PROBLEMS: usize = 3;

/// The verdict in a sentence, the headline figures, the gates, and the problems,
/// in lines that fit a screen of 80 columns and 24 lines with room for where the
/// report lies. Ends with a line feed.
pub fn verdict_text(summary: &Summary) -> String {
    let sentence = verdict_sentence(summary);
    let mut lines = wrapped(&sentence, 2, 3);
    lines.push(String::new());
    lines.extend(metric_lines(summary));
    if !summary.gates.is_empty() {
        lines.push(String::new());
        lines.extend(gate_lines(summary));
    }
    lines.extend(problem_lines(summary, &sentence));
    lines.join("\n") + "\n"
}

/// Those that the sentence does not say already.
fn problem_lines(summary: &Summary, sentence: &str) -> Vec<String> {
    let problems = summary.problems.iter();
    let unsaid: Vec<&String> = problems
        .filter(|p| !sentence.contains(p.as_str()))
        .collect();
    if unsaid.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["problems:".to_owned()];
    for problem in unsaid.iter().take(MOST_PROBLEMS) {
        lines.extend(wrapped(&format!("  - {problem}"), 4, 2));
    }
    if let Some(more @ 1..) = unsaid.len().checked_sub(MOST_PROBLEMS) {
        lines.push(format!("  - and {more} more, all of them in the report"));
    }
    lines
}
