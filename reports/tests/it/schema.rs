//! The JSON schema of the summary, in the docs and in the code.

use expect_test::expect_file;
use highwater_reports::summary::Summary;
use highwater_scenarios::metrics;
use serde_json::Value;

use crate::run::TestRun;

/// Returns the schema, in which the registry describes each metric.
fn schema() -> Value {
    let mut schema = serde_json::to_value(schemars::schema_for!(Summary)).unwrap();
    for family in metrics::families() {
        let path = family.json_path();
        let pointer = pointer(&schema, &path).unwrap_or_else(|| panic!("{path}"));
        let property = schema.pointer_mut(&pointer).unwrap();
        // Metrics of nested items have a description of their own.
        if path.split('.').count() == 2 {
            property["description"] = family.about.into();
        }
    }
    schema
}

#[test]
fn schema_in_the_docs_is_that_of_the_code() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    expect_file!["../../../docs/summary.schema.json"].assert_eq(&text);
}

#[test]
fn summary_satisfies_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut bare = TestRun::clean();
    bare.intervals.clear();
    bare.latencies.clear();
    bare.events.clear();
    let mut gated = TestRun::clean();
    gated.add_gate("commands.lost == 0", None);
    for run in [bare, gated] {
        let summary = serde_json::to_value(run.summary()).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&summary)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    assert!(!validator.is_valid(&serde_json::json!({"schema": 1})));
}

/// A gate on a metric that leads nowhere would always be inconclusive.
#[test]
fn every_metric_of_the_registry_is_in_the_schema() {
    let schema = schema();
    for metric in metrics::all() {
        let found = pointer(&schema, &metric.json_path);
        assert!(found.is_some(), "{} leads nowhere", metric.path);
    }
}

#[test]
fn every_item_metric_is_in_the_schema() {
    let schema = schema();
    for table in metrics::item_tables() {
        for metric in table.metrics {
            let path = format!("{}.[].{}", table.list, metric.key);
            assert!(pointer(&schema, &path).is_some(), "{path} leads nowhere");
        }
    }
}

/// Returns the JSON pointer to the schema of a property; `[]` stands for a list's items.
fn pointer(schema: &Value, path: &str) -> Option<String> {
    path.split('.')
        .try_fold(String::new(), |at, key| property(schema, &at, key))
}

/// Follows references and `null` alternatives to the schema of a key.
fn property(schema: &Value, at: &str, key: &str) -> Option<String> {
    let own = match key {
        "[]" => format!("{at}/items"),
        key => format!("{at}/properties/{key}"),
    };
    if schema.pointer(&own).is_some() {
        return Some(own);
    }
    let here = schema.pointer(at)?;
    if let Some(reference) = here.get("$ref").and_then(Value::as_str) {
        return property(schema, reference.strip_prefix('#')?, key);
    }
    let alternatives = here.get("anyOf")?.as_array()?.len();
    (0..alternatives).find_map(|index| property(schema, &format!("{at}/anyOf/{index}"), key))
}
