//! The manifests in `deploy/` for runs over a bus: they are YAML, and what they say to the
//! binary is what it understands.

use std::fs;

use serde_json::Value;

use super::{assert_kubernetes_knows, assert_understood, documents, path, texts, value_after};
use crate::harness::highwater;

/// Asserts that the help names each variable of the binary's own.
fn assert_variables(help: &str, names: &[String]) {
    for name in names.iter().filter(|name| name.starts_with("HIGHWATER_")) {
        assert!(help.contains(&format!("[env: {name}]")), "{name}: {help}");
    }
    assert!(
        names.iter().any(|name| name == "HIGHWATER_BUS"),
        "{names:?}"
    );
}

/// Returns the arguments of the first container of a Kubernetes Job, after a check of the
/// command and the variables.
fn job_arguments(job: &Value) -> Vec<String> {
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "highwater");
    assert_eq!(texts(&container["command"]), ["highwater"]);
    let arguments = texts(&container["args"]);
    let variables = container["env"].as_array().unwrap().iter();
    let variables: Vec<_> = variables
        .map(|variable| variable["name"].as_str().unwrap().to_owned())
        .collect();
    assert_variables(&assert_understood(&arguments), &variables);
    arguments
}

#[test]
fn kubernetes_manifests_agree_with_the_binary_and_with_each_other() {
    let kustomization = &documents("kubernetes/load/kustomization.yaml")[0];
    let mut kinds = Vec::new();
    let mut jobs = Vec::new();
    for name in texts(&kustomization["resources"]) {
        for document in documents(&format!("kubernetes/load/{name}")) {
            let kind = document["kind"].as_str().unwrap().to_owned();
            if kind == "Job" {
                jobs.push(document);
            }
            kinds.push(kind);
        }
    }
    assert_eq!(
        kinds,
        [
            "Namespace",
            "Service",
            "StatefulSet",
            "PersistentVolumeClaim",
            "Job",
            "Job"
        ]
    );
    let (coordinator, workers) = (job_arguments(&jobs[0]), job_arguments(&jobs[1]));
    assert_eq!((&*coordinator[0], &*workers[0]), ("coordinator", "worker"));
    assert_eq!(
        value_after(&coordinator, "--run"),
        value_after(&workers, "--run")
    );
    let spec = &jobs[1]["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    assert_eq!(spec["completions"], spec["parallelism"]);
    assert_eq!(
        spec["completions"].to_string(),
        value_after(&coordinator, "--workers")
    );
    // The verdict is the exit code of the one pod.
    assert_eq!(jobs[0]["spec"]["backoffLimit"], 0);
    assert_eq!(
        jobs[0]["spec"]["template"]["spec"]["restartPolicy"],
        "Never"
    );
    for file in texts(&kustomization["configMapGenerator"][0]["files"]) {
        assert!(path("kubernetes/load").join(file).is_file());
    }
}

#[test]
fn kubernetes_manifests_have_only_keys_that_kubernetes_knows() {
    assert_kubernetes_knows("kubernetes/load");
}

/// Returns the arguments of a service, after a check of the command and the variables.
fn service_arguments(service: &Value) -> Vec<String> {
    assert_eq!(service["image"], "highwater:latest");
    assert_eq!(texts(&service["entrypoint"]), ["highwater"]);
    let arguments = texts(&service["command"]);
    let variables = service["environment"].as_object().unwrap().keys().cloned();
    let variables: Vec<String> = variables.collect();
    assert_variables(&assert_understood(&arguments), &variables);
    arguments
}

#[test]
fn compose_file_and_stack_agree_with_the_binary() {
    for name in ["load/compose.yaml", "load/stack.yaml"] {
        let file = &documents(name)[0];
        let services = &file["services"];
        let coordinator = service_arguments(&services["coordinator"]);
        let workers = service_arguments(&services["worker"]);
        assert_eq!(
            value_after(&coordinator, "--run"),
            value_after(&workers, "--run")
        );
        assert!(texts(&services["bus"]["command"]).contains(&"-js".to_owned()));
        if let Some(replicas) = services["worker"]["deploy"]["replicas"].as_u64() {
            assert_eq!(replicas.to_string(), value_after(&coordinator, "--workers"));
            assert_eq!(
                services["worker"]["environment"]["TASK_SLOT"],
                "{{.Task.Slot}}"
            );
        }
    }
}

#[test]
fn scenario_of_the_manifests_is_valid_and_the_same_everywhere() {
    let own = fs::read_to_string(path("load/scenario.toml")).unwrap();
    let kubernetes = fs::read_to_string(path("kubernetes/load/scenario.toml")).unwrap();
    assert_eq!(own, kubernetes);
    let mut check = highwater(&["check"]);
    let output = check.arg(path("load/scenario.toml")).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
