//! The cells of a scenario: one plan for each combination of settings that its `[matrix]`
//! lists, or one plan without a matrix.
//!
//! ```text
//! tree ─► axes ─► combinations ─► a copy of the tree each ─► Scenario ─► rules ─► Plan
//! ```

use crate::{
    Plan,
    data_files::DataFiles,
    diagnostic::{Diagnostic, DiagnosticSink, SourceSpan},
    rules,
    scenario::Scenario,
    section::{Section, TableReader, matrix::MatrixAxis},
    tree::{TomlItem, TomlTable, TomlValue},
};

/// Most cells of a matrix: with a minute or two each, a working day.
const MAX_CELLS: usize = 64;

/// The runs of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    first: MatrixCell,
    others: Vec<MatrixCell>,
    repeat: u32,
}

/// One combination of settings.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixCell {
    /// The values in words, such as `nginx-least-conn`, fit for the name of a directory;
    /// empty without a matrix.
    pub name: String,
    /// The settings that make the cell different from the others.
    pub settings: Vec<MatrixSetting>,
    /// The plan of the cell.
    pub plan: Plan,
}

/// A key of `[cluster]` with its value in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixSetting {
    /// The key: `policy`.
    pub key: String,
    /// The value as written, without quotes: `least-conn`.
    pub value: String,
}

impl Matrix {
    /// Returns the cell that is run first.
    pub fn first(&self) -> &MatrixCell {
        &self.first
    }

    /// Returns all cells, in the order in which they take turns.
    pub fn cells(&self) -> impl Iterator<Item = &MatrixCell> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Yields the plans of all cells, to be completed.
    pub(crate) fn plans_mut(&mut self) -> impl Iterator<Item = &mut Plan> {
        let cells = std::iter::once(&mut self.first).chain(&mut self.others);
        cells.map(|cell| &mut cell.plan)
    }

    /// Returns the number of runs of each cell.
    pub fn repeat(&self) -> u32 {
        self.repeat
    }

    /// Returns the number of runs of all cells.
    pub fn runs(&self) -> u64 {
        (1 + self.others.len() as u64) * u64::from(self.repeat)
    }

    /// Whether there is no more than one run to do.
    pub fn is_one_run(&self) -> bool {
        self.runs() == 1
    }

    /// Returns the plan of the first cell.
    pub fn into_first(self) -> Plan {
        self.first.plan
    }

    /// Reads the cells that the tree lists; `None` where any of them has a problem. All
    /// problems go to `sink`.
    pub(crate) fn read(
        root: &TomlTable,
        files: &mut DataFiles<'_>,
        sink: &mut DiagnosticSink,
    ) -> Option<Self> {
        let (axes, repeat) = read_axes(root, sink);
        let mut cells = Vec::new();
        for combination in combinations(&axes) {
            let mut cell_sink = DiagnosticSink::default();
            cells.push(resolve_cell(root, &combination, files, &mut cell_sink));
            // A problem outside the matrix comes back in every cell.
            sink.add_unseen(cell_sink);
        }
        // There is always a first cell: without axes, the empty combination.
        let mut cells = cells.into_iter();
        Some(Self {
            first: cells.next()??,
            others: cells.collect::<Option<_>>()?,
            repeat: repeat?,
        })
    }
}

/// A value that an axis has in one cell.
type AxisValue<'a> = (&'static str, &'a TomlItem);

fn resolve_cell(
    root: &TomlTable,
    combination: &[AxisValue<'_>],
    files: &mut DataFiles<'_>,
    sink: &mut DiagnosticSink,
) -> Option<MatrixCell> {
    // A copy each: a cell is validated as if its values were written in the file.
    let mut root = root.clone();
    if let Some(TomlValue::Table(cluster)) = root.get_mut("cluster").map(|item| &mut item.value) {
        for (key, item) in combination {
            // The value keeps its span, so that a problem points into the matrix.
            cluster.insert(key, (*item).clone());
        }
    }
    let scenario = Scenario::read(&TableReader::root(Scenario::schema(), &root, sink), sink);
    let data = files.of_pools(&scenario, sink);
    rules::check(&scenario, &data, sink);
    let settings = combination.iter().map(|(key, item)| MatrixSetting {
        key: (*key).to_owned(),
        value: unquoted(item),
    });
    let settings: Vec<MatrixSetting> = settings.collect();
    let plan = scenario.resolve(data)?;
    let words: Vec<String> = settings.iter().map(MatrixSetting::name_part).collect();
    Some(MatrixCell {
        name: words.join("-"),
        settings,
        plan,
    })
}

impl MatrixSetting {
    /// Returns the setting's part of the cell's name.
    fn name_part(&self) -> String {
        match &self.key[..] {
            // A bare number would not say what it counts.
            "balancers" => format!("{}-balancers", self.value),
            _ => self.value.clone(),
        }
    }
}

/// Reads the axes of the matrix and the number of runs of each cell; the latter is `None`
/// where it is invalid.
fn read_axes(root: &TomlTable, sink: &mut DiagnosticSink) -> (Vec<MatrixAxis>, Option<u32>) {
    // Each cell reports the problems of the whole file again, so these are not counted.
    let mut unused = DiagnosticSink::default();
    let top = TableReader::root(Scenario::schema(), root, &mut unused);
    let scenario = Scenario::read(&top, &mut unused);
    let Some(matrix) = &scenario.matrix.value else {
        return (Vec::new(), (!scenario.matrix.is_written).then_some(1));
    };
    let mut axes = matrix.axes();
    let location = matrix.location();
    if !scenario.cluster.is_written {
        let diagnostic = Diagnostic::new("a matrix without a cluster");
        let expected = "`[matrix]` beside `[cluster]`";
        sink.report(location, diagnostic.expected(expected));
        // One cell is enough to report the problems of the rest of the file.
        axes.clear();
    }
    // An argument for the key stands in place of the list.
    axes.retain(|axis| !is_overridden(root, axis.key));
    let cells: usize = axes.iter().map(|axis| axis.values.len()).product();
    if cells > MAX_CELLS {
        let diagnostic = Diagnostic::new(format!("{cells} cells"));
        let expected = format!("at most {MAX_CELLS} combinations");
        sink.report(location, diagnostic.expected(expected));
        axes.clear();
    }
    (axes, matrix.repeat.value)
}

/// Whether a `--set` argument gives this key of the cluster.
fn is_overridden(root: &TomlTable, key: &str) -> bool {
    let cluster = root.get("cluster").and_then(TomlItem::as_table);
    let item = cluster.and_then(|cluster| cluster.get(key));
    item.is_some_and(|item| matches!(item.span, SourceSpan::SetArgument(_)))
}

/// Returns every combination of one value of each axis, the last one changing fastest;
/// without an axis it is the empty combination.
fn combinations(axes: &[MatrixAxis]) -> Vec<Vec<AxisValue<'_>>> {
    let mut combinations = vec![Vec::new()];
    for MatrixAxis { key, values } in axes {
        combinations = combinations
            .into_iter()
            .flat_map(|before| {
                values.iter().map(move |item| {
                    let mut combination: Vec<AxisValue<'_>> = before.clone();
                    combination.push((*key, item));
                    combination
                })
            })
            .collect();
    }
    combinations
}

/// Returns a value as it is written, without quotes.
fn unquoted(item: &TomlItem) -> String {
    match &item.value {
        TomlValue::Text(text) => text.clone(),
        _ => item.display_redacted(),
    }
}
