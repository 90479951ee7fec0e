//! The grammar of gates: `metric comparison limit`, as in
//! `heartbeats.response.p99 <= 50ms`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{metrics, renamed, suggest};

/// A metric of the summary held against a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateCheck {
    /// Path of the metric in `summary.json` without its unit suffix.
    pub metric: String,
    /// Which way.
    pub comparison: ComparisonOperator,
    /// In the summary's unit: milliseconds, bytes, seconds or a plain number.
    pub limit: f64,
    /// As the person wrote it.
    pub text: String,
}

/// Which way a metric is held against its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComparisonOperator {
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    AtMost,
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    Unequal,
    /// `>=`
    #[serde(rename = ">=")]
    AtLeast,
    /// `>`
    #[serde(rename = ">")]
    Greater,
}

/// Why a text is no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; accepted: {expected}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct CheckDiagnostic {
    /// What is wrong, with the part of the text it is about.
    pub message: String,
    /// What would have been accepted in that part's place.
    pub expected: String,
    /// What to do next, where there is a good guess.
    pub hint: Option<String>,
}

/// Comparisons by their sign, longer signs before those they begin with.
const OPERATORS: [(&str, ComparisonOperator); 6] = [
    ("<=", ComparisonOperator::AtMost),
    (">=", ComparisonOperator::AtLeast),
    ("==", ComparisonOperator::Equal),
    ("!=", ComparisonOperator::Unequal),
    ("<", ComparisonOperator::Less),
    (">", ComparisonOperator::Greater),
];

impl GateCheck {
    /// Reads `metric comparison limit`; the limit carries the unit that its
    /// metric is counted in and becomes a number of the summary's unit.
    ///
    /// # Errors
    ///
    /// When the metric is unknown, the comparison is none, or the limit does
    /// not fit the metric.
    pub fn parse(text: &str) -> Result<Self, CheckDiagnostic> {
        let text = text.trim();
        let (figure, comparison, limit) = split_check(text)?;
        let figure = metrics::find(figure).ok_or_else(|| unknown_metric(figure))?;
        let limit = figure
            .unit
            .parse_limit(limit)
            .map_err(|misfit| CheckDiagnostic {
                message: format!("{} as the limit of {}", misfit.message, figure.path),
                expected: figure.unit.expected().to_owned(),
                hint: misfit.hint,
            })?;
        Ok(Self {
            metric: figure.path,
            comparison,
            limit,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for ComparisonOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = OPERATORS.iter().find(|(_, comparison)| comparison == self);
        f.write_str(sign.map_or("", |(sign, _)| sign))
    }
}

impl ComparisonOperator {
    /// Whether `actual` satisfies the comparison with `limit`.
    pub fn holds(self, actual: f64, limit: f64) -> bool {
        match self {
            Self::Less => actual < limit,
            Self::AtMost => actual <= limit,
            Self::Equal => actual == limit,
            Self::Unequal => actual != limit,
            Self::AtLeast => actual >= limit,
            Self::Greater => actual > limit,
        }
    }
}

/// Metric, comparison and limit, the outer two trimmed.
fn split_check(text: &str) -> Result<(&str, ComparisonOperator, &str), CheckDiagnostic> {
    const ACCEPTED: &str = "`metric <= limit`, with one of < <= == != >= >";
    let problem = |what: &str, hint: Option<&str>| CheckDiagnostic {
        message: what.to_owned(),
        expected: ACCEPTED.to_owned(),
        hint: hint.map(str::to_owned),
    };
    let start = text
        .find(['<', '>', '=', '!'])
        .ok_or_else(|| problem("no comparison", None))?;
    let rest = &text[start..];
    let (sign, comparison) = OPERATORS
        .iter()
        .find(|(sign, _)| rest.starts_with(sign))
        .ok_or_else(|| problem("an unknown comparison", operator_hint(rest)))?;
    let (figure, limit) = (text[..start].trim(), rest[sign.len()..].trim());
    if limit.starts_with(['<', '>', '=', '!']) {
        return Err(problem("an unknown comparison", operator_hint(rest)));
    }
    if figure.is_empty() || limit.is_empty() {
        return Err(problem("a metric or a limit is missing", None));
    }
    Ok((figure, *comparison, limit))
}

/// What a comparison that is none was probably meant to be.
fn operator_hint(rest: &str) -> Option<&'static str> {
    let wrong = rest
        .find(|c| !"<>=!".contains(c))
        .map_or(rest, |end| &rest[..end]);
    match wrong {
        "=" | "===" => Some("did you mean `==`?"),
        "=<" | "<==" => Some("did you mean `<=`?"),
        "=>" | ">==" => Some("did you mean `>=`?"),
        "<>" | "=!" | "!==" => Some("did you mean `!=`?"),
        _ => None,
    }
}

/// Suggests the nearest metric; where none is near, lists its group.
fn unknown_metric(path: &str) -> CheckDiagnostic {
    let paths: Vec<String> = metrics::all().map(|figure| figure.path).collect();
    let group = path.split('.').next().unwrap_or_default();
    let is_member = |known: &&str| known.split('.').next() == Some(group);
    let members: Vec<&str> = paths.iter().map(String::as_str).filter(is_member).collect();
    let accepted = match members.len() {
        0 => format!("a metric of {}", metric_groups(&paths)),
        1..=12 => suggest::quoted_list(members),
        _ => format!(
            "one of the {} metrics of `{group}` in the reference",
            members.len()
        ),
    };
    CheckDiagnostic {
        message: format!("unknown metric `{}`", path.escape_debug()),
        expected: accepted,
        hint: renamed_hint(path)
            .or_else(|| longer_path_hint(path, &paths))
            .or_else(|| suggest::did_you_mean(path, paths.iter().map(String::as_str))),
    }
}

/// What metrics' paths begin with.
fn metric_groups(paths: &[String]) -> String {
    let mut groups: Vec<&str> = paths
        .iter()
        .filter_map(|path| path.split('.').next())
        .collect();
    // In the summary's order, where those of a group stand together.
    groups.dedup();
    suggest::quoted_list(groups)
}

/// The hint for a metric that had another path before.
fn renamed_hint(path: &str) -> Option<String> {
    let new = renamed::renamed_metric(path)?;
    metrics::find(&new)?;
    Some(renamed::hint(path, &new))
}

/// A metric whose path has everything this one has: `heartbeats.response` and
/// `heartbeats.p99` both lack a part of `heartbeats.response.p99`.
fn longer_path_hint(path: &str, paths: &[String]) -> Option<String> {
    let covers = |known: &&String| {
        let mut known = known.split('.');
        path.split('.').all(|part| known.any(|known| known == part))
    };
    let candidates = || paths.iter().filter(covers);
    let is_p99 = |known: &&String| known.ends_with(".p99");
    let known = candidates().find(is_p99).or_else(|| candidates().next())?;
    Some(format!("did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_in_the_summarys_unit() {
        for (text, figure, comparison, limit) in [
            (
                "heartbeats.response.p99 <= 50ms",
                "heartbeats.response.p99",
                ComparisonOperator::AtMost,
                50.0,
            ),
            (
                "commands.service.max<1.5s",
                "commands.service.max",
                ComparisonOperator::Less,
                1_500.0,
            ),
            (
                "sockets.connect.p50 > 800us",
                "sockets.connect.p50",
                ComparisonOperator::Greater,
                0.8,
            ),
            (
                "cost_per_socket.node_rss <= 4 KiB",
                "cost_per_socket.node_rss",
                ComparisonOperator::AtMost,
                4_096.0,
            ),
            (
                "balance.jain_at_end >= 99%",
                "balance.jain_at_end",
                ComparisonOperator::AtLeast,
                0.99,
            ),
            (
                "sockets.opened == 5_000",
                "sockets.opened",
                ComparisonOperator::Equal,
                5_000.0,
            ),
            (
                "sockets.connect_rate >= 12000/min",
                "sockets.connect_rate",
                ComparisonOperator::AtLeast,
                200.0,
            ),
            (
                "commands.response.count != 0",
                "commands.response.count",
                ComparisonOperator::Unequal,
                0.0,
            ),
        ] {
            let check = GateCheck::parse(text).unwrap();
            assert_eq!(check.metric, figure);
            assert_eq!(check.comparison, comparison, "{text}");
            assert!(
                (check.limit - limit).abs() < 1e-9,
                "{text}: {}",
                check.limit
            );
            assert_eq!(check.text, text);
        }
    }

    #[test]
    fn what_is_no_check_says_why() {
        use expect_test::expect;
        let texts = [
            "heartbeats.respons.p99 <= 50ms",
            "heartbeats.p99 <= 50ms",
            "heartbeats.response <= 50ms",
            "heartbeats.response.p99 <= 50",
            "heartbeats.response.p99 <= 50KiB",
            "cost_per_socket.node_rss <= 4kb",
            "sockets.opened = 5000",
            "sockets.opened == 5000ms",
            "commands.failed",
            "latency < 5ms",
            "commands.failed =< 3",
            "commands.failed == -1",
            "commands.failed <== 1",
            "<= 3",
        ];
        let problems = texts.map(|text| GateCheck::parse(text).unwrap_err().to_string());
        expect![[r#"
            unknown metric `heartbeats.respons.p99`; accepted: one of the 19 metrics of `heartbeats` in the reference (did you mean `heartbeats.response.p99`?)
            unknown metric `heartbeats.p99`; accepted: one of the 19 metrics of `heartbeats` in the reference (did you mean `heartbeats.response.p99`?)
            unknown metric `heartbeats.response`; accepted: one of the 19 metrics of `heartbeats` in the reference (did you mean `heartbeats.response.p99`?)
            a number without its unit as the limit of heartbeats.response.p99; accepted: a time such as `50ms`, `1.5s` or `800us` (did you mean `50ms` or `50s`?)
            unknown unit `KiB` as the limit of heartbeats.response.p99; accepted: a time such as `50ms`, `1.5s` or `800us`
            unknown unit `kb` as the limit of cost_per_socket.node_rss; accepted: a size such as `4KiB`, `1.5MB` or `800B` (did you mean `4kB`?)
            an unknown comparison; accepted: `metric <= limit`, with one of < <= == != >= > (did you mean `==`?)
            unknown unit `ms` as the limit of sockets.opened; accepted: a plain number
            no comparison; accepted: `metric <= limit`, with one of < <= == != >= >
            unknown metric `latency`; accepted: a metric of `sockets`, `heartbeats`, `commands`, `messages`, `backplane`, `cpu_cores`, `exits`, `telemetry`, `balance`, `cost_per_socket` (did you mean `messages.latency.p99`?)
            an unknown comparison; accepted: `metric <= limit`, with one of < <= == != >= > (did you mean `<=`?)
            a quantity below zero as the limit of commands.failed; accepted: a plain number
            an unknown comparison; accepted: `metric <= limit`, with one of < <= == != >= > (did you mean `<=`?)
            a metric or a limit is missing; accepted: `metric <= limit`, with one of < <= == != >= >"#]].assert_eq(&problems.join("\n"));
    }

    #[test]
    fn every_comparison_has_a_sign_that_reads_back() {
        for (sign, comparison) in OPERATORS {
            let check = GateCheck::parse(&format!("commands.failed {sign} 1")).unwrap();
            assert_eq!(check.comparison, comparison);
            assert_eq!(comparison.to_string(), sign);
        }
    }
}
