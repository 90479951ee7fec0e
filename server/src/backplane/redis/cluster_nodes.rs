//! The servers of a Redis Cluster, as one of them lists them.

use highwater_types::ServerAddress;
use redis::{RedisResult, aio::ConnectionLike};

/// Returns the addresses of the servers of a cluster. Each of them knows the others, so a
/// replica leads to the cluster as well as a primary.
pub(super) async fn cluster_nodes(
    server: &mut impl ConnectionLike,
) -> RedisResult<Vec<ServerAddress>> {
    let mut command = redis::cmd("CLUSTER");
    let nodes: String = command.arg("NODES").query_async(server).await?;
    Ok(parse_nodes(&nodes))
}

/// Parses the lines of `CLUSTER NODES`: `ID HOST:PORT@BUS[,NAME] FLAGS …`.
fn parse_nodes(nodes: &str) -> Vec<ServerAddress> {
    let address = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (address, flags) = (words.next()?, words.next()?);
        // A server that the others gave up, or that has told no address yet.
        let is_lost = |flag| matches!(flag, "fail" | "noaddr" | "handshake");
        if flags.split(',').any(is_lost) {
            return None;
        }
        let (address, name) = address.split_once('@')?;
        let (host, port) = address.rsplit_once(':')?;
        // The name is that of `cluster-announce-hostname`, for which a certificate is valid.
        let name = name.split(',').nth(1).filter(|name| !name.is_empty());
        ServerAddress::from_parts(name.unwrap_or(host), port).ok()
    };
    nodes.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_servers_are_found_with_their_names() {
        let nodes = "\
07c3 127.0.0.1:30004@31004,h4 slave e7d1 0 1426238317239 4 connected
67ed 127.0.0.1:30002@31002,,tls-port=0 master - 0 1426238316232 2 connected 5461-10922
e7d1 ::1:30001@31001 myself,master - 0 0 1 connected 0-5460
dead 127.0.0.1:30003@31003 master,fail - 0 0 1 disconnected
ffff :0@0 master,noaddr - 0 0 1 disconnected
";
        let found: Vec<String> = parse_nodes(nodes).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["h4:30004", "127.0.0.1:30002", "[::1]:30001"]);
    }
}
