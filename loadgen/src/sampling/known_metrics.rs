//! Metrics of known servers and runtimes, one line each.

use highwater_reports::record::names::gauge;

use super::{
    prometheus::{MappedGauges, MetricLabel, MetricMapping, labelled, map_gauges, mapping, scaled},
    target::MetricsEndpoint,
};

const BACKPLANE: &str = "highwater_backplane_messages_total";
const BILLED: &str = "highwater_backplane_billed_total";
const COMMANDS: &str = "highwater_commands_total";
const TELEMETRY: &str = "highwater_telemetry_total";

const SENT: MetricLabel = ("direction", "sent");
const RECEIVED: MetricLabel = ("direction", "received");
const UNICAST: MetricLabel = ("kind", "unicast");
const TOPIC: MetricLabel = ("kind", "topic");

/// Returns the label of a billed operation. No two services have one of the same name.
const fn operation(name: &'static str) -> MetricLabel {
    ("operation", name)
}

/// The metrics that hold each gauge, best first. A further runtime is a further line.
///
/// Connections of other servers are no gauge here: they count requests too, and a proxy beside
/// its application would count each socket twice. A scenario names the metric of sockets.
const METRIC_MAPPINGS: &[MetricMapping] = &[
    // The standard names of client libraries.
    mapping(gauge::RSS, "process_resident_memory_bytes"),
    mapping(gauge::OPEN_FILES, "process_open_fds"),
    mapping(gauge::CPU, "process_cpu_seconds_total"),
    mapping(gauge::STARTED_AT, "process_start_time_seconds"),
    // Micrometer (Spring Boot). Its process_cpu_usage is a share of the CPU, not seconds,
    // so it is not mapped.
    mapping(gauge::OPEN_FILES, "process_files_open_files"),
    scaled(gauge::CPU, "process_cpu_time_ns_total", 1e9),
    // The reference node.
    mapping(gauge::HEAP, "highwater_heap_allocated_bytes"),
    mapping(gauge::SOCKETS_OPEN, "highwater_sockets"),
    mapping(gauge::SOCKETS_ACCEPTED, "highwater_sockets_accepted_total"),
    // All kinds together: control messages go through the backplane as well.
    labelled(gauge::BACKPLANE_SENT, BACKPLANE, &[SENT]),
    labelled(gauge::BACKPLANE_RECEIVED, BACKPLANE, &[RECEIVED]),
    mapping(gauge::BACKPLANE_MEMBERS, "highwater_backplane_members"),
    labelled(gauge::UNICASTS_SENT, BACKPLANE, &[SENT, UNICAST]),
    labelled(gauge::UNICASTS_RECEIVED, BACKPLANE, &[RECEIVED, UNICAST]),
    labelled(gauge::TOPICS_SENT, BACKPLANE, &[SENT, TOPIC]),
    labelled(gauge::TOPICS_RECEIVED, BACKPLANE, &[RECEIVED, TOPIC]),
    mapping(gauge::BILLED, BILLED),
    labelled(
        gauge::BILLED_SNS_PUBLISH,
        BILLED,
        &[operation("PublishBatch")],
    ),
    labelled(gauge::BILLED_SNS_DELIVERY, BILLED, &[operation("Delivery")]),
    labelled(
        gauge::BILLED_SQS_SEND,
        BILLED,
        &[operation("SendMessageBatch")],
    ),
    labelled(
        gauge::BILLED_SQS_RECEIVE,
        BILLED,
        &[operation("ReceiveMessage")],
    ),
    labelled(
        gauge::BILLED_SQS_DELETE,
        BILLED,
        &[operation("DeleteMessageBatch")],
    ),
    labelled(gauge::BILLED_DYNAMODB_READ, BILLED, &[operation("GetItem")]),
    labelled(
        gauge::BILLED_DYNAMODB_WRITE,
        BILLED,
        &[operation("PutItem")],
    ),
    // All outcomes together are the commands that the node received.
    mapping(gauge::COMMANDS_TAKEN, COMMANDS),
    labelled(
        gauge::COMMANDS_ANSWERED,
        COMMANDS,
        &[("outcome", "replied")],
    ),
    mapping(gauge::PINGS_RECEIVED, "highwater_heartbeats_total"),
    mapping(gauge::PONGS_SENT, "highwater_pongs_total"),
    mapping(gauge::MESSAGES_TAKEN, "highwater_messages_published_total"),
    mapping(
        gauge::MESSAGES_HANDED_OUT,
        "highwater_messages_delivered_total",
    ),
    mapping(gauge::TELEMETRY_ANSWERED, TELEMETRY),
    labelled(
        gauge::TELEMETRY_ACCEPTED,
        TELEMETRY,
        &[("outcome", "accepted")],
    ),
    // The consumer of the reference cluster.
    mapping(
        gauge::TELEMETRY_HANDLED,
        "highwater_telemetry_handled_total",
    ),
    // The embedded broker. Each connection counts under one kind.
    mapping(gauge::BROKER_CLIENTS, "highwater_broker_connections"),
    mapping(gauge::BROKER_CHANNELS, "highwater_broker_topics"),
    mapping(
        gauge::BROKER_SLOW_CONSUMERS,
        "highwater_broker_slow_peers_closed_total",
    ),
    // JVM: Micrometer and client_java 1.x, OpenTelemetry, then client_java 0.x.
    labelled(gauge::HEAP, "jvm_memory_used_bytes", &[("area", "heap")]),
    labelled(
        gauge::HEAP,
        "jvm_memory_used_bytes",
        &[("jvm_memory_type", "heap")],
    ),
    labelled(gauge::HEAP, "jvm_memory_bytes_used", &[("area", "heap")]),
    mapping(gauge::CPU, "jvm_cpu_time_seconds_total"),
    // Go, Node.js.
    mapping(gauge::HEAP, "go_memstats_heap_alloc_bytes"),
    mapping(gauge::HEAP, "nodejs_heap_size_used_bytes"),
    // .NET: prometheus-net, then the runtime's own meter of .NET 9.
    mapping(gauge::HEAP, "dotnet_total_memory_bytes"),
    mapping(gauge::RSS, "process_working_set_bytes"),
    mapping(gauge::OPEN_FILES, "process_open_handles"),
    mapping(gauge::HEAP, "dotnet_gc_last_collection_heap_size_bytes"),
    mapping(gauge::RSS, "dotnet_process_memory_working_set_bytes"),
    mapping(gauge::CPU, "dotnet_process_cpu_time_seconds_total"),
    // BEAM: prometheus.erl 6, then its earlier names.
    mapping(gauge::HEAP, "erlang_vm_memory_bytes"),
    mapping(gauge::CPU, "erlang_vm_statistics_runtime_seconds_total"),
    mapping(gauge::HEAP, "erlang_vm_memory_bytes_total"),
    scaled(gauge::CPU, "erlang_vm_statistics_runtime_milliseconds", 1e3),
    // RabbitMQ, which has those of the BEAM too.
    mapping(gauge::RSS, "rabbitmq_process_resident_memory_bytes"),
    mapping(gauge::OPEN_FILES, "rabbitmq_process_open_fds"),
    // HAProxy and Envoy. Neither reports its CPU time.
    mapping(gauge::HEAP, "haproxy_process_pool_used_bytes"),
    mapping(gauge::STARTED_AT, "haproxy_process_start_time_seconds"),
    mapping(gauge::HEAP, "envoy_server_memory_allocated"),
    mapping(gauge::RSS, "envoy_server_memory_physical_size"),
];

/// Returns the gauges in Prometheus `text`, whatever server wrote it, and the metrics that the
/// scenario names for the endpoint.
pub(crate) fn gauges<'e>(text: &str, endpoint: &'e MetricsEndpoint) -> MappedGauges<'e> {
    map_gauges(METRIC_MAPPINGS, text, endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, sockets_metric: Option<&str>, expected: &[(&str, f64)]) {
        let expected: crate::sampling::Gauges = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        let endpoint = MetricsEndpoint {
            sockets_metric: sockets_metric.map(str::to_owned),
            ..MetricsEndpoint::default()
        };
        assert_eq!(gauges(text, &endpoint).gauges, expected, "{text}");
    }

    #[test]
    fn reference_node_is_mapped() {
        check(
            "# HELP highwater_sockets Open device sockets.\n\
             # TYPE highwater_sockets gauge\n\
             highwater_sockets 5000\n\
             # TYPE highwater_sockets_accepted_total counter\n\
             highwater_sockets_accepted_total 5017\n\
             highwater_sockets_closed_total{reason=\"replaced\"} 17\n\
             highwater_heap_allocated_bytes 12345678\n\
             highwater_heartbeats_total 7\n\
             highwater_pongs_total 6\n\
             highwater_commands_total{outcome=\"replied\"} 5\n\
             highwater_commands_total{outcome=\"timed_out\"} 1\n\
             highwater_messages_published_total{from=\"rest\"} 8\n\
             highwater_messages_published_total{from=\"device\"} 2\n\
             highwater_messages_delivered_total 90\n\
             highwater_backplane_members 3\n\
             highwater_backplane_billed_total{service=\"SNS\",operation=\"PublishBatch\"} 21\n\
             highwater_backplane_billed_total{service=\"SQS\",operation=\"ReceiveMessage\"} 22\n\
             highwater_telemetry_total{outcome=\"accepted\"} 70\n\
             highwater_telemetry_total{outcome=\"full\"} 4\n\
             highwater_backplane_messages_total{direction=\"sent\",kind=\"unicast\"} 30\n\
             highwater_backplane_messages_total{direction=\"sent\",kind=\"topic\"} 11\n\
             highwater_backplane_messages_total{direction=\"received\",kind=\"unicast\"} 31\n\
             highwater_backplane_messages_total{direction=\"received\",kind=\"topic\"} 12\n\
             process_resident_memory_bytes 2.0e7\n\
             process_open_fds 5012\n\
             process_cpu_seconds_total 3.25\n\
             process_start_time_seconds 1764000000.5\n",
            None,
            &[
                (gauge::SOCKETS_OPEN, 5000.0),
                (gauge::SOCKETS_ACCEPTED, 5017.0),
                (gauge::HEAP, 12_345_678.0),
                (gauge::PINGS_RECEIVED, 7.0),
                (gauge::PONGS_SENT, 6.0),
                (gauge::COMMANDS_TAKEN, 6.0),
                (gauge::COMMANDS_ANSWERED, 5.0),
                (gauge::MESSAGES_TAKEN, 10.0),
                (gauge::MESSAGES_HANDED_OUT, 90.0),
                (gauge::BACKPLANE_MEMBERS, 3.0),
                (gauge::BILLED, 43.0),
                (gauge::BILLED_SNS_PUBLISH, 21.0),
                (gauge::BILLED_SQS_RECEIVE, 22.0),
                (gauge::TELEMETRY_ANSWERED, 74.0),
                (gauge::TELEMETRY_ACCEPTED, 70.0),
                (gauge::UNICASTS_SENT, 30.0),
                (gauge::UNICASTS_RECEIVED, 31.0),
                (gauge::TOPICS_SENT, 11.0),
                (gauge::TOPICS_RECEIVED, 12.0),
                (gauge::BACKPLANE_SENT, 41.0),
                (gauge::BACKPLANE_RECEIVED, 43.0),
                (gauge::RSS, 2.0e7),
                (gauge::OPEN_FILES, 5012.0),
                (gauge::CPU, 3.25),
                (gauge::STARTED_AT, 1_764_000_000.5),
            ],
        );
    }

    #[test]
    fn value_that_cannot_be_is_named_and_not_recorded() {
        let endpoint = MetricsEndpoint::default();
        for (text, expected) in [
            (
                "process_open_fds -1\nprocess_cpu_seconds_total 2\n",
                Some("process_open_fds is -1e0: expected a number from 0 to 1e18"),
            ),
            (
                "process_resident_memory_bytes 1.7e308\nprocess_cpu_seconds_total 2\n",
                Some("process_resident_memory_bytes is 1.7e308: expected a number from 0 to 1e18"),
            ),
            ("process_open_fds 0\nprocess_cpu_seconds_total 2\n", None),
        ] {
            let mapped = gauges(text, &endpoint);
            let impossible = mapped.impossible.map(|value| value.to_string());
            assert_eq!(impossible.as_deref(), expected);
            assert_eq!(mapped.gauges.get(gauge::CPU), Some(&2.0));
            let recorded = if expected.is_some() { 1 } else { 2 };
            assert_eq!(mapped.gauges.len(), recorded, "{text}");
        }
    }

    #[test]
    fn spring_boot_is_mapped() {
        check(
            "# TYPE jvm_memory_used_bytes gauge\n\
             jvm_memory_used_bytes{area=\"heap\",id=\"G1 Survivor Space\",} 1048576.0\n\
             jvm_memory_used_bytes{area=\"heap\",id=\"G1 Old Gen\",} 1.2E7\n\
             jvm_memory_used_bytes{area=\"nonheap\",id=\"Metaspace\",} 9.9E7\n\
             process_files_open_files 212.0\n\
             process_cpu_usage 0.37\n\
             process_cpu_time_ns_total 1.5E9\n\
             process_start_time_seconds 1.764000000123E9\n\
             websocket_sessions{application=\"home\",} 740.0\n",
            Some("websocket_sessions"),
            &[
                (gauge::HEAP, 13_048_576.0),
                (gauge::CPU, 1.5),
                (gauge::OPEN_FILES, 212.0),
                (gauge::STARTED_AT, 1_764_000_000.123),
                (gauge::SOCKETS_OPEN, 740.0),
            ],
        );
    }

    #[test]
    fn go_is_mapped() {
        check(
            "go_memstats_heap_alloc_bytes 4.194304e+06\n\
             go_memstats_heap_inuse_bytes 6e+06\n\
             process_resident_memory_bytes 1.5e+07\n\
             process_open_fds 31\n\
             process_cpu_seconds_total 0.5\n",
            None,
            &[
                (gauge::HEAP, 4_194_304.0),
                (gauge::RSS, 1.5e7),
                (gauge::OPEN_FILES, 31.0),
                (gauge::CPU, 0.5),
            ],
        );
    }

    #[test]
    fn node_js_is_mapped() {
        check(
            "nodejs_heap_size_total_bytes 30000000\n\
             nodejs_heap_size_used_bytes 21000000\n\
             process_cpu_user_seconds_total 1.5\n\
             process_cpu_seconds_total 2.5\n\
             process_open_fds 24\n\
             io_connected{transport=\"ws\"} 12 1764000000123\n\
             io_connected{transport=\"polling\"} 3 1764000000123\n",
            Some("io_connected"),
            &[
                (gauge::HEAP, 21_000_000.0),
                (gauge::CPU, 2.5),
                (gauge::OPEN_FILES, 24.0),
                (gauge::SOCKETS_OPEN, 15.0),
            ],
        );
    }

    #[test]
    fn other_runtimes_and_servers_are_mapped() {
        check(
            "jvm_memory_used_bytes{jvm_memory_type=\"heap\",jvm_memory_pool_name=\"Eden\"} 4\n\
             jvm_memory_used_bytes{jvm_memory_type=\"non_heap\"} 9\n\
             jvm_cpu_time_seconds_total 2.5\n",
            None,
            &[(gauge::HEAP, 4.0), (gauge::CPU, 2.5)],
        );
        check(
            "process_working_set_bytes 9\nprocess_open_handles 30\n\
             dotnet_total_memory_bytes 5\nprocess_cpu_seconds_total 1.5\n",
            None,
            &[
                (gauge::RSS, 9.0),
                (gauge::OPEN_FILES, 30.0),
                (gauge::HEAP, 5.0),
                (gauge::CPU, 1.5),
            ],
        );
        check(
            "dotnet_process_cpu_time_seconds_total{cpu_mode=\"user\"} 2\n\
             dotnet_process_cpu_time_seconds_total{cpu_mode=\"system\"} 1\n\
             dotnet_process_memory_working_set_bytes 9\n\
             dotnet_gc_last_collection_heap_size_bytes{gc_heap_generation=\"gen0\"} 1\n\
             dotnet_gc_last_collection_heap_size_bytes{gc_heap_generation=\"loh\"} 3\n",
            None,
            &[(gauge::CPU, 3.0), (gauge::RSS, 9.0), (gauge::HEAP, 4.0)],
        );
        check(
            "erlang_vm_memory_bytes_total{kind=\"system\"} 3\n\
             erlang_vm_memory_bytes_total{kind=\"processes\"} 4\n\
             erlang_vm_statistics_runtime_milliseconds 1782\n\
             rabbitmq_process_resident_memory_bytes 9\n\
             rabbitmq_process_open_fds 31\n",
            None,
            &[
                (gauge::HEAP, 7.0),
                (gauge::CPU, 1.782),
                (gauge::RSS, 9.0),
                (gauge::OPEN_FILES, 31.0),
            ],
        );
        check(
            "haproxy_process_pool_used_bytes 5\nhaproxy_process_start_time_seconds 1764000000\n",
            None,
            &[(gauge::HEAP, 5.0), (gauge::STARTED_AT, 1_764_000_000.0)],
        );
        check(
            "envoy_server_memory_allocated{} 5\nenvoy_server_memory_physical_size{} 9\n",
            None,
            &[(gauge::HEAP, 5.0), (gauge::RSS, 9.0)],
        );
    }

    #[test]
    fn missing_metric_is_absent() {
        check("", None, &[]);
        check("<html>not found</html>", None, &[]);
        check("process_open_fds NaN\nhighwater_sockets\n", None, &[]);
        check(
            "process_open_fds 1e308\nprocess_open_fds 1e308\n",
            None,
            &[],
        );
        // A metric that the scenario names is not replaced by a known one.
        check("highwater_sockets 3\n", Some("sessions"), &[]);
    }
}
