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

/// `7.13.2` as numbers, so that it sorts behind `7.9.1`.
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

/// The suite's verdicts; all but the first three are failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum CaseResult {
    #[serde(rename = "OK")]
    Ok,
    #[serde(rename = "NON-STRICT")]
    NonStrict,
    #[serde(rename = "INFORMATIONAL")]
    Informational,
    #[serde(other)]
    Failed,
}

impl SuiteResults {
    /// Reads what a run left in `folder`. A run without cases is an error: it would
    /// pass.
    pub(super) fn read(end: &'static str, folder: &Path) -> Result<Self> {
        let path = folder.join("index.json");
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
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

    /// Cases that failed.
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
            format!("{text:?} is no case's number")
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
    /// The worse of the two.
    fn result(&self) -> CaseResult {
        let both = [self.behavior, self.behavior_close];
        [
            CaseResult::Failed,
            CaseResult::NonStrict,
            CaseResult::Informational,
        ]
        .into_iter()
        .find(|verdict| both.contains(verdict))
        .unwrap_or(CaseResult::Ok)
    }
}

/// A table in Markdown, as docs/conformance.md has it.
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
    fn whatever_is_not_a_pass_is_a_failure() {
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
    fn a_run_that_left_a_section_out_is_no_pass() {
        assert!(results("").is_err());
        let cases = one_of_each();
        assert!(results(&cases[1..].join(",")).is_err());
    }
}
