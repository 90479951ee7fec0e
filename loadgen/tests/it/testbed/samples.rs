//! What is sampled of a cluster.

use highwater_loadgen::{access::Trust, sampling::Sampler};
use highwater_reports::record::{Role, names::gauge};
use highwater_scenarios::plan::Action;

use super::fixture::Bed;

#[tokio::test]
async fn a_cluster_is_sampled_paused_nodes_and_killed_ones_included() {
    let bed = Bed::start(3, &[]).await;
    bed.apply(Action::PauseNode, "n2").await;
    bed.apply(Action::KillNode, "n3").await;
    let samples = Sampler::new(&Trust::Nobody)
        .unwrap()
        .sample(3.0, &bed.bed.sampled())
        .await;
    let sources: Vec<(Role, &str)> = samples
        .iter()
        .map(|sample| (sample.source.role, sample.source.id.as_str()))
        .collect();
    assert_eq!(
        sources,
        [
            (Role::Node, "n1"),
            (Role::Node, "n2"),
            (Role::Node, "n3"),
            (Role::Broker, "broker"),
            (Role::Host, "host"),
        ]
    );
    let has = |sample: usize, name: &str| samples[sample].gauges.contains_key(name);

    assert_eq!(samples[0].gauges[gauge::UP], 1.0);
    assert_eq!(samples[0].gauges[gauge::SOCKETS_OPEN], 0.0);
    assert_eq!(samples[0].gauges[gauge::SOCKETS_ACCEPTED], 0.0);
    for name in [gauge::BACKPLANE_SENT, gauge::BACKPLANE_RECEIVED] {
        assert!(has(0, name), "{name}");
    }
    assert_eq!(samples[1].gauges[gauge::UP], 0.0);
    assert!(!has(1, gauge::SOCKETS_OPEN));
    assert_eq!(samples[2].gauges, [(gauge::UP.to_owned(), 0.0)].into());
    for sample in [0, 1, 3] {
        for name in [gauge::RSS, gauge::CPU, gauge::OPEN_FILES, gauge::STARTED_AT] {
            assert!(has(sample, name), "{name}");
        }
    }
    bed.bed.stop().await;
}
