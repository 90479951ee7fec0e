//! What joins a node with the others.

use std::time::Duration;

use clap::Args;
use highwater_server::{BackplaneUrl, ClusterName};

#[derive(Debug, Args)]
#[command(next_help_heading = "Backplane")]
pub(crate) struct ServeBackplane {
    /// What joins the nodes: local://HOST:PORT, redis://HOST, nats://HOST or
    /// amqp://HOST; without it, a cluster of one
    #[arg(
        long,
        value_name = "URL",
        env = "HIGHWATER_BACKPLANE",
        hide_env_values = true
    )]
    pub(crate) backplane: Option<BackplaneUrl>,
    /// Name of the cluster, where others use the same broker
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) cluster: ClusterName,
    /// How long this node may be silent before the others take it for dead, 500ms to
    /// 10m; the embedded broker decides by itself
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = lease)]
    pub(crate) lease: Duration,
}

const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(600);

pub(super) fn lease(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000)];
    let millis = units.into_iter().find_map(|(unit, factor)| {
        let digits = text.strip_suffix(unit)?;
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| whole)?;
        number.checked_mul(factor)
    });
    millis
        .map(Duration::from_millis)
        .filter(|lease| (SHORTEST..=LONGEST).contains(lease))
        .ok_or_else(|| "expected a whole number with its unit, 500ms to 10m, such as 5s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases() {
        for (text, millis) in [("500ms", 500), ("5s", 5000), ("10m", 600_000)] {
            assert_eq!(lease(text), Ok(Duration::from_millis(millis)));
        }
        for bad in [
            "",
            "5",
            "s",
            "+5s",
            "-5s",
            "1.5s",
            "499ms",
            "11m",
            "99999999999999999999s",
        ] {
            assert!(lease(bad).is_err(), "{bad}");
        }
    }
}
