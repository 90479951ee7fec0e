//! Selectors of a target's own metrics: the instant selectors of PromQL
//! (`prometheus.io/docs/prometheus/latest/querying/basics`).
//!
//! ```text
//! app_queue_depth{queue="in", shard=~"a.*", state!="idle"}
//! {"app.queue.depth", queue="in"}
//! ```
//!
//! The harness evaluates a selector over one answer of one endpoint. Functions, ranges and
//! operators need the history of a server, so they are rejected.

mod cursor;
#[cfg(test)]
mod tests;

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use self::cursor::Cursor;
use crate::diagnostic::Diagnostic;

/// Longest selector, in bytes.
const MAX_BYTES: usize = 500;
/// Most bytes of a compiled pattern. A pattern with repeated repetitions would need gigabytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

const FORM: &str = "the name of a metric with matchers of labels, such as \
                    `app_queue_depth{queue=\"in\", shard=~\"a.*\"}`";

/// A selector of the time series of one metric.
///
/// ```
/// use highwater_scenarios::selector::MetricSelector;
///
/// let selector = MetricSelector::parse(r#"queue_depth{queue=~"in|out"}"#).unwrap();
/// assert_eq!(selector.metric(), "queue_depth");
/// assert!(selector.accepts(|label| (label == "queue").then_some("in")));
/// // An absent label counts as an empty one.
/// assert!(!selector.accepts(|_| None));
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MetricSelector {
    text: String,
    metric: String,
    matchers: Vec<LabelMatcher>,
}

#[derive(Debug, Clone)]
struct LabelMatcher {
    label: String,
    condition: Condition,
}

#[derive(Debug, Clone)]
enum Condition {
    Equal(String),
    Unequal(String),
    Matches(Regex),
    MatchesNot(Regex),
}

impl MetricSelector {
    /// Reads a selector.
    ///
    /// # Errors
    ///
    /// Fails when the text is not the instant selector of one metric.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let text = text.trim();
        if text.len() > MAX_BYTES {
            let message = format!("a selector of more than {MAX_BYTES} bytes");
            return Err(Diagnostic::new(message).expected(FORM));
        }
        let selector = Cursor(text).selector();
        let (metric, matchers) = selector.map_err(|problem| match problem.expected {
            Some(_) => problem,
            None => problem.expected(FORM),
        })?;
        let has_bucket = |matcher: &LabelMatcher| matcher.label == "le";
        // Each bucket counts the smaller ones too, so their sum means nothing.
        if metric.ends_with("_bucket") && !matchers.iter().any(has_bucket) {
            return Err(Diagnostic::new("all buckets of a histogram together")
                .expected(FORM)
                .hint("select its `_count` or `_sum`, or one bucket with `le`"));
        }
        Ok(Self {
            text: text.to_owned(),
            metric,
            matchers,
        })
    }

    /// Returns the selector as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name of the metric.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Whether a series of the metric is selected, whose labels `value_of` returns.
    pub fn accepts<'v>(&self, value_of: impl Fn(&str) -> Option<&'v str>) -> bool {
        self.matchers.iter().all(|matcher| {
            matcher
                .condition
                .holds(value_of(&matcher.label).unwrap_or(""))
        })
    }

    /// Whether a matcher is about this label.
    pub fn names_label(&self, label: &str) -> bool {
        self.matchers.iter().any(|matcher| matcher.label == label)
    }
}

// A selector is what its text says; patterns cannot be compared.
impl PartialEq for MetricSelector {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for MetricSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<MetricSelector> for String {
    fn from(selector: MetricSelector) -> Self {
        selector.text
    }
}

impl TryFrom<String> for MetricSelector {
    type Error = Diagnostic;

    fn try_from(text: String) -> Result<Self, Diagnostic> {
        Self::parse(&text)
    }
}

impl Condition {
    fn new(operator: &str, value: String) -> Result<Self, Diagnostic> {
        Ok(match operator {
            "=" => Self::Equal(value),
            "!=" => Self::Unequal(value),
            "=~" => Self::Matches(pattern(&value)?),
            _ => Self::MatchesNot(pattern(&value)?),
        })
    }

    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Equal(expected) => value == expected,
            Self::Unequal(unexpected) => value != unexpected,
            Self::Matches(pattern) => pattern.is_match(value),
            Self::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }
}

/// Compiles a pattern that must match a whole value, as in PromQL.
fn pattern(text: &str) -> Result<Regex, Diagnostic> {
    let compiled = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(MAX_PATTERN_BYTES)
            .build()
    };
    // Compiled alone first: a bracket too many would close the group around it.
    let anchored = compiled(text).and_then(|_| compiled(&format!("^(?s:{text})$")));
    anchored.map_err(|error| {
        // The last line says what is wrong; the lines before it draw the place.
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default();
        let reason = reason.trim_start_matches("error: ");
        Diagnostic::new(format!(
            "an invalid pattern `{}`: {reason}",
            text.escape_debug()
        ))
    })
}
