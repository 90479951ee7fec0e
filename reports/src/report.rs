//! The files that are derived from a record, written beside it.

use std::path::{Path, PathBuf};

use crate::{
    analysis::{analyse, run_window::RunWindow, source_series::RecordSeries},
    charts::{self, ChartContext},
    comparison::evaluate,
    junit, page,
    record::{self, RecordError, RunRecord, create_dir, write_atomic},
    summary::Summary,
};

pub use crate::record::files::{CHARTS, JUNIT, PAGE, SUMMARY};

/// The files of a written report.
#[derive(Debug, Clone)]
pub struct WrittenReport {
    /// Summary of the run.
    pub summary: Summary,
    /// Path of `summary.json`.
    pub summary_json: PathBuf,
    /// Path of `report.html`.
    pub html: PathBuf,
    /// Path of `junit.xml`.
    pub junit: PathBuf,
    /// Paths of the charts.
    pub charts: Vec<PathBuf>,
}

/// An error of writing a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The record cannot be read, or a file cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The drawing library failed.
    #[error("cannot draw a chart: {0}")]
    Chart(String),
    /// The template does not fit its content.
    #[error("cannot render {PAGE}")]
    Page(#[from] minijinja::Error),
    /// A text has no form in XML.
    #[error("cannot write {JUNIT}")]
    Junit(#[from] quick_junit::SerializeError),
    /// The summary has no form in JSON.
    #[error("cannot write {SUMMARY}")]
    Summary(#[from] serde_json::Error),
}

/// Reads the record in `dir` and writes `summary.json`, `report.html`, `charts/*.svg` and
/// `junit.xml` beside it, each in full or not at all.
///
/// # Errors
/// When the record cannot be read or a file cannot be written.
pub fn write_report(dir: &Path) -> Result<WrittenReport, ReportError> {
    write(dir, None)
}

/// Writes the report with a comparison to the run in `baseline`.
///
/// Each metric that became worse beyond the noise of both is one more gate, as for
/// [`evaluate`](crate::evaluate). The page's headlines show the baseline's values.
///
/// # Errors
/// When one of the records cannot be read or a file cannot be written.
pub fn write_report_against(dir: &Path, baseline: &Path) -> Result<WrittenReport, ReportError> {
    write(dir, Some(&record::read(baseline)?))
}

/// Writes the gates of a summary as `junit.xml` into the directory of its record.
///
/// # Errors
/// When the file cannot be written.
pub fn write_junit(dir: &Path, summary: &Summary) -> Result<PathBuf, ReportError> {
    let path = dir.join(JUNIT);
    write_atomic(&path, junit::junit(summary)?.as_bytes())?;
    Ok(path)
}

fn write(dir: &Path, baseline: Option<&RunRecord>) -> Result<WrittenReport, ReportError> {
    let record = record::read(dir)?;
    let summary = evaluate(&record, baseline);
    let before = baseline.map(analyse);
    let sources = RecordSeries::new(&record.intervals);
    let window = RunWindow::whole_run(&record, &sources);
    let context = ChartContext::of(&window);
    let drawings = charts::draw(&context).map_err(ReportError::Chart)?;

    let report = WrittenReport {
        summary_json: dir.join(SUMMARY),
        html: dir.join(PAGE),
        junit: dir.join(JUNIT),
        charts: drawings
            .iter()
            .map(|drawing| dir.join(CHARTS).join(&*drawing.name).with_extension("svg"))
            .collect(),
        summary,
    };
    let mut json = serde_json::to_vec_pretty(&report.summary)?;
    json.push(b'\n');
    // The summary and the gates come first, because CI jobs read them even without a page.
    write_atomic(&report.summary_json, &json)?;
    write_atomic(&report.junit, junit::junit(&report.summary)?.as_bytes())?;
    let charts = dir.join(CHARTS);
    create_dir(&charts)?;
    for (path, drawing) in report.charts.iter().zip(&drawings) {
        write_atomic(path, drawing.standalone.as_bytes())?;
    }
    let html = page::page(&context, &report.summary, before.as_ref(), &drawings)?;
    write_atomic(&report.html, html.as_bytes())?;
    Ok(report)
}
