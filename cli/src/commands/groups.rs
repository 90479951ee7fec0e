//! `highwater groups`.

use std::time::Duration;

use clap::Args;
use highwater_server::{
    BackplaneUrl, ConsumerGroup, ConsumerGroupStatus, GroupsError, consumer_groups,
};
use highwater_types::format;

use crate::{
    exit::Exit, failure::CliFailure, options::cluster_secret::ClusterSecretArgs, output::print,
    runtime::runtime,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater groups --backplane local://127.0.0.1:7000
      Name, consumers, waiting and unacknowledged records, time until removal.
  highwater groups --backplane local://127.0.0.1:7000 --remove biling
      Ends a group that a mistyped --group began; telemetry waits for it.

Groups at Redis, NATS and RabbitMQ are objects of these brokers, whose own tools
list and remove them: docs/protocol.md.")]
pub(crate) struct GroupsArgs {
    /// The embedded broker: local://HOST:PORT
    #[arg(
        long,
        value_name = "URL",
        env = "HIGHWATER_BACKPLANE",
        hide_env_values = true
    )]
    pub(crate) backplane: BackplaneUrl,
    #[command(flatten)]
    pub(crate) secret: ClusterSecretArgs,
    /// Remove this group first; it must have no consumers
    #[arg(long, value_name = "NAME")]
    pub(crate) remove: Option<ConsumerGroup>,
}

/// Lists the consumer groups of the embedded broker, and may remove one.
pub(crate) fn execute(args: GroupsArgs) -> Result<Exit, CliFailure> {
    let url = args.backplane;
    let needed_at = url.needs_cluster_secret().then(|| url.to_string());
    let secret = args.secret.load_for(needed_at)?;
    let asked = consumer_groups(&url, secret.as_ref(), args.remove.as_ref());
    let groups = runtime()?.block_on(asked).map_err(|error| match &error {
        GroupsError::External(_) => CliFailure::new(Exit::Usage, error)
            .with_hint(Some("its own tools list and remove them: docs/protocol.md")),
        GroupsError::Broker(_) => {
            let context = format!("cannot get the groups of {url}");
            CliFailure::new(Exit::Refused, anyhow::Error::new(error).context(context))
        }
    })?;
    print(&table(&groups))?;
    Ok(Exit::Passed)
}

fn table(groups: &[ConsumerGroupStatus]) -> String {
    let names = groups.iter().map(|status| status.group.as_str().len());
    let width = names.max().unwrap_or_default().max("group".len());
    let mut table = format!(
        "{:width$}  consumers  ready  unacked  removed in\n",
        "group"
    );
    for status in groups {
        let removed_in = match status.expires_in_ms {
            // To whole seconds: the broker looks every few seconds.
            Some(ms) => format::duration(Duration::from_secs(ms / 1000)),
            None => "-".to_owned(),
        };
        table.push_str(&format!(
            "{:width$}  {:>9}  {:>5}  {:>7}  {removed_in:>10}\n",
            status.group.as_str(),
            status.consumers,
            status.ready,
            status.unacked,
        ));
    }
    table
}
