//! The summary's JSON schema: kept beside the code, and kept to.

use expect_test::expect_file;
use highwater_reports::summary::Summary;
use highwater_scenarios::metrics;
use serde_json::Value;

use crate::run::TestRun;

fn schema() -> Value {
    serde_json::to_value(schemars::schema_for!(Summary)).unwrap()
}

#[test]
fn the_schema_in_the_docs_is_the_codes() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    expect_file!["../../../docs/summary.schema.json"].assert_eq(&text);
}

#[test]
fn summaries_satisfy_the_schema() {
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

/// A gate on a figure that leads nowhere would be inconclusive for ever.
#[test]
fn every_figure_of_the_catalogue_has_its_place() {
    let schema = schema();
    for figure in metrics::all() {
        let place = figure
            .json_path()
            .into_iter()
            .try_fold(&schema, |at, key| property(&schema, at, key));
        assert!(place.is_some(), "{} leads nowhere", figure.path);
    }
}

/// The schema of a key, through references and `null`.
fn property<'a>(root: &'a Value, at: &'a Value, key: &str) -> Option<&'a Value> {
    if let Some(found) = at.pointer(&format!("/properties/{key}")) {
        return Some(found);
    }
    if let Some(reference) = at.get("$ref").and_then(Value::as_str) {
        return property(root, root.pointer(reference.strip_prefix('#')?)?, key);
    }
    let mut either = at.get("anyOf")?.as_array()?.iter();
    either.find_map(|at| property(root, at, key))
}
