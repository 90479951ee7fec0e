//! `highwater serve reaper`.

use std::time::Duration;

use clap::Args;
use highwater_server::{
    CleanUpError, CleanedUp,
    backplane::{BackplaneConfig, clean_up},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{
        backplane::{MembershipLease, NodesBackplane},
        time::parse_duration_within,
    },
    output::print_lossy,
};

const MIN_INTERVAL: Duration = Duration::from_secs(10);
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Args)]
#[command(override_usage = "highwater serve reaper --backplane <URL> [--once] [OPTIONS]")]
#[command(after_help = "Example, as a scheduled job:
  highwater serve reaper --backplane sns://eu-west-1 --cluster home --once

Removes what dead processes of a cluster have left at its broker: their entries,
and their queues with the subscriptions. Running members do the same after the
lease of a dead one; this is for a cluster of which none is left, and for
processes that died before they had joined. It joins as a gateway does, removes
by the same rules, and leaves. Nothing of another cluster is touched.
Each clean-up prints a line on stdout.
RUST_LOG says what is logged on stderr, by default info.")]
pub(crate) struct ServeReaper {
    #[command(flatten)]
    pub(crate) nodes: NodesBackplane,
    #[command(flatten)]
    pub(crate) lease: MembershipLease,
    /// Clean up once and end, with exit code 5 if that fails
    #[arg(long)]
    pub(crate) once: bool,
    /// Time between two clean-ups, 10s to 24h
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10m",
        conflicts_with = "once",
        value_parser = parse_duration_within(MIN_INTERVAL..=MAX_INTERVAL)
    )]
    pub(crate) interval: Duration,
    /// Time for one clean-up, 10s to 24h; a silent member takes up to six of its leases
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10m",
        value_parser = parse_duration_within(MIN_INTERVAL..=MAX_INTERVAL)
    )]
    pub(crate) timeout: Duration,
}

/// Cleans up once, or again and again until SIGTERM or Ctrl-C.
pub(super) async fn execute(
    args: ServeReaper,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    let config = BackplaneConfig {
        cluster: args.nodes.cluster.name.clone(),
        lease: args.lease.membership_lease,
        secret: args
            .nodes
            .cluster
            .secret
            .load_for(args.nodes.needs_secret_at())?,
        ..BackplaneConfig::for_url(Some(args.nodes.url()))
    };
    loop {
        let cleaned = clean_up_within(args.timeout, &config, &shutdown).await;
        match cleaned {
            Ok(cleaned) => print_lossy(&in_words(&cleaned)),
            Err(error) if args.once || matches!(error, CleanUpError::NotNeeded(_)) => {
                return Err(CliFailure::new(Exit::Refused, error));
            }
            Err(error) => tracing::warn!(%error, "trying again after the interval"),
        }
        if args.once || shutdown.is_cancelled() {
            return Ok(());
        }
        shutdown.run_until_cancelled(sleep(args.interval)).await;
    }
}

async fn clean_up_within(
    limit: Duration,
    config: &BackplaneConfig,
    shutdown: &CancellationToken,
) -> Result<CleanedUp, CleanUpError> {
    let leave = shutdown.child_token();
    let cleaning = timeout(limit, clean_up(config, leave)).await;
    cleaning.unwrap_or_else(|_| {
        let cause = format!("something could not be removed within {limit:?}; see the log");
        Err(CleanUpError::Failed(cause))
    })
}

fn in_words(cleaned: &CleanedUp) -> String {
    let CleanedUp {
        members,
        inboxes,
        never_joined,
    } = cleaned;
    format!(
        "removed {members} silent members and {inboxes} inboxes, {never_joined} of which never \
         joined"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_up_is_told_in_one_line() {
        let cleaned = CleanedUp {
            members: 200,
            inboxes: 203,
            never_joined: 3,
        };
        assert_eq!(
            in_words(&cleaned),
            "removed 200 silent members and 203 inboxes, 3 of which never joined"
        );
    }
}
