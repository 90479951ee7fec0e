//! docker-compose.yml, its variants, and the scenario that it runs.

use std::{collections::BTreeMap, fs, io, process::Command};

use serde_json::Value;

use super::{assert_understood, path, texts, value_after};
use crate::harness::highwater;

const BASE: &str = "../docker-compose.yml";
const LEAST_CONN: &str = "../docker-compose.least-conn.yml";

/// Returns the services of a file, with the keys that they take over.
fn services(name: &str) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(path(name)).unwrap();
    let mut file: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).unwrap();
    // What is merged into a service may itself take over keys, here at one level.
    for _ in 0..2 {
        file.apply_merge().unwrap();
    }
    let mut file = serde_json::to_value(file).unwrap();
    serde_json::from_value(file["services"].take()).unwrap()
}

/// Replaces `${NAME:-VALUE}` with `VALUE`.
fn with_defaults(text: &str) -> String {
    let mut parts = text.split("${");
    let mut result = parts.next().unwrap().to_owned();
    for part in parts {
        let (variable, rest) = part.split_once('}').unwrap();
        let (_, value) = variable.split_once(":-").unwrap();
        result = result + value + rest;
    }
    result
}

/// Returns the words of a command, which is a list or a line.
fn words(command: &Value) -> Vec<String> {
    match command.as_str() {
        Some(line) => with_defaults(line)
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        None => texts(command)
            .iter()
            .map(|word| with_defaults(word))
            .collect(),
    }
}

/// Returns the services that one depends on, which are a list or have conditions.
fn dependencies(service: &Value) -> Vec<String> {
    match service["depends_on"].as_object() {
        Some(conditions) => conditions.keys().cloned().collect(),
        None if service["depends_on"].is_null() => Vec::new(),
        None => words(&service["depends_on"]),
    }
}

fn is_own(service: &Value) -> bool {
    service["image"].as_str() == Some("${HIGHWATER_IMAGE:-highwater}")
}

#[test]
fn binary_understands_every_service_and_its_variables() {
    let services = services(BASE);
    let mut helps = String::new();
    let mut variables = Vec::new();
    let mut own = Vec::new();
    for (name, service) in services.iter().filter(|(_, service)| is_own(service)) {
        helps += &assert_understood(&words(&service["command"]));
        variables.extend(service["environment"].as_object().unwrap().keys().cloned());
        assert_eq!(service["read_only"], true, "{name}");
        if service.get("healthcheck").is_some() {
            let check = texts(&service["healthcheck"]["test"]);
            assert_eq!(check[..2], ["CMD", "highwater"]);
            assert_understood(&check[2..]);
        }
        own.push(name.as_str());
    }
    assert_eq!(own, ["coordinator", "gateway", "n1", "n2", "worker"]);
    // `[env: NAME]`, which may stand on two lines.
    for variable in variables
        .iter()
        .filter(|name| name.starts_with("HIGHWATER_"))
    {
        assert!(helps.contains(&format!("{variable}]")), "{variable}");
    }
}

#[test]
fn coordinator_waits_for_the_workers_that_start() {
    let services = services(BASE);
    let command = |name: &str| words(&services[name]["command"]);
    let (coordinator, worker) = (command("coordinator"), command("worker"));
    assert_eq!(
        value_after(&coordinator, "--run"),
        value_after(&worker, "--run")
    );
    let scale = with_defaults(services["worker"]["scale"].as_str().unwrap());
    assert_eq!(value_after(&coordinator, "--workers"), scale);
    // The changes of the command make no plan that the binary would refuse.
    let scenario = value_after(&coordinator, "coordinator").trim_start_matches('/');
    let mut check = highwater(&["check"]);
    check.arg(path("..").join(scenario));
    let sets = coordinator.windows(2).filter(|pair| pair[0] == "--set");
    let output = check.args(sets.flatten()).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
}

#[test]
fn names_in_files_and_commands_are_those_of_services() {
    let services = services(BASE);
    for (name, service) in &services {
        for other in dependencies(service) {
            assert!(services.contains_key(&other), "{name}: {other}");
        }
        let volumes = service["volumes"].as_array().into_iter().flatten();
        for volume in volumes.filter_map(Value::as_str) {
            let source = volume.split(':').next().unwrap();
            // The directory of the records is made by the first run.
            assert!(
                source == "./runs" || path("..").join(source).exists(),
                "{source}"
            );
        }
    }
    let haproxy = fs::read_to_string(path("compose/haproxy.cfg")).unwrap();
    for node in ["n1", "n2"] {
        assert!(haproxy.contains(&format!("    server {node} {node}:8080\n")));
        let command = words(&services[node]["command"]);
        assert_eq!(value_after(&command, "--advertise"), format!("{node}:8080"));
    }
}

/// Returns the variables of a file.
fn variables(name: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn each_file_of_variables_chooses_brokers_that_start() {
    let services = services(BASE);
    let files = [
        "../.env",
        "compose/nats.env",
        "compose/rabbitmq.env",
        "compose/kafka.env",
    ];
    for file in files {
        let variables = variables(file);
        let profiles: Vec<_> = variables["COMPOSE_PROFILES"].split(',').collect();
        for broker in [
            &variables["HIGHWATER_BROKER"],
            &variables["HIGHWATER_QUEUE"],
        ] {
            let profile = services[broker]["profiles"][0].as_str().unwrap();
            assert!(profiles.contains(&profile), "{file}: {broker}");
        }
        let backplane = &variables["HIGHWATER_BACKPLANE"];
        assert!(
            backplane.ends_with(&variables["HIGHWATER_BROKER"]),
            "{file}"
        );
        let node = [
            "serve",
            "node",
            "--listen",
            "127.0.0.1:0",
            "--id",
            "n1",
            "--backplane",
        ];
        let node = node
            .into_iter()
            .chain([backplane.as_str()])
            .map(str::to_owned);
        assert_understood(&node.collect::<Vec<_>>());
    }
    // Without a file the defaults are the same.
    let defaults = variables("../.env");
    assert_eq!(
        dependencies(&services["n1"]),
        [defaults["HIGHWATER_BROKER"].as_str()]
    );
    assert_eq!(
        dependencies(&services["n2"]),
        [defaults["HIGHWATER_QUEUE"].as_str()]
    );
    let backplane = services["n1"]["environment"]["HIGHWATER_BACKPLANE"]
        .as_str()
        .unwrap();
    assert_eq!(with_defaults(backplane), defaults["HIGHWATER_BACKPLANE"]);
}

#[test]
fn least_conn_differs_in_the_policies_alone() {
    let (base, least_conn) = (services(BASE), services(LEAST_CONN));
    let command = words(&least_conn["gateway"]["command"]);
    assert_understood(&command);
    let policy = value_after(&command, "--policy").to_owned();
    let as_base = command.iter().map(|word| match *word == policy {
        true => "round-robin".to_owned(),
        false => word.clone(),
    });
    assert_eq!(
        as_base.collect::<Vec<_>>(),
        words(&base["gateway"]["command"])
    );
    assert_eq!(policy, "least-conn");
    assert_eq!(least_conn["haproxy"]["environment"]["BALANCE"], "leastconn");
    assert_eq!(least_conn.len(), 2);
}

#[test]
fn compose_accepts_the_files() {
    let mut compose = Command::new("docker-compose");
    compose
        .arg("--file")
        .arg(path(BASE))
        .arg("--file")
        .arg(path(LEAST_CONN));
    match compose.args(["config", "--quiet"]).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("skipped: docker-compose is not installed");
        }
        output => {
            let output = output.unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{stderr}");
        }
    }
}
