//! Redis: the answer to `INFO ALL`.

use std::{collections::BTreeMap, time::Duration};

use highwater_reports::record::names::gauge;
use highwater_types::BrokerUrl;
use redis::{AsyncConnectionConfig, Client, RedisError, aio::MultiplexedConnection};
use tokio::{sync::Mutex, time::timeout};

use super::super::Gauges;

/// Longest time for one answer, connecting included; below the second between
/// two samples.
const INFO_TIMEOUT: Duration = Duration::from_millis(800);

/// A field of the answer and the gauge that it holds. `used_memory` is what the
/// allocator has given out.
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

/// Connections by address, each made when it is first needed and again after it
/// broke.
#[derive(Debug, Default)]
pub(super) struct RedisConnections {
    open: Mutex<BTreeMap<String, MultiplexedConnection>>,
}

impl RedisConnections {
    /// The answer to `INFO`; `None` if there is none in time.
    pub(super) async fn info(&self, url: &BrokerUrl) -> Option<String> {
        let answer = timeout(INFO_TIMEOUT, self.ask(url)).await;
        let answer = answer.ok().and_then(Result::ok);
        if answer.is_none() {
            self.open.lock().await.remove(url.expose_secret());
        }
        answer
    }

    async fn ask(&self, url: &BrokerUrl) -> Result<String, RedisError> {
        let mut connection = self.connection(url).await?;
        // Statistics of commands are in no answer to INFO alone.
        let mut info = redis::cmd("INFO");
        info.arg("ALL").query_async(&mut connection).await
    }

    async fn connection(&self, url: &BrokerUrl) -> Result<MultiplexedConnection, RedisError> {
        if let Some(connection) = self.open.lock().await.get(url.expose_secret()) {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(INFO_TIMEOUT))
            .set_response_timeout(Some(INFO_TIMEOUT));
        let connection = Client::open(url.expose_secret())?
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let mut open = self.open.lock().await;
        open.insert(url.expose_secret().to_owned(), connection.clone());
        Ok(connection)
    }
}

/// The gauges in the answer.
pub(super) fn gauges(info: &str) -> Gauges {
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
    // User time alone would be half a truth.
    match (gauges.get_mut(gauge::CPU), number("used_cpu_sys")) {
        (Some(cpu), Some(system)) => *cpu += system,
        _ => drop(gauges.remove(gauge::CPU)),
    }
    let started = number("server_time_usec").zip(number("uptime_in_seconds"));
    if let Some((now_us, uptime_s)) = started {
        gauges.insert(gauge::STARTED_AT.into(), now_us / 1e6 - uptime_s);
    }
    // One server of a cluster has its own share alone.
    if fields.get("cluster_enabled") == Some(&"0") && info.contains("# Commandstats") {
        // A command that nobody has sent yet is not listed.
        let statistics = fields.get("cmdstat_publish");
        let published = statistics.map_or(Some(0.0), |of| calls(of).and_then(finite_value));
        gauges.extend(published.map(|count| (gauge::BROKER_PUBLISHED.into(), count)));
    }
    gauges
}

/// The first figure of a command's statistics: `calls=12,usec=34,…`.
fn calls(statistics: &str) -> Option<f64> {
    let (calls, _) = statistics.strip_prefix("calls=")?.split_once(',')?;
    calls.parse().ok()
}

/// Far above what is counted, far below where a sum would be no number.
fn finite_value(value: f64) -> Option<f64> {
    (0.0..1e30).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_in_their_units() {
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
        assert_eq!(gauges(info), expected.into());
    }

    #[test]
    fn publications_are_counted_only_where_all_of_them_are() {
        let published = |info: &str| gauges(info).get(gauge::BROKER_PUBLISHED).copied();
        let commands = "# Commandstats\r\n";
        let three = "# Commandstats\r\ncmdstat_publish:calls=3,usec=1\r\n";
        let odd = "# Commandstats\r\ncmdstat_publish:many\r\n";
        for (alone, statistics, expected) in [
            ("0", commands, Some(0.0)),
            ("0", three, Some(3.0)),
            ("0", odd, None),
            ("0", "", None),
            ("1", three, None),
        ] {
            let info = format!("cluster_enabled:{alone}\r\n{statistics}");
            assert_eq!(published(&info), expected, "{info}");
        }
    }

    #[test]
    fn what_is_not_there_is_absent() {
        assert_eq!(gauges(""), Gauges::new());
        assert_eq!(gauges("-ERR unknown command"), Gauges::new());
        assert_eq!(gauges("used_cpu_user:0.5\r\n"), Gauges::new());
        assert_eq!(gauges("used_memory:much\r\n"), Gauges::new());
    }
}
