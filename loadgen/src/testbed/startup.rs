//! The line in which a process says where it listens.

use std::{net::SocketAddr, time::Duration};

use highwater_process::{Child, Launch, Spawner, port};

use super::TestbedError;

/// How long a process may take until it listens.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(30);
/// What is measured gives way to who measures it: on a machine with too few
/// processors for both, the harness would else be late itself.
pub(super) const NICENESS: u8 = 10;

/// Starts a process and waits until it listens; gives it and its address.
pub(super) async fn start(
    spawner: &Spawner,
    id: &str,
    launch: Launch,
) -> Result<(Child, SocketAddr), TestbedError> {
    let failed = |source| TestbedError::Start {
        id: id.into(),
        source,
    };
    let launch = launch.with_first_line().with_niceness(NICENESS);
    let launched = spawner.spawn(launch).await;
    let mut child = launched.map_err(failed)?;
    let line = child.first_stdout_line(LISTEN_TIMEOUT).await;
    let line = line.map_err(failed)?;
    let address = parse(&line).ok_or_else(|| TestbedError::UnexpectedFirstLine {
        id: id.into(),
        line,
    })?;
    Ok((child, address))
}

/// Waits until the port of a process that ended is free again.
pub(super) async fn wait_until_port_is_free(
    id: &str,
    port: u16,
    within: Duration,
) -> Result<(), TestbedError> {
    match port::becomes_free(port, within).await {
        true => Ok(()),
        false => Err(TestbedError::PortTaken {
            id: id.into(),
            port,
            waited: within,
        }),
    }
}

fn parse(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening on ")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_an_address() {
        assert_eq!(
            parse("listening on 127.0.0.1:4711"),
            Some(SocketAddr::from(([127, 0, 0, 1], 4711)))
        );
        assert_eq!(parse("listening on localhost"), None);
        assert_eq!(parse("n1 is listening on 127.0.0.1:4711"), None);
        assert_eq!(parse(""), None);
    }
}
