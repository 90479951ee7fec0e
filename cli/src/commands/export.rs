//! `highwater export`.

use std::{
    io::{self, IsTerminal, stdout},
    path::PathBuf,
};

use anyhow::anyhow;
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};
use highwater_reports::{
    export::{ExportFormat, ExportTarget, Exported, Table, export, formats},
    record::RunEnd,
};
use highwater_types::format::seconds;

use crate::{exit::Exit, failure::CliFailure, output::print_foreign, stderr};

/// The folder of exports in a run's directory.
const FOLDER: &str = "export";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater export runs/20260102-030405-smoke --format csv
      Three tables and their description, in the run's directory.
  highwater export runs/after --format parquet --output after
  highwater export runs/after --format jsonl --table events | jq .kind
  highwater export runs/after --format prometheus --output after.prom

Tables: samples (each second, source and metric), summary, events. They go into
the folder --output, or export/FORMAT in the run's directory. One table, chosen
by --table, goes to the file --output or to stdout. The format prometheus has
samples alone, so it is always one table.")]
pub(crate) struct ExportArgs {
    /// The run's directory
    pub(crate) run: PathBuf,
    /// Format of the tables
    #[arg(long, value_name = "FORMAT", value_parser = format_names())]
    pub(crate) format: String,
    /// Write this table alone: samples, summary or events
    #[arg(long, value_name = "TABLE", value_parser = table_names())]
    pub(crate) table: Option<String>,
    /// Folder of the tables, or file of one table
    /// [default: export/FORMAT in the run's directory, or stdout]
    ///
    /// A missing folder is created. A file that exists is refused without --force.
    #[arg(long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the files of an earlier export
    #[arg(long)]
    pub(crate) force: bool,
}

/// Writes the data of a run as tables.
pub(crate) fn execute(args: &ExportArgs) -> Result<Exit, CliFailure> {
    // The parsers of the arguments accept these names alone.
    let format = formats().find(|format| format.name == args.format);
    let format = format.ok_or_else(|| CliFailure::internal(anyhow!("no such format")))?;
    let table = args.table.as_deref().and_then(table_named);
    let table = table.or(format.is_one_file().then_some(Table::Samples));
    let default = args.run.join(FOLDER).join(format.name);
    let output = args.output.as_deref();
    let target = match (table, output) {
        (None, folder) => ExportTarget::Folder(folder.unwrap_or(&default)),
        (Some(table), Some(path)) => ExportTarget::File(table, path),
        (Some(table), None) => ExportTarget::Stream(table, Box::new(stdout_for(format)?)),
    };
    let is_stream = matches!(target, ExportTarget::Stream(..));
    let exported = export(&args.run, format, target, args.force)?;
    for note in notes(&exported) {
        stderr::print_line(&note);
    }
    if !is_stream {
        print_foreign(&written(&exported))?;
    }
    Ok(Exit::Passed)
}

fn format_names() -> PossibleValuesParser {
    PossibleValuesParser::new(
        formats().map(|format| PossibleValue::new(format.name).help(format.about)),
    )
}

fn table_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Table::ALL.map(Table::name))
}

fn table_named(name: &str) -> Option<Table> {
    Table::ALL.into_iter().find(|table| table.name() == name)
}

/// Returns the standard output for a table. A terminal shows no binary format.
fn stdout_for(format: &ExportFormat) -> Result<io::Stdout, CliFailure> {
    if format.is_binary() && stdout().is_terminal() {
        let error = anyhow!("cannot show {} on a terminal", format.name);
        let hint = "name a file: --output FILE";
        return Err(CliFailure::new(Exit::Usage, error).with_hint(Some(hint)));
    }
    Ok(stdout())
}

/// Returns what a reader of the tables has to know about them.
fn notes(exported: &Exported) -> Vec<String> {
    let until = match exported.until_s {
        Some(until_s) => format!("up to {}", seconds(until_s)),
        None => "no samples".to_owned(),
    };
    let state = match exported.ended {
        RunEnd::Running => Some("the run lasts; the tables have what there is so far"),
        RunEnd::Truncated => Some("the run has no end, because its harness was killed"),
        RunEnd::Interrupted => Some("the run was interrupted"),
        RunEnd::Aborted => Some("the run was aborted"),
        RunEnd::Completed => None,
    };
    let state = state.map(|state| format!("note: {state} ({until})"));
    let problems = exported.problems.iter();
    let problems = problems.map(|problem| format!("note: {problem}"));
    state.into_iter().chain(problems).collect()
}

fn written(exported: &Exported) -> String {
    let rows = exported.rows.iter();
    let rows: Vec<_> = rows
        .map(|(table, rows)| format!("{} {rows}", table.name()))
        .collect();
    let mut text = format!("rows    {}", rows.join(", "));
    for file in &exported.files {
        text += &format!("\nfile    {}", file.display());
    }
    text
}
