//! The check that observed processes run and answer, by samples of the run's own kind.

use std::{collections::BTreeMap, process, time::Duration};

use highwater_reports::record::names::gauge;
use tokio::time::{Instant, sleep};

use super::ObserveError;
use crate::{
    access::CertVerification,
    sampling::{SampleTarget, Sampler, process::ProcessTable},
};

/// Longest time that the endpoints may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two samples.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(500);

/// Checks that a process runs for each id.
pub(super) fn check_process_ids<'t>(
    mut targets: impl Iterator<Item = &'t SampleTarget> + Clone,
) -> Result<(), ObserveError> {
    let mut table = ProcessTable::default();
    let pids = targets.clone().filter_map(|target| target.pid);
    table.refresh(pids.chain([process::id()]));
    // A machine that shows not even this process shows no other.
    if table.gauges(process::id()).is_none() {
        return Ok(());
    }
    let missing = targets.find_map(|target| {
        let pid = target.pid?;
        table.gauges(pid).is_none().then_some((target, pid))
    });
    match missing {
        None => Ok(()),
        Some((target, pid)) => Err(ObserveError::NoAnswer {
            process: target.source.id.clone(),
            reason: format!("no process of this machine has the id {pid}"),
        }),
    }
}

/// Waits until every target answers.
///
/// A metric of sockets is not checked: a library may create it with its first socket.
pub(super) async fn wait_for_answers(
    targets: &[SampleTarget],
    verification: &CertVerification,
) -> Result<(), ObserveError> {
    if targets.is_empty() {
        return Ok(());
    }
    let mut sampler = Sampler::new(verification)?;
    let mut reasons = BTreeMap::new();
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    loop {
        let samples = sampler.sample(0.0, targets).await;
        reasons.extend(sampler.take_failures());
        let mut down = samples
            .into_iter()
            .filter(|sample| sample.gauge(gauge::UP) == Some(0.0));
        let Some(first) = down.next() else {
            return Ok(());
        };
        if Instant::now() >= deadline {
            let reason = reasons.remove(&first.source);
            return Err(ObserveError::NoAnswer {
                process: first.source.id,
                reason: reason.unwrap_or_else(|| "it does not answer".to_owned()),
            });
        }
        sleep(SAMPLE_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use highwater_reports::record::{Source, SourceRole};
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::sampling::{
        MetricsEndpoint, ProcessScope, SampleEndpoint,
        start_check::{self, MetricsPresence},
    };

    fn observed(pid: Option<u32>, url: Option<&str>) -> SampleTarget {
        SampleTarget {
            source: Source::new(SourceRole::Node, "app"),
            pid,
            endpoint: url.map(|url| {
                SampleEndpoint::Prometheus(Arc::new(MetricsEndpoint {
                    url: url.to_owned(),
                    headers: HeaderMap::new(),
                    sockets_metric: None,
                    metrics: Vec::new(),
                }))
            }),
            scope: ProcessScope::default(),
        }
    }

    async fn check(observed: SampleTarget) -> Result<(), String> {
        let targets = [(observed, MetricsPresence::FromTheStart)];
        let checked = start_check::check(&CertVerification::NoTls, &targets).await;
        checked.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn process_id_of_no_process_is_refused() {
        assert_eq!(check(observed(Some(process::id()), None)).await, Ok(()));
        // Above the largest process id that Linux gives (proc(5), pid_max).
        let error = check(observed(Some(1 << 23), None)).await.unwrap_err();
        assert_eq!(
            error,
            "cannot observe app: no process of this machine has the id 8388608"
        );
    }

    #[tokio::test]
    async fn endpoint_that_does_not_answer_is_refused_without_its_query() {
        // Bound and dropped: no process listens there any more.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://{address}/metrics?token=s3cr3t");
        let error = check(observed(None, Some(&url))).await.unwrap_err();
        assert!(
            error.starts_with("cannot observe app: cannot read http://"),
            "{error}"
        );
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}
