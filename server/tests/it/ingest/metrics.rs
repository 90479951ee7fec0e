//! The metrics of a consumer.

use bytes::Bytes;
use highwater_server::{BrokerConfig, ConsumerConfig, consumer, listen};
use tokio_util::sync::CancellationToken;

use crate::{
    promtool,
    rig::{TestBroker, any_port, http_request, until},
};

const NAMES: &[&str] = &[
    "highwater_telemetry_handled_total",
    "highwater_telemetry_redelivered_total",
    "highwater_telemetry_dropped_total",
    "highwater_telemetry_unacked",
    "highwater_queue_connected",
    "highwater_heap_allocated_bytes",
    "highwater_log_lines_dropped_total",
    "highwater_accept_errors_total",
    "highwater_connections_rejected_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_cpu_seconds_total",
    "process_start_time_seconds",
];

#[tokio::test]
async fn every_metric_has_help_and_type() {
    let broker = TestBroker::start_at(any_port(), BrokerConfig::default());
    let config = ConsumerConfig {
        heap_probe: Some(|| Some(4711)),
        dropped_log_lines: Some(|| 12),
        ..ConsumerConfig::new(
            broker.url().parse().unwrap(),
            "g".parse().unwrap(),
            "c1".parse().unwrap(),
        )
    };
    let listener = listen(any_port()).unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(consumer::run(Some(listener), config, shutdown.clone()));
    let metrics = async || {
        let response = http_request(address, "GET", "/metrics", &[], Bytes::new());
        response.await.text()
    };
    until("the consumer has joined", async || {
        metrics().await.contains("highwater_queue_connected 1\n")
    })
    .await;
    let text = metrics().await;
    promtool::check(&text, NAMES);
    assert!(text.contains("highwater_heap_allocated_bytes 4711\n"));
    broker.stop().await;
    until("the consumer has lost the broker", async || {
        metrics().await.contains("highwater_queue_connected 0\n")
    })
    .await;
    shutdown.cancel();
    task.await.unwrap().unwrap();
}
