//! The results of the suite.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Titles of the suite's sections.
const SECTIONS: [(u32, &str); 8] = [
    (1, "framing"),
    (2, "pings and pongs"),
    (3, "reserved bits"),
    (4, "opcodes"),
    (5, "fragmentation"),
    (6, "UTF-8"),
    (7, "close handling"),
    (10, "automatic fragmentation"),
];

/// The verdicts on one end.
pub(super) struct SuiteResults {
    end: &'static str,
    page: PathBuf,
    cases: BTreeMap<CaseId, CaseReport>,
}

/// The number of a case, such as `7.13.2`, which sorts behind `7.9.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct CaseId(Vec<u32>);

/// One case in the suite's `index.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CaseReport {
    /// The result for the exchanged messages.
    behavior: CaseResult,
    /// The result for the closing handshake.
    behavior_close: CaseResult,
}

/// The suite's verdicts from the best to the worst; all except the first three are
/// failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
enum CaseResult {
    Ok,
    Informational,
    NonStrict,
    // The suite has several names for a failure, such as `WRONG CODE`.
    #[serde(other)]
    Failed,
}

impl SuiteResults {
    /// Reads the results of a run in `folder`. A run that left a section out is an error,
    /// because it would pass.
    pub(super) fn read(end: &'static str, folder: &Path) -> Result<Self> {
        let path = folder.join("index.json");
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        // The file has a level for several agents, of which a run has one.
        let agents: BTreeMap<String, BTreeMap<String, CaseReport>> =
            serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        let cases = agents
            .into_values()
            .flatten()
            .map(|(id, case)| Ok((CaseId::parse(&id)?, case)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        for (number, title) in SECTIONS {
            if !cases.keys().any(|id| id.section() == number) {
                bail!("{}: no case of section {number}, {title}", path.display());
            }
        }
        Ok(Self {
            end,
            page: folder.join("index.html"),
            cases,
        })
    }

    /// Returns the number of cases that failed.
    pub(super) fn failures(&self) -> usize {
        self.failed().count()
    }

    fn failed(&self) -> impl Iterator<Item = &CaseId> {
        self.cases
            .iter()
            .filter(|(_, case)| case.result() == CaseResult::Failed)
            .map(|(id, _)| id)
    }

    fn count(&self, section: u32, verdict: CaseResult) -> usize {
        let cases = self.cases.iter();
        cases
            .filter(|(id, case)| id.section() == section && case.result() == verdict)
            .count()
    }
}

impl CaseId {
    fn parse(text: &str) -> Result<Self> {
        let numbers = text.split('.').map(str::parse).collect::<Result<_, _>>();
        Ok(Self(numbers.with_context(|| {
            format!("invalid number of a case {text:?}")
        })?))
    }

    fn section(&self) -> u32 {
        self.0.first().copied().unwrap_or_default()
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

impl CaseReport {
    /// Returns the worse of the two.
    fn result(&self) -> CaseResult {
        self.behavior.max(self.behavior_close)
    }
}

/// The results as a Markdown table, as in docs/conformance.md.
impl fmt::Display for SuiteResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}: {} cases\n", self.end, self.cases.len())?;
        writeln!(f, "| section | ok | non-strict | informational | failed |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for (number, title) in SECTIONS {
            let count = |verdict| self.count(number, verdict);
            writeln!(
                f,
                "| {number} {title} | {} | {} | {} | {} |",
                count(CaseResult::Ok),
                count(CaseResult::NonStrict),
                count(CaseResult::Informational),
                count(CaseResult::Failed),
            )?;
        }
        for id in self.failed() {
            writeln!(f, "FAILED: {id}")?;
        }
        write!(f, "{}", self.page.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(cases: &str) -> Result<SuiteResults> {
        let folder = tempfile::tempdir()?;
        let text = format!(r#"{{"agent": {{{cases}}}}}"#);
        fs::write(folder.path().join("index.json"), text)?;
        SuiteResults::read("end", folder.path())
    }

    fn case(id: &str, behavior: &str, close: &str) -> String {
        format!(
            r#""{id}": {{"behavior": "{behavior}", "behaviorClose": "{close}", "duration": 1}}"#
        )
    }

    fn one_of_each() -> Vec<String> {
        let sections = SECTIONS.iter();
        sections
            .map(|(number, _)| case(&format!("{number}.1"), "OK", "OK"))
            .collect()
    }

    #[test]
    fn verdict_that_is_not_a_pass_is_a_failure() {
        let mut cases = one_of_each();
        assert_eq!(results(&cases.join(",")).unwrap().failures(), 0);
        cases.push(case("6.4.3", "NON-STRICT", "OK"));
        cases.push(case("7.1.6", "INFORMATIONAL", "INFORMATIONAL"));
        assert_eq!(results(&cases.join(",")).unwrap().failures(), 0);
        for (behavior, close) in [
            ("FAILED", "OK"),
            ("OK", "FAILED BY CLIENT"),
            ("WRONG CODE", "OK"),
            ("UNIMPLEMENTED", "OK"),
        ] {
            let mut cases = cases.clone();
            cases.push(case("7.13.2", behavior, close));
            let results = results(&cases.join(",")).unwrap();
            assert_eq!(results.failures(), 1, "{behavior}, {close}");
            assert!(results.to_string().contains("FAILED: 7.13.2"));
        }
    }

    #[test]
    fn run_without_a_section_is_an_error() {
        assert!(results("").is_err());
        let cases = one_of_each();
        assert!(results(&cases[1..].join(",")).is_err());
    }
}
