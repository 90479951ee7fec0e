//! The gauges in Redis' answer to `INFO ALL`.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_reports::record::names::gauge;
use highwater_types::BrokerUrl;
use redis::aio::MultiplexedConnection;
use reqwest::Client as HttpClient;
use tokio::{sync::Mutex, time::timeout};

use super::connect::connect;
use crate::sampling::{GaugeSource, Gauges};

/// The longest time for one answer, connecting included. It lies below the second between
/// two samples.
const INFO_TIMEOUT: Duration = Duration::from_millis(800);

/// The largest count that is recorded: far above every real count, and so small that no sum
/// of counts becomes infinite.
const MAX_VALUE: f64 = 1e30;

/// Fields of the answer and the gauges that they hold. Two fields of one gauge add up.
/// `used_memory` is what the allocator has handed out.
const FIELDS: [(&str, &str); 10] = [
    ("used_memory", gauge::HEAP),
    ("used_memory_rss", gauge::RSS),
    ("connected_clients", gauge::BROKER_CLIENTS),
    ("pubsub_channels", gauge::BROKER_CHANNELS),
    ("pubsubshard_channels", gauge::BROKER_CHANNELS),
    ("total_commands_processed", gauge::BROKER_MESSAGES_IN),
    ("total_net_input_bytes", gauge::BROKER_BYTES_IN),
    ("total_net_output_bytes", gauge::BROKER_BYTES_OUT),
    (
        "client_output_buffer_limit_disconnections",
        gauge::BROKER_SLOW_CONSUMERS,
    ),
    ("used_cpu_user", gauge::CPU),
];

/// A connection on which Redis is asked for `INFO`. It opens at the first sample, and again
/// after an answer that failed.
#[derive(Debug)]
pub(super) struct RedisInfo {
    url: BrokerUrl,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl RedisInfo {
    /// A source that is not connected yet.
    pub(super) fn new(url: BrokerUrl) -> Self {
        Self {
            url,
            connection: Mutex::default(),
        }
    }

    async fn info(&self) -> Option<String> {
        let mut connection = self.connection().await?;
        // `INFO` alone leaves out the statistics of commands.
        let mut info = redis::cmd("INFO");
        info.arg("ALL").query_async(&mut connection).await.ok()
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        let mut connection = self.connection.lock().await;
        if let Some(open) = connection.as_ref() {
            return Some(open.clone());
        }
        let open = connect(&self.url).await.ok()?;
        Some(connection.insert(open).clone())
    }
}

impl GaugeSource for RedisInfo {
    fn read<'s>(&'s self, _client: &'s HttpClient) -> BoxFuture<'s, Option<Gauges>> {
        async {
            let answered = timeout(INFO_TIMEOUT, self.info()).await;
            let answer = answered.ok().flatten();
            // The connection may be broken, so the next sample opens a new one.
            if answer.is_none() {
                *self.connection.lock().await = None;
            }
            Some(parse(&answer?))
        }
        .boxed()
    }
}

/// Reads the gauges in the answer.
pub(super) fn parse(info: &str) -> Gauges {
    let fields: BTreeMap<&str, &str> = info
        .lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .collect();
    let number = |name: &str| finite_value(fields.get(name)?.parse().ok()?);
    let mut gauges = Gauges::new();
    for (field, gauge) in FIELDS {
        if let Some(value) = number(field) {
            *gauges.entry(gauge.to_owned()).or_default() += value;
        }
    }
    // User time without system time would be too small a CPU time.
    match (gauges.get_mut(gauge::CPU), number("used_cpu_sys")) {
        (Some(cpu), Some(system)) => *cpu += system,
        _ => drop(gauges.remove(gauge::CPU)),
    }
    // Redis reports its age, not its start.
    let started = number("server_time_usec").zip(number("uptime_in_seconds"));
    if let Some((now_us, uptime_s)) = started {
        gauges.insert(gauge::STARTED_AT.into(), now_us / 1e6 - uptime_s);
    }
    // A server of a cluster counts its own share alone, so the total is unknown there.
    if fields.get("cluster_enabled") == Some(&"0") && info.contains("# Commandstats") {
        // A command that no client has sent yet is not listed, so its count is 0.
        let statistics = fields.get("cmdstat_publish");
        let published = statistics.map_or(Some(0.0), |line| calls(line).and_then(finite_value));
        gauges.extend(published.map(|count| (gauge::BROKER_PUBLISHED.into(), count)));
    }
    gauges
}

/// Returns the number of calls in a command's statistics: `calls=12,usec=34,…`.
fn calls(statistics: &str) -> Option<f64> {
    let (calls, _) = statistics.strip_prefix("calls=")?.split_once(',')?;
    calls.parse().ok()
}

/// Returns a value in the range of real counts.
fn finite_value(value: f64) -> Option<f64> {
    (0.0..MAX_VALUE).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_is_read_in_its_units() {
        let info = "# Server\r\nredis_version:7.0.15\r\nserver_time_usec:1764000000500000\r\n\
                    uptime_in_seconds:100\r\n# Clients\r\nconnected_clients:5\r\n\
                    # Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\n\
                    used_memory_rss:8388608\r\n# Stats\r\ntotal_commands_processed:42\r\n\
                    total_net_input_bytes:1000\r\ntotal_net_output_bytes:2000\r\n\
                    pubsub_channels:3\r\npubsubshard_channels:4\r\n\
                    client_output_buffer_limit_disconnections:1\r\n\
                    # CPU\r\nused_cpu_sys:0.25\r\nused_cpu_user:0.5\r\n\
                    # Cluster\r\ncluster_enabled:0\r\n# Commandstats\r\n\
                    cmdstat_publish:calls=9,usec=31,usec_per_call=3.44,rejected_calls=0\r\n";
        let expected = [
            (gauge::STARTED_AT, 1_763_999_900.5),
            (gauge::BROKER_CLIENTS, 5.0),
            (gauge::HEAP, 1_048_576.0),
            (gauge::RSS, 8_388_608.0),
            (gauge::BROKER_MESSAGES_IN, 42.0),
            (gauge::BROKER_BYTES_IN, 1_000.0),
            (gauge::BROKER_BYTES_OUT, 2_000.0),
            (gauge::BROKER_CHANNELS, 7.0),
            (gauge::BROKER_SLOW_CONSUMERS, 1.0),
            (gauge::CPU, 0.75),
            (gauge::BROKER_PUBLISHED, 9.0),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(parse(info), expected.into());
    }

    #[test]
    fn publish_count_is_absent_if_it_is_not_the_total() {
        let published = |info: &str| parse(info).get(gauge::BROKER_PUBLISHED).copied();
        let commands = "# Commandstats\r\n";
        let three_calls = "# Commandstats\r\ncmdstat_publish:calls=3,usec=1\r\n";
        let unreadable = "# Commandstats\r\ncmdstat_publish:many\r\n";
        for (cluster_enabled, statistics, expected) in [
            ("0", commands, Some(0.0)),
            ("0", three_calls, Some(3.0)),
            ("0", unreadable, None),
            ("0", "", None),
            ("1", three_calls, None),
        ] {
            let info = format!("cluster_enabled:{cluster_enabled}\r\n{statistics}");
            assert_eq!(published(&info), expected, "{info}");
        }
    }

    #[test]
    fn missing_field_is_absent() {
        assert_eq!(parse(""), Gauges::new());
        assert_eq!(parse("-ERR unknown command"), Gauges::new());
        assert_eq!(parse("used_cpu_user:0.5\r\n"), Gauges::new());
        assert_eq!(parse("used_memory:much\r\n"), Gauges::new());
    }
}
