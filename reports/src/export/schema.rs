//! The description of the tables: a data package with the table schemas of Frictionless.

use serde_json::{Value, json};

use super::{
    column::{Column, ColumnType, rfc3339},
    format::ExportFormat,
    source::ExportSource,
    table::Table,
};

/// Name of the file, which tools look for.
pub(super) const SCHEMA_FILE: &str = "datapackage.json";

/// Returns the facts about a run that stand in the description, by name.
pub(super) fn facts(source: &ExportSource) -> Vec<(&'static str, String)> {
    let manifest = &source.manifest;
    let version = manifest.versions.get("highwater");
    vec![
        ("run", source.name()),
        ("scenario", manifest.plan.name.clone()),
        ("started_at", rfc3339(manifest.started_at)),
        ("seed", manifest.plan.seed.to_string()),
        ("ended", <&str>::from(source.ended).to_owned()),
        ("record_schema", manifest.schema.to_string()),
        ("highwater", version.cloned().unwrap_or_default()),
    ]
}

/// Returns the text of the description of all tables.
pub(super) fn data_package(
    source: &ExportSource,
    format: &ExportFormat,
) -> serde_json::Result<String> {
    let facts = facts(source).into_iter();
    let facts: serde_json::Map<_, _> = facts
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    let tables = format.tables().iter();
    let package = json!({
        "name": package_name(&source.manifest.plan.name),
        "title": source.manifest.plan.name,
        "created": rfc3339(source.manifest.started_at),
        "highwater": facts,
        "resources": tables.map(|table| resource(*table, format)).collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&package)? + "\n")
}

fn resource(table: Table, format: &ExportFormat) -> Value {
    let fields = table.columns().iter().map(field).collect::<Vec<_>>();
    json!({
        "name": table.name(),
        "path": format!("{}.{}", table.name(), format.extension),
        "format": format.extension,
        "encoding": "utf-8",
        "profile": "tabular-data-resource",
        "description": table.about(),
        "schema": { "fields": fields, "missingValues": [""] },
    })
}

fn field(column: &Column) -> Value {
    let (kind, format) = match column.kind {
        // `default` is RFC 3339 in UTC.
        ColumnType::Time => ("datetime", "default"),
        ColumnType::Number => ("number", "default"),
        ColumnType::Label | ColumnType::Text => ("string", "default"),
    };
    json!({
        "name": column.name,
        "type": kind,
        "format": format,
        "description": column.about,
        "constraints": { "required": !column.is_nullable },
    })
}

/// Returns a name as the specification allows it: lower-case letters, digits, `.`, `_` and `-`.
fn package_name(scenario: &str) -> String {
    let allowed = |letter: char| match letter {
        'a'..='z' | '0'..='9' | '.' | '_' | '-' => letter,
        _ => '-',
    };
    scenario.to_lowercase().chars().map(allowed).collect()
}
