//! A scenario's cells: one plan for each combination of settings that its `[matrix]`
//! asks for; one in all where it has none.

use crate::{
    Plan,
    diagnostic::DiagnosticSink,
    rules,
    scenario::Scenario,
    section::{
        Spanned, TableReader,
        matrix::{self, MatrixAxis},
        top,
    },
    tree::{SourceSpan, TomlItem, TomlTable, TomlValue},
};

/// Most cells of a matrix: with a minute or two each, a working day.
const MAX_CELLS: usize = 64;

/// What a scenario's runs are.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    first: MatrixCell,
    others: Vec<MatrixCell>,
    repeat: u32,
}

/// One combination of settings.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixCell {
    /// Its values in words, such as `nginx-least-conn`; empty where there is no
    /// matrix. Fit for the name of a directory.
    pub name: String,
    /// What makes it different from the others.
    pub settings: Vec<MatrixSetting>,
    /// What it does.
    pub plan: Plan,
}

/// A key of `[cluster]` with its value in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixSetting {
    /// The key: `policy`.
    pub key: String,
    /// As written, without quotes: `least-conn`.
    pub value: String,
}

impl Matrix {
    /// The cell that is run first.
    pub fn first(&self) -> &MatrixCell {
        &self.first
    }

    /// All cells, in the order in which they take turns.
    pub fn cells(&self) -> impl Iterator<Item = &MatrixCell> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// How often each is run.
    pub fn repeat(&self) -> u32 {
        self.repeat
    }

    /// Runs of all cells.
    pub fn runs(&self) -> u64 {
        (1 + self.others.len() as u64) * u64::from(self.repeat)
    }

    /// Whether there is no more than one run to do.
    pub fn is_one_run(&self) -> bool {
        self.runs() == 1
    }

    /// The plan of the first cell.
    pub fn into_first(self) -> Plan {
        self.first.plan
    }

    /// The cells that the tree asks for; `None` where any of them has a problem, all of
    /// which go to `findings`.
    pub(crate) fn read(root: &TomlTable, findings: &mut DiagnosticSink) -> Option<Self> {
        let (axes, repeat) = read_axes(root, findings);
        let mut cells = Vec::new();
        for combination in combinations(&axes) {
            let mut found = DiagnosticSink::default();
            cells.push(resolve_cell(root, &combination, &mut found));
            // What is wrong with the rest of the file is so in every cell.
            findings.add_unseen(found);
        }
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
    findings: &mut DiagnosticSink,
) -> Option<MatrixCell> {
    let mut root = root.clone();
    for (key, item) in combination {
        root.insert_at_path(&["cluster", *key], (*item).clone());
    }
    let scenario = Scenario::read(&root, findings);
    rules::check(&scenario, findings);
    let settings = combination.iter().map(|(key, item)| MatrixSetting {
        key: (*key).to_owned(),
        value: unquoted(item),
    });
    let settings: Vec<MatrixSetting> = settings.collect();
    let plan = scenario.resolve()?;
    let words: Vec<String> = settings.iter().map(MatrixSetting::name_part).collect();
    Some(MatrixCell {
        name: words.join("-"),
        settings,
        plan,
    })
}

impl MatrixSetting {
    /// Its part of the cell's name.
    fn name_part(&self) -> String {
        match &self.key[..] {
            "balancers" => format!("{}-balancers", self.value),
            _ => self.value.clone(),
        }
    }
}

/// The axes of the matrix, and how often each cell is run, where it is readable.
fn read_axes(root: &TomlTable, findings: &mut DiagnosticSink) -> (Vec<MatrixAxis>, Option<u32>) {
    let top = TableReader::root(&top::SECTION, root, findings);
    let Some(fields) = top.table(&top::MATRIX, &matrix::SECTION, findings) else {
        let is_unreadable = top.has(&top::MATRIX);
        return (Vec::new(), (!is_unreadable).then_some(1));
    };
    let matrix = matrix::MatrixSection::read(&fields, findings);
    let repeat = matrix.repeat.map(|at| at.value);
    if !top.has(&top::CLUSTER) {
        let finding = top
            .location_of(&top::MATRIX)
            .diagnostic_without_value("a matrix without a cluster");
        findings.add(finding.expected("`[matrix]` beside `[cluster]`"));
        return (Vec::new(), repeat);
    }
    let mut axes = matrix.axes;
    axes.retain(|axis| !is_overridden(root, axis.key));
    let cells: usize = axes.iter().map(|axis| axis.values.value.len()).product();
    if cells > MAX_CELLS {
        let finding = fields
            .location()
            .diagnostic_without_value(format!("{cells} cells"));
        findings.add(finding.expected(format!("at most {MAX_CELLS} combinations")));
        axes.clear();
    }
    (axes, repeat)
}

/// Whether a `--set` argument gives this key of the cluster.
fn is_overridden(root: &TomlTable, key: &str) -> bool {
    let cluster = root.get("cluster").and_then(TomlItem::as_table);
    let item = cluster.and_then(|cluster| cluster.get(key));
    item.is_some_and(|item| matches!(item.span, SourceSpan::SetArgument(_)))
}

/// Every combination of one value of each axis, the last one changing fastest; the empty
/// one where there is no axis.
fn combinations(axes: &[MatrixAxis]) -> Vec<Vec<AxisValue<'_>>> {
    let mut combinations = vec![Vec::new()];
    for MatrixAxis {
        key,
        values: Spanned { value: values, .. },
    } in axes
    {
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

/// A value as it is written, without quotes.
fn unquoted(item: &TomlItem) -> String {
    match &item.value {
        TomlValue::Text(text) => text.clone(),
        _ => item.display_redacted(),
    }
}
