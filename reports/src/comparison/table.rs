//! Runs side by side.

use std::{fmt::Write, path::PathBuf};

use super::{
    estimate::{Change, Compared, compared},
    likeness::differences,
};
use crate::{
    figure::display,
    record::{RecordError, RunRecord, read},
};

/// The figures of the runs in `dirs` side by side, as text. A difference from
/// the first run that is larger than the noise of both carries a mark.
///
/// Runs that are not alike are compared all the same; the text begins with
/// what they differ in.
///
/// # Errors
/// When a record cannot be read.
pub fn compare(dirs: &[PathBuf]) -> Result<String, RecordError> {
    let records: Vec<RunRecord> = dirs.iter().map(|dir| read(dir)).collect::<Result<_, _>>()?;
    let records: Vec<&RunRecord> = records.iter().collect();
    let names = dirs.iter().map(|dir| {
        let name = dir.file_name().unwrap_or(dir.as_os_str());
        name.to_string_lossy().into_owned()
    });
    Ok(text(&names.collect::<Vec<_>>(), &records))
}

fn text(names: &[String], records: &[&RunRecord]) -> String {
    let mut text = String::new();
    for (name, record) in names.iter().zip(records).skip(1) {
        for difference in differences(records[0], record) {
            let _ = writeln!(text, "NOT ALIKE: {} and {name}: {difference}", names[0]);
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let mut rows = vec![[vec!["figure".to_owned()], names.to_vec()].concat()];
    rows.extend(compared(records).iter().map(row));
    text.push_str(&aligned(&rows));
    text.push_str(
        "\n+ better, - worse, ~ other than the first run, beyond the noise within both\n",
    );
    text
}

fn row(compared: &Compared) -> Vec<String> {
    let cells = compared
        .estimates
        .iter()
        .enumerate()
        .map(|(index, estimate)| {
            let Some(estimate) = estimate else {
                return "not measured".to_owned();
            };
            let mark = match compared.change(index).filter(|_| index > 0) {
                Some(Change::Better) => " +",
                Some(Change::Worse) => " -",
                Some(Change::Other) => " ~",
                None => "  ",
            };
            display(compared.figure.unit, estimate.value) + mark
        });
    [compared.figure.path.clone()]
        .into_iter()
        .chain(cells)
        .collect()
}

/// The first column to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(line, "  {cell:>width$}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
