//! Processes of a target that are sampled beside the load.

use serde::{Deserialize, Deserializer, Serialize};

use super::HttpHeader;
use crate::selector::MetricSelector;

/// A process to sample beside the load: by its metrics endpoint, its process id, its control
/// group or its container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservedProcess {
    /// The process's name in the report.
    pub name: String,
    /// Addresses of metrics endpoints. Each of several is a process of its own.
    // The first records have one text or `null` here.
    #[serde(default, deserialize_with = "one_or_many")]
    pub prometheus: Vec<String>,
    /// Header fields of the requests to the endpoints.
    // Keys with a default are younger than the first records, which are still read.
    #[serde(default)]
    pub headers: Vec<HttpHeader>,
    /// Name and password of the requests to the endpoints.
    #[serde(default)]
    pub basic: Option<BasicCredentials>,
    /// Process id on this machine.
    pub pid: Option<u32>,
    /// Whether memory, CPU time and open files of the process include those of its children.
    #[serde(default)]
    pub pid_children: bool,
    /// Path of a control group, absolute or below `/sys/fs/cgroup`.
    #[serde(default)]
    pub cgroup: Option<String>,
    /// Name or id of a container of this machine.
    #[serde(default)]
    pub container: Option<String>,
    /// Name of the endpoint's gauge of open sockets, where it is not one that the harness
    /// knows.
    pub sockets_metric: Option<String>,
    /// Further metrics of the endpoint.
    #[serde(default)]
    pub metrics: Vec<OwnMetric>,
    /// Whether a metric may be absent from the endpoint when the run starts.
    #[serde(default)]
    pub late_metrics: bool,
}

/// A metric of a target that the scenario names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnMetric {
    /// Name in the report and in gates.
    pub name: String,
    /// The time series whose sum is the metric.
    pub selector: MetricSelector,
}

/// Name and password of HTTP's Basic scheme as written: `${NAME}` stands for a variable of the
/// environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicCredentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl ObservedProcess {
    /// Returns the names of the processes in the report: the name itself, or a numbered one for
    /// each of several endpoints, `app-1`, `app-2`.
    pub fn process_names(&self) -> Vec<String> {
        match self.prometheus.len() {
            0 | 1 => vec![self.name.clone()],
            count => numbered_names(&self.name, count).collect(),
        }
    }
}

/// Returns the names of `count` processes that share one name in the scenario.
pub(crate) fn numbered_names(name: &str, count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |number| format!("{name}-{number}"))
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Written::One(address)) => vec![address],
        Some(Written::Many(addresses)) => addresses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_of_an_earlier_record_is_read() {
        let read = |prometheus: &str| -> ObservedProcess {
            let text = format!(
                r#"{{"name":"app","prometheus":{prometheus},"pid":7,"sockets_metric":null}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(read("null").prometheus, [""; 0]);
        assert_eq!(read(r#""http://a/m""#).prometheus, ["http://a/m"]);
        assert!(!read("null").pid_children);
        let several = read(r#"["http://a/m", "http://b/m"]"#);
        assert_eq!(several.process_names(), ["app-1", "app-2"]);
        assert_eq!(read("null").process_names(), ["app"]);
    }
}
