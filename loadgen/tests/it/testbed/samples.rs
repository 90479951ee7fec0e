//! Samples of a cluster.

use highwater_loadgen::{access::CertVerification, sampling::Sampler};
use highwater_reports::record::{SourceRole, names::gauge};
use highwater_scenarios::plan::Action;

use super::fixture::TestbedFixture;

#[tokio::test]
async fn sample_includes_paused_and_killed_nodes() {
    let fixture = TestbedFixture::start(3, &[]).await;
    fixture.apply(Action::PauseNode, "n2").await;
    fixture.apply(Action::KillNode, "n3").await;
    let samples = Sampler::new(&CertVerification::NoTls)
        .unwrap()
        .sample(3.0, &fixture.testbed.sample_targets())
        .await;
    let sources: Vec<(SourceRole, &str)> = samples
        .iter()
        .map(|sample| (sample.source.role, sample.source.id.as_str()))
        .collect();
    assert_eq!(
        sources,
        [
            (SourceRole::Node, "n1"),
            (SourceRole::Node, "n2"),
            (SourceRole::Node, "n3"),
            (SourceRole::Broker, "broker"),
            (SourceRole::Host, "host"),
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
    fixture.testbed.stop().await;
}
