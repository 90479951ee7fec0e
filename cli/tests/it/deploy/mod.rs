//! The files in `deploy/` and docker-compose.yml: they are YAML, what they say to the binary is
//! what it understands, and they agree with each other.
//!
//! - [`load`]: runs over a bus;
//! - [`cluster`]: the reference cluster on Kubernetes;
//! - [`compose`]: the cluster and a run in containers;
//! - [`observe`]: alerts and the dashboard.

mod cluster;
mod compose;
mod load;
mod observe;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use serde_json::Value;

use crate::harness::highwater;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy")
        .join(name)
}

/// Returns the documents of a YAML file.
fn documents(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(path(name)).unwrap();
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    let parsed = documents.map(Value::deserialize);
    parsed
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn texts(list: &Value) -> Vec<String> {
    let list = list
        .as_array()
        .unwrap_or_else(|| panic!("not a list: {list}"));
    list.iter()
        .map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

/// Asserts that the binary understands the arguments, and returns its help.
fn assert_understood(arguments: &[String]) -> String {
    // With `--help` at the end an unknown flag or an invalid value is still an error.
    let mut command = highwater(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let output = command.arg("--help").output().expect("highwater starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn value_after<'a>(arguments: &'a [String], flag: &str) -> &'a str {
    let at = arguments.iter().position(|argument| argument == flag);
    let at = at.unwrap_or_else(|| panic!("{flag} in {arguments:?}"));
    &arguments[at + 1]
}

/// Validates a manifest against the schemas of Kubernetes, where keys that they do not have are
/// errors. Returns whether it is valid, with the validator's text.
fn validate(manifest: &Path) -> io::Result<(bool, String)> {
    // From the Python index: it has the schemas of all versions in its package.
    let mut validator = Command::new("kubernetes-validate");
    let output = validator.arg("--strict").arg(manifest).output()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok((output.status.success(), text))
}

/// Asserts that every resource of a kustomization has only keys that Kubernetes knows, where
/// the validator is installed.
#[expect(clippy::print_stdout, reason = "the reason for a skipped test")]
fn assert_kubernetes_knows(folder: &str) {
    let kustomization = &documents(&format!("{folder}/kustomization.yaml"))[0];
    let names = texts(&kustomization["resources"]);
    let first = fs::read_to_string(path(folder).join(names.last().unwrap())).unwrap();
    let invalid = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    let misspelt = first.replacen("\nspec:\n", "\nspecs:\n", 1);
    assert_ne!(first, misspelt);
    fs::write(&invalid, misspelt).unwrap();
    match validate(invalid.path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return println!("skipped: pip install kubernetes-validate");
        }
        found => {
            let (is_valid, text) = found.unwrap();
            assert!(!is_valid && text.contains("specs"), "{text}");
        }
    }
    for name in names {
        let (is_valid, text) = validate(&path(folder).join(&name)).unwrap();
        assert!(is_valid, "{name}: {text}");
    }
}
