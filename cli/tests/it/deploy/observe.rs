//! Alerts and the dashboard: each metric and each label in them is one that a node, a gateway or
//! the embedded broker serves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    process::Command,
};

use serde_json::Value;

use super::{documents, path};
use crate::{
    harness::{ask, eventually},
    server::ServerProcess,
};

/// The labels that Prometheus adds to every series.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// An expression, and the text that names its series.
struct Query {
    expression: String,
    /// Texts with `{{ label }}` in them.
    texts: Vec<String>,
}

/// Returns the labels of each metric that the reference cluster serves.
fn served_metrics() -> BTreeMap<String, BTreeSet<String>> {
    let admin = ["--admin-listen", "127.0.0.1:0"];
    let broker = ["serve", "broker", "--listen", "127.0.0.1:0"];
    let mut broker = ServerProcess::start(&[&broker[..], &admin].concat());
    let backplane = format!("local://{}", broker.address);
    let joined = ["--backplane", &backplane];
    let node = ServerProcess::node_with("n1", &joined);
    let gateway = ["serve", "gateway", "--listen", "127.0.0.1:0", "--id", "g1"];
    let gateway = ServerProcess::start(&[&gateway[..], &joined].concat());
    let broker = broker.next_address("admin on ");
    let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for address in [&node.address, &gateway.address, &broker] {
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        // A gateway has the metrics of a node once it has found the node.
        let is_whole = |text: &String| {
            *address != gateway.address || text.contains("highwater_gateway_node_up{")
        };
        let text = eventually("the metrics", || {
            Some(ask(address, &request)).filter(is_whole)
        });
        let (_, text) = text.split_once("\r\n\r\n").unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let own = labels.entry(name.to_owned()).or_default();
            let inside = line
                .split_once('{')
                .and_then(|(_, rest)| rest.split_once('}'));
            let pairs = inside.map_or("", |(inside, _)| inside).split(',');
            own.extend(pairs.filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())));
        }
    }
    labels
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Returns the queries of the alerts.
fn alerts() -> Vec<Query> {
    let groups = &documents("observe/rules.yml")[0]["groups"];
    let rules = groups.as_array().unwrap().iter();
    let rules = rules.flat_map(|group| group["rules"].as_array().unwrap());
    let query = |rule: &Value| Query {
        expression: text(&rule["expr"]).unwrap(),
        texts: rule["annotations"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(text)
            .collect(),
    };
    rules.map(query).collect()
}

/// Returns the queries of the dashboard's panels.
fn panels() -> Vec<Query> {
    let dashboard = fs::read(path("observe/grafana/dashboards/highwater.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let query = |target: &Value| Query {
        expression: text(&target["expr"]).unwrap(),
        texts: text(&target["legendFormat"]).into_iter().collect(),
    };
    targets.map(query).collect()
}

/// Returns the names of metrics in an expression.
fn metrics(expression: &str) -> Vec<&str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("highwater_") || word.starts_with("process_"))
        .collect()
}

/// Returns the labels that an expression keeps: those of `by (…)`; `None` without it.
fn kept_labels(expression: &str) -> Option<Vec<&str>> {
    let (_, rest) = expression.split_once("by (")?;
    let (labels, _) = rest.split_once(')')?;
    Some(labels.split(", ").collect())
}

/// Returns the labels that a text names as `{{ label }}` or `{{ $labels.label }}`.
fn named_labels(text: &str) -> Vec<&str> {
    let behind = text.split("{{").skip(1);
    let names = behind.filter_map(|rest| Some(rest.split_once("}}")?.0.trim()));
    names
        .map(|name| name.trim_start_matches("$labels."))
        .collect()
}

fn assert_served(query: &Query, served: &BTreeMap<String, BTreeSet<String>>) {
    let expression = &query.expression;
    let metrics = metrics(expression);
    assert!(!metrics.is_empty(), "{expression}");
    let mut known: BTreeSet<&str> = OF_PROMETHEUS.into();
    for metric in metrics {
        let labels = served.get(metric);
        let labels = labels.unwrap_or_else(|| panic!("{metric} is not served: {expression}"));
        known.extend(labels.iter().map(String::as_str));
    }
    let kept = kept_labels(expression);
    for label in kept.iter().flatten() {
        assert!(known.contains(label), "{label}: {expression}");
    }
    // An aggregation without `by` keeps none.
    let left = match kept {
        Some(kept) => kept.into_iter().collect(),
        None if expression.starts_with("sum(") => BTreeSet::new(),
        None => known,
    };
    for label in query.texts.iter().flat_map(|text| named_labels(text)) {
        assert!(left.contains(label), "{label} in the text of {expression}");
    }
}

#[test]
fn alerts_and_panels_name_metrics_and_labels_that_are_served() {
    let served = served_metrics();
    let (alerts, panels) = (alerts(), panels());
    assert!(alerts.len() >= 8 && panels.len() >= 30, "{}", panels.len());
    for query in alerts.iter().chain(&panels) {
        assert_served(query, &served);
    }
}

#[test]
fn rules_and_configuration_are_valid_to_prometheus() {
    for (kind, file) in [("rules", "rules.yml"), ("config", "prometheus.yml")] {
        let mut promtool = Command::new("promtool");
        promtool
            .args(["check", kind])
            .arg(path("observe").join(file));
        match promtool.output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return println!("skipped: promtool is not installed");
            }
            output => {
                let output = output.unwrap();
                let text = [output.stdout, output.stderr].concat();
                assert!(
                    output.status.success(),
                    "{}",
                    String::from_utf8_lossy(&text)
                );
            }
        }
    }
}

#[test]
fn containers_get_the_files_that_their_configuration_names() {
    let dashboards = &documents("observe/grafana/provisioning/dashboards/highwater.yml")[0];
    let folder = text(&dashboards["providers"][0]["options"]["path"]).unwrap();
    let compose = &documents("../docker-compose.yml")[0];
    let mounts = |service: &str| compose["services"][service]["volumes"].to_string();
    assert!(mounts("grafana").contains(&format!(":{folder}:ro")));
    assert!(mounts("prometheus").contains("rules.yml:/etc/prometheus/rules.yml"));
    let sources = &documents("observe/grafana/provisioning/datasources/prometheus.yml")[0];
    let source = &sources["datasources"][0];
    let dashboard = fs::read_to_string(path("observe/grafana/dashboards/highwater.json")).unwrap();
    let uid = source["uid"].as_str().unwrap();
    assert!(dashboard.contains(&format!("\"uid\": \"{uid}\"")));
    // The address is a service of the compose file.
    assert_eq!(source["url"], "http://prometheus:9090");
}
