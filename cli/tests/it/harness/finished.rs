//! The results of a run.

use std::{fs, path::PathBuf, process::Output};

use highwater_reports::summary::{Summary, Verdict};
use serde_json::Value;
use tempfile::TempDir;

use super::record::{intervals, steady_start};

/// A run that is over.
pub(crate) struct FinishedRun {
    _folder: TempDir,
    /// The directory of its record.
    pub(crate) record: PathBuf,
    /// Exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// The standard output.
    pub(crate) stdout: String,
    /// The standard error.
    pub(crate) stderr: String,
}

impl FinishedRun {
    /// Returns a run with this output whose record lies in `record`, somewhere in
    /// `folder`.
    pub(super) fn from_output(folder: TempDir, record: PathBuf, output: Output) -> Self {
        Self {
            record,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            _folder: folder,
        }
    }

    /// Returns the run's summary, after a check against the published schema.
    pub(crate) fn summary(&self) -> Summary {
        let path = self.record.join("summary.json");
        let text = fs::read(&path).unwrap_or_else(|error| {
            panic!(
                "{}: {error}\n{}\n{}",
                path.display(),
                self.stdout,
                self.stderr
            )
        });
        let summary: Value = serde_json::from_slice(&text).expect("JSON");
        let schema = include_str!("../../../../docs/summary.schema.json");
        let schema = serde_json::from_str(schema).expect("a JSON schema");
        if let Err(error) = jsonschema::validate(&schema, &summary) {
            panic!("{}: {error}", path.display());
        }
        serde_json::from_value(summary).expect("a summary")
    }

    /// Asserts that every gate holds and no problem was reported. A busy machine may delay
    /// the harness and the ramp; these problems alone are accepted.
    pub(crate) fn assert_passed(&self) {
        let summary = self.summary();
        let output = format!("{}{}", self.stdout, self.stderr);
        for gate in &summary.gates {
            assert_eq!(gate.verdict, Verdict::Passed, "{}: {output}", gate.check);
        }
        let was_late = |problem: &&String| problem.contains(" was late: send lag");
        let is_ramp = |problem: &&String| problem.starts_with("the ramp ");
        let expected = match summary.problems.iter().any(|problem| was_late(&problem)) {
            true => (Verdict::Inconclusive, Some(4)),
            false => (Verdict::Passed, Some(0)),
        };
        assert_eq!((summary.verdict, self.code), expected, "{output}");
        let mut others = summary.problems.iter().filter(|problem| !is_ramp(problem));
        assert!(others.all(|problem| was_late(&problem)), "{output}");
    }

    /// Asserts that the verdict and the exit code are inconclusive.
    pub(crate) fn assert_inconclusive(&self) {
        self.assert_verdict(Verdict::Inconclusive, 4);
    }

    /// Asserts that a gate failed and the exit code says so. If the harness stalled
    /// meanwhile, the verdict may be inconclusive.
    pub(crate) fn assert_failed(&self) {
        let problems = self.summary().problems;
        let excused = |problem: &String| problem.contains("a worker stalled for");
        match problems.iter().any(excused) {
            false => self.assert_verdict(Verdict::Failed, 3),
            true => self.assert_verdict(Verdict::Inconclusive, 4),
        }
    }

    fn assert_verdict(&self, verdict: Verdict, code: i32) {
        let found = (self.summary().verdict, self.code);
        assert_eq!(
            found,
            (verdict, Some(code)),
            "{}{}",
            self.stdout,
            self.stderr
        );
    }

    /// Returns the text of a file of its record.
    pub(crate) fn file(&self, name: &str) -> String {
        let path = self.record.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the number of telemetry records in the journal of a consumer.
    pub(crate) fn journal(&self, consumer: &str) -> u64 {
        let journal = self.file(&format!("logs/{consumer}.journal.jsonl"));
        journal.lines().count() as u64
    }

    /// Lines of `intervals.jsonl`.
    pub(crate) fn intervals(&self) -> Vec<Value> {
        intervals(&self.record)
    }

    /// Returns the instant at which its steady phase began.
    pub(crate) fn steady_start(&self) -> f64 {
        steady_start(&self.record).expect("a steady phase")
    }

    /// Returns the sum of `counter` over the whole run and all workers.
    pub(crate) fn counted(&self, counter: &str) -> u64 {
        self.intervals()
            .iter()
            .filter_map(|interval| interval["counters"][counter].as_u64())
            .sum()
    }
}
