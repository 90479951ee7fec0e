//! Sentences about the failures of a run.

use super::columns::wrapped;
use crate::{analysis::failure_words::failure_sentence, summary::Summary};

/// Most failures with lines of their own; the others are counted.
const MOST_FAILURES: usize = 3;

/// Yields a sentence for each kind of failure that no metric shows, the most frequent first.
pub(crate) fn failure_sentences(summary: &Summary) -> impl Iterator<Item = String> {
    let workers = summary.workers.len();
    let notable = summary
        .failures
        .iter()
        .filter(|failure| failure.is_notable());
    notable.map(move |failure| failure_sentence(failure, workers))
}

/// Returns the lines of the most frequent failures that the verdict does not name; none if
/// there are no such failures.
pub(super) fn failure_lines(summary: &Summary, verdict: &str) -> Vec<String> {
    let sentences: Vec<String> = failure_sentences(summary)
        .filter(|sentence| !verdict.contains(sentence))
        .collect();
    if sentences.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["failures:".to_owned()];
    for sentence in sentences.iter().take(MOST_FAILURES) {
        lines.extend(wrapped(&format!("  - {sentence}"), 4, 2));
    }
    if let Some(more @ 1..) = sentences.len().checked_sub(MOST_FAILURES) {
        lines.push(format!("  - and {more} more, all of them in the report"));
    }
    lines
}
