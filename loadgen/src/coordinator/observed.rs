//! The processes of a target that are sampled, from the plan to the sampler.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::plan::{HttpHeader, ObservedProcess};
use reqwest::header::{AUTHORIZATION, HeaderMap};

use super::error::RunError;
use crate::{
    access::{
        CertVerification, SecretString, VariableError, header_map, variables::resolve_headers,
    },
    sampling::{
        MetricsEndpoint, ProcessScope, SampleEndpoint, SampleTarget, cgroup,
        start_check::{self, MetricsPresence},
    },
};

/// Returns the targets of the sampler, after a check that each can be observed. `look_up`
/// returns the values of variables.
pub(super) async fn observed_targets(
    processes: &[ObservedProcess],
    verification: &CertVerification,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<Vec<SampleTarget>, RunError> {
    let mut targets = Vec::new();
    for process in processes {
        let presence = match process.late_metrics {
            true => MetricsPresence::Late,
            false => MetricsPresence::FromTheStart,
        };
        let of_process = sample_targets(process, &look_up)?;
        targets.extend(of_process.into_iter().map(|target| (target, presence)));
    }
    start_check::check(verification, &targets).await?;
    Ok(targets.into_iter().map(|(target, _)| target).collect())
}

/// Returns a target for each endpoint of a process, or one for the process without any.
fn sample_targets(
    process: &ObservedProcess,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<Vec<SampleTarget>, VariableError> {
    let headers = request_headers(process, look_up)?;
    let endpoint = |url: &String| {
        SampleEndpoint::Prometheus(Arc::new(MetricsEndpoint {
            url: url.clone(),
            headers: headers.clone(),
            sockets_metric: process.sockets_metric.clone(),
            metrics: process.metrics.clone(),
        }))
    };
    let names = process.process_names().into_iter().enumerate();
    let targets = names.map(|(index, name)| SampleTarget {
        source: Source::new(SourceRole::Node, name),
        pid: process.pid,
        endpoint: process.prometheus.get(index).map(&endpoint),
        scope: ProcessScope {
            has_children: process.pid_children,
            cgroup: process.cgroup.as_deref().map(cgroup::folder),
            container: process.container.clone(),
        },
    });
    Ok(targets.collect())
}

fn request_headers(
    process: &ObservedProcess,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<HeaderMap, VariableError> {
    let mut headers = resolve_headers(&process.headers, &look_up)?;
    if let Some(basic) = &process.basic {
        let field = HttpHeader {
            name: AUTHORIZATION.to_string(),
            value: format!("{}:{}", basic.user, basic.password),
        };
        let resolved = resolve_headers(&[field], look_up)?.into_iter();
        headers.extend(resolved.map(|(name, credentials)| (name, basic_value(&credentials))));
    }
    Ok(header_map(&headers))
}

/// Returns the value of `Authorization` for a name and a password (RFC 7617).
fn basic_value(credentials: &SecretString) -> SecretString {
    let encoded = BASE64_STANDARD.encode(credentials.expose_secret());
    format!("Basic {encoded}").into()
}

#[cfg(test)]
mod tests {
    use highwater_scenarios::plan::BasicCredentials;

    use super::*;

    fn process() -> ObservedProcess {
        ObservedProcess {
            name: "app".to_owned(),
            prometheus: Vec::new(),
            headers: Vec::new(),
            basic: None,
            pid: None,
            pid_children: true,
            cgroup: None,
            container: None,
            sockets_metric: None,
            metrics: Vec::new(),
            late_metrics: false,
        }
    }

    fn look_up(name: &str) -> Option<String> {
        (name == "PASSWORD").then(|| "open sesame".to_owned())
    }

    #[test]
    fn each_endpoint_is_a_process_of_its_own() {
        let several = ObservedProcess {
            prometheus: vec!["http://a/m".to_owned(), "http://b/m".to_owned()],
            ..process()
        };
        let targets = sample_targets(&several, look_up).unwrap();
        let shown = targets.iter().map(|target| match &target.endpoint {
            Some(SampleEndpoint::Prometheus(endpoint)) => {
                format!("{} {}", target.source.id, endpoint.url)
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(
            shown.collect::<Vec<_>>(),
            ["app-1 http://a/m", "app-2 http://b/m"]
        );
        let grouped = ObservedProcess {
            cgroup: Some("system.slice/app.service".to_owned()),
            ..process()
        };
        let targets = sample_targets(&grouped, look_up).unwrap();
        assert_eq!(targets.len(), 1);
        let folder = targets[0].scope.cgroup.as_deref().unwrap();
        assert!(folder.starts_with("/sys/fs/cgroup"));
    }

    #[test]
    fn credentials_are_sent_and_not_shown() {
        let process = ObservedProcess {
            basic: Some(BasicCredentials {
                user: "Aladdin".to_owned(),
                password: "${PASSWORD}".to_owned(),
            }),
            ..process()
        };
        let headers = request_headers(&process, look_up).unwrap();
        // The example of RFC 7617.
        assert_eq!(headers[AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{headers:?}").contains("QWxh"));
        let unset = request_headers(&process, |_| None).unwrap_err();
        assert!(unset.to_string().contains("PASSWORD is not set"));
    }
}
