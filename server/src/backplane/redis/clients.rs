//! The connections of a node, which the server lists by their name.

use std::collections::BTreeMap;

use redis::{
    Cmd, RedisResult,
    aio::MultiplexedConnection,
    cluster_async::ClusterConnection,
    cluster_routing::{
        MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo, SingleNodeRoutingInfo,
    },
};

use super::{commands::CommandConnection, pubsub::PubSubClient};

impl PubSubClient {
    /// Names the connections, so that [`PubSubClient::kill_clients`] finds them.
    ///
    /// A connection that the client library makes later, to a server that is new in a
    /// Redis Cluster, has no name.
    pub(super) async fn set_client_name(&self, name: &str) -> RedisResult<()> {
        let set_name = client_command(&["SETNAME", name]);
        for connection in [&self.commands, &self.subscriber] {
            match connection.clone() {
                CommandConnection::Single(mut server) => set_name.exec_async(&mut server).await?,
                CommandConnection::Sharded(mut servers) => {
                    let all = ResponsePolicy::AllSucceeded;
                    let everywhere = (MultipleNodeRoutingInfo::AllNodes, Some(all));
                    let everywhere = RoutingInfo::MultiNode(everywhere);
                    servers.route_command(set_name.clone(), everywhere).await?;
                }
            }
        }
        Ok(())
    }

    /// Ends the connections with this name, if there are any left.
    ///
    /// A node that hangs still has them, and the server would collect messages for it.
    pub(super) async fn kill_clients(&self, name: &str) {
        let killed = match self.commands.clone() {
            CommandConnection::Single(server) => kill_on_server(server, name).await,
            CommandConnection::Sharded(servers) => kill_on_all_servers(servers, name).await,
        };
        // A server may forbid the command. It then disconnects the hung node itself, when
        // too many messages wait for it.
        if let Err(error) = killed {
            tracing::debug!(name, %error, "cannot end connections; leaving it to the server");
        }
    }
}

async fn kill_on_server(mut server: MultiplexedConnection, name: &str) -> RedisResult<()> {
    let clients: String = client_command(&["LIST"]).query_async(&mut server).await?;
    // By id, because `CLIENT KILL` of Redis 6 has no filter for names.
    for id in client_ids(&clients, name) {
        let kill = client_command(&["KILL", "ID", id]);
        kill.exec_async(&mut server).await?;
    }
    Ok(())
}

/// Ends connections at every server, because each lists and ends only its own.
async fn kill_on_all_servers(mut servers: ClusterConnection, name: &str) -> RedisResult<()> {
    let everywhere = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllNodes, None));
    let list = client_command(&["LIST"]);
    let lists = servers.route_command(list, everywhere).await?;
    let lists: BTreeMap<String, String> = redis::from_redis_value(lists)?;
    for (server, clients) in &lists {
        let Some(route) = route_to(server) else {
            continue;
        };
        for id in client_ids(clients, name) {
            let kill = client_command(&["KILL", "ID", id]);
            servers.route_command(kill, route.clone()).await?;
        }
    }
    Ok(())
}

/// Returns the route to the server at `HOST:PORT`.
fn route_to(server: &str) -> Option<RoutingInfo> {
    let (host, port) = server.rsplit_once(':')?;
    Some(RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress {
        host: host.to_owned(),
        port: port.parse().ok()?,
    }))
}

fn client_command(arguments: &[&str]) -> Cmd {
    let mut command = redis::cmd("CLIENT");
    command.arg(arguments);
    command
}

/// Returns the ids of the clients with this name in the output of `CLIENT LIST`.
fn client_ids<'l>(clients: &'l str, name: &str) -> impl Iterator<Item = &'l str> {
    let is_named = move |client: &&str| field(client, "name") == Some(name);
    let named = clients.lines().filter(is_named);
    named.filter_map(|client| field(client, "id"))
}

/// Returns a field of a line of `CLIENT LIST`: `id=3 addr=… name=…`.
fn field<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
    Some(fields.find(|(name, _)| *name == key)?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_found_by_their_exact_name() {
        let list = "\
id=12 addr=127.0.0.1:1 laddr=127.0.0.1:2 name= age=0
id=13 addr=127.0.0.1:1 laddr=127.0.0.1:2 name=highwater:c:inbox:n-1-2 age=0
id=14 addr=127.0.0.1:1 laddr=127.0.0.1:2 name=highwater:c:inbox:n-1-23 age=0
id=15 addr=127.0.0.1:1 laddr=127.0.0.1:2 name=highwater:c:inbox:n-1-2 age=0
";
        let ids: Vec<&str> = client_ids(list, "highwater:c:inbox:n-1-2").collect();
        assert_eq!(ids, ["13", "15"]);
        assert_eq!(field("id=1", "none"), None);
    }
}
