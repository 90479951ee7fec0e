//! `highwater serve stream-filter`.

use std::path::PathBuf;
#[cfg(feature = "aws")]
use std::{fs, path::Path, sync::Arc};

use clap::Args;
#[cfg(feature = "aws")]
use highwater_server::backplane::{RoutingRules, StreamFilterConfig, run_stream_filter};
use tokio_util::sync::CancellationToken;

use crate::{exit::Exit, failure::CliFailure, options::backplane::NodesBackplane};

#[derive(Debug, Args)]
#[command(override_usage = "highwater serve stream-filter --backplane <URL> [--rules <FILE>]")]
#[command(after_help = "Example:
  highwater serve stream-filter --backplane dynamodb://eu-west-1 \\
      --cluster home --rules rules.toml

Nodes with the backplane dynamodb:// write what they want others to do to a
table. This process reads the stream of the table and publishes it on the topic
to which the nodes' queues subscribe. It notes how far it has read; when it dies
and comes back, nothing is lost, and nodes recognise what comes again.
A file of rules:
  [[rule]]            # the first rule that matches decides
  topic = \"debug.*\"   # of these topics; or to = \"node\" or \"topic\"
  then = \"drop\"       # or \"publish\", as without a rule
RUST_LOG says what is logged on stderr, by default info.")]
pub(crate) struct ServeStreamFilter {
    #[command(flatten)]
    pub(crate) nodes: NodesBackplane,
    /// Rules by which actions are published or dropped, TOML [default: all are published]
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
}

/// Filters until SIGTERM or Ctrl-C.
#[cfg(feature = "aws")]
pub(super) async fn execute(
    args: ServeStreamFilter,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    let config = StreamFilterConfig {
        url: args.nodes.url(),
        cluster: args.nodes.cluster.name.clone(),
        rules: read_rules(args.rules.as_deref())?,
        requests: Arc::default(),
    };
    let filtered = run_stream_filter(config, shutdown).await;
    filtered.map_err(|error| CliFailure::new(Exit::Usage, error))
}

/// Fails: the only backplane with a stream is one that this build rejects.
#[cfg(not(feature = "aws"))]
pub(super) async fn execute(
    args: ServeStreamFilter,
    _: CancellationToken,
) -> Result<(), CliFailure> {
    let ServeStreamFilter { nodes, rules } = args;
    drop(rules);
    let url = nodes.url();
    let error = anyhow::anyhow!("cannot filter the stream of {url}: it has none");
    let hint = "build it with `--features aws`, for addresses of dynamodb://";
    Err(CliFailure::new(Exit::Usage, error).with_hint(Some(hint)))
}

#[cfg(feature = "aws")]
fn read_rules(path: Option<&Path>) -> Result<RoutingRules, CliFailure> {
    let Some(path) = path else {
        return Ok(RoutingRules::default());
    };
    let unusable = |cause: String| {
        let error = anyhow::anyhow!("cannot use the rules in {}: {cause}", path.display());
        CliFailure::new(Exit::Usage, error)
    };
    let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    RoutingRules::parse(&text).map_err(|error| unusable(error.to_string()))
}
