//! `highwater serve consumer`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use highwater_server::{ConsumerConfig, ConsumerGroup, NodeId, consumer};
use tokio_util::sync::CancellationToken;

use super::listen::bind_and_announce;
use crate::{
    exit::Exit,
    failure::CliFailure,
    heap,
    options::{address::parse_address, backplane::NodesTelemetry, time::parse_duration_within},
    stderr,
};

/// Longest `--processing-time`.
const MAX_PROCESSING_TIME: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(
    override_usage = "highwater serve consumer --backplane <URL> --group <NAME> --id <ID>\n                                  [OPTIONS]"
)]
#[command(after_help = "Example:
  highwater serve consumer --backplane local://127.0.0.1:7000 \\
      --group billing --id c1 --journal c1.jsonl

Handles what devices send to the nodes of that backplane; of every group one
member handles each telemetry record. A consumer takes --backplane and
--telemetry as its nodes have them. With --listen the first line on stdout is
`listening on ADDRESS`, and /healthz, /readyz and /metrics are served there.
SIGTERM and Ctrl-C finish the records that are in progress; a second one ends
the process at once.
RUST_LOG says what is logged on stderr, by default info.")]
pub(crate) struct ServeConsumer {
    #[command(flatten)]
    pub(crate) nodes: NodesTelemetry,
    /// The group whose members share the telemetry
    #[arg(long, value_name = "NAME")]
    pub(crate) group: ConsumerGroup,
    /// Name of this consumer, unique in its group
    #[arg(long)]
    pub(crate) id: NodeId,
    /// Journal of processed records, one line of JSON each; appended to (a file, a pipe or
    /// a device)
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Time to process one telemetry record, 0s to 1m
    #[arg(
        long,
        value_name = "TIME",
        default_value = "0ms",
        value_parser = parse_duration_within(Duration::ZERO..=MAX_PROCESSING_TIME)
    )]
    pub(crate) processing_time: Duration,
    /// Address of /healthz, /readyz and /metrics, HOST:PORT
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) listen: Option<SocketAddr>,
    // A fault of known size, by which tests prove that losses are counted.
    /// Acknowledge every N-th telemetry record without processing it (experiments)
    #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
    pub(crate) drop_every: u64,
}

/// Handles telemetry records until SIGTERM or Ctrl-C, and then the unacknowledged ones.
pub(super) async fn execute(
    args: ServeConsumer,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    // Before the announcement, because an error must not leave an open port behind.
    let Some(telemetry) = args.nodes.url() else {
        let error = anyhow::anyhow!("the broker of the backplane carries no telemetry");
        let hint = "name the queue with --telemetry URL, as the nodes do";
        return Err(CliFailure::new(Exit::Usage, error).with_hint(Some(hint)));
    };
    let needed_at = telemetry
        .needs_cluster_secret()
        .then(|| telemetry.to_string());
    let secret = args.nodes.cluster.secret.load_for(needed_at)?;
    let listener = args
        .listen
        .map(|address| bind_and_announce("listening", address))
        .transpose()?;
    let config = ConsumerConfig {
        cluster: args.nodes.cluster.name.clone(),
        cluster_secret: secret,
        journal: args.journal,
        processing_time: args.processing_time,
        drop_every: args.drop_every,
        heap_probe: Some(heap::live_bytes),
        dropped_log_lines: Some(stderr::dropped),
        ..ConsumerConfig::new(telemetry, args.group, args.id)
    };
    consumer::run(listener, config, shutdown)
        .await
        .map_err(|error| CliFailure::new(Exit::Refused, error))
}
