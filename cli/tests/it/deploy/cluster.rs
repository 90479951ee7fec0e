//! The manifests of the reference cluster on Kubernetes, and what the Prometheus operator
//! watches there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{assert_kubernetes_knows, assert_understood, documents, texts, value_after};

const FOLDER: &str = "kubernetes/cluster";

/// Returns all resources of a kustomization or a component.
fn resources(folder: &str) -> Vec<Value> {
    let kustomization = &documents(&format!("{folder}/kustomization.yaml"))[0];
    let names = texts(&kustomization["resources"]).into_iter();
    names
        .flat_map(|name| documents(&format!("{folder}/{name}")))
        .collect()
}

fn of_kind<'r>(resources: &'r [Value], kind: &str) -> Vec<&'r Value> {
    let found = resources
        .iter()
        .filter(|resource| resource["kind"] == kind)
        .collect::<Vec<_>>();
    assert!(!found.is_empty(), "{kind}");
    found
}

/// Returns the resources that start pods.
fn workloads(resources: &[Value]) -> Vec<&Value> {
    [
        of_kind(resources, "StatefulSet"),
        of_kind(resources, "Deployment"),
    ]
    .concat()
}

fn pod(workload: &Value) -> &Value {
    &workload["spec"]["template"]
}

fn container(workload: &Value) -> &Value {
    &pod(workload)["spec"]["containers"][0]
}

/// Returns the names of a container's or a Service's ports.
fn ports(owner: &Value) -> Vec<&str> {
    let ports = owner["ports"].as_array().unwrap().iter();
    ports.map(|port| port["name"].as_str().unwrap()).collect()
}

/// Whether every label of a selector is one of these labels.
fn selects(selector: &Value, labels: &Value) -> bool {
    let mut wanted = selector.as_object().unwrap().iter();
    wanted.all(|(name, value)| labels[name] == *value)
}

#[test]
fn manifests_have_only_keys_that_kubernetes_knows() {
    assert_kubernetes_knows(FOLDER);
}

#[test]
fn nodes_and_gateways_start_as_the_manifests_say() {
    let resources = resources(FOLDER);
    let mut started = Vec::new();
    for workload in workloads(&resources) {
        let container = container(workload);
        if container["image"] != "highwater" {
            continue;
        }
        assert_eq!(texts(&container["command"]), ["highwater"]);
        let arguments: Vec<_> = texts(&container["args"])
            .iter()
            .map(|argument| argument.replace("$(POD_NAME)", "node-0"))
            .collect();
        let help = assert_understood(&arguments);
        let variables = container["env"].as_array().unwrap().iter();
        for name in variables.map(|variable| variable["name"].as_str().unwrap()) {
            let is_own = name.starts_with("HIGHWATER_");
            assert!(
                !is_own || help.contains(&format!("[env: {name}]")),
                "{name}"
            );
        }
        for (flag, port) in [("--listen", "public"), ("--admin-listen", "admin")] {
            let listed = container["ports"].as_array().unwrap().iter();
            let port = listed
                .clone()
                .find(|listed| listed["name"] == port)
                .unwrap();
            let address = value_after(&arguments, flag);
            assert!(
                address.ends_with(&format!(":{}", port["containerPort"])),
                "{address}"
            );
        }
        started.push(arguments[1].clone());
    }
    assert_eq!(started, ["node", "gateway"]);
}

#[test]
fn pods_end_after_their_drain_and_take_traffic_only_when_ready() {
    for workload in workloads(&resources(FOLDER)) {
        let (pod, container) = (&pod(workload)["spec"], container(workload));
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        if container["image"] != "highwater" {
            continue;
        }
        for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
            assert_eq!(container[probe]["httpGet"]["path"], path);
            assert_eq!(container[probe]["httpGet"]["port"], "admin");
        }
        let arguments = texts(&container["args"]);
        let delay = value_after(&arguments, "--drain-delay").trim_end_matches('s');
        let delay: u64 = delay.parse().unwrap();
        let hook = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            .as_u64()
            .unwrap();
        let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
        // 18,000 sockets at 500 a second, and 5 s for what is under way.
        let drain = match arguments[1].as_str() {
            "node" => 18_000 / 500 + 5,
            _ => 9_744 / 500 + 5,
        };
        assert!(grace > hook + delay + drain, "{grace}");
    }
}

#[test]
fn selectors_find_pods_and_services_have_their_ports() {
    let resources = resources(FOLDER);
    let workloads = workloads(&resources);
    let pods_of = |selector: &Value| -> Vec<&Value> {
        let pods = workloads.iter().copied();
        pods.filter(|workload| selects(selector, &pod(workload)["metadata"]["labels"]))
            .collect()
    };
    for workload in &workloads {
        let selector = &workload["spec"]["selector"]["matchLabels"];
        assert_eq!(pods_of(selector), [*workload]);
    }
    for service in of_kind(&resources, "Service") {
        let spec = &service["spec"];
        let [workload] = pods_of(&spec["selector"])[..] else {
            panic!("{service}");
        };
        for port in ports(spec) {
            assert!(ports(container(workload)).contains(&port), "{port}");
        }
    }
    for kind in ["PodDisruptionBudget", "NetworkPolicy"] {
        for resource in of_kind(&resources, kind) {
            let spec = &resource["spec"];
            let selector = [&spec["selector"], &spec["podSelector"]];
            let selector = selector.into_iter().find(|selector| !selector.is_null());
            // An empty selector is that of all pods.
            if let Some(labels) = selector.unwrap().get("matchLabels") {
                assert_eq!(pods_of(labels).len(), 1, "{resource}");
            }
        }
    }
    let services = of_kind(&resources, "Service");
    let set = of_kind(&resources, "StatefulSet")[0];
    let named = |service: &&&Value| service["metadata"]["name"] == set["spec"]["serviceName"];
    let headless = services.iter().find(named).unwrap();
    assert_eq!(headless["spec"]["clusterIP"], "None");
}

/// The keys of a ServiceMonitor that these manifests use, by the reference of the operator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ServiceMonitorSpec {
    selector: LabelSelector,
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LabelSelector {
    match_labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    port: String,
    path: String,
    interval: String,
}

#[test]
fn operator_scrapes_the_admin_ports_and_has_the_rules() {
    let monitoring = resources("kubernetes/monitoring");
    let cluster = resources(FOLDER);
    let services = of_kind(&cluster, "Service");
    let monitors = of_kind(&monitoring, "ServiceMonitor");
    for monitor in &monitors {
        let spec: ServiceMonitorSpec = serde_json::from_value(monitor["spec"].clone()).unwrap();
        for endpoint in &spec.endpoints {
            assert_eq!((&*endpoint.path, &*endpoint.interval), ("/metrics", "15s"));
            let selector = serde_json::to_value(&spec.selector.match_labels).unwrap();
            let scraped = services.iter().filter(|service| {
                selects(&selector, &service["metadata"]["labels"])
                    && ports(&service["spec"]).contains(&&*endpoint.port)
            });
            assert_eq!(scraped.count(), 1, "{monitor}");
        }
    }
    assert_eq!(monitors.len(), 2);
    let rules = of_kind(&monitoring, "PrometheusRule")[0];
    assert_eq!(
        rules["spec"]["groups"],
        documents("observe/rules.yml")[0]["groups"]
    );
}
