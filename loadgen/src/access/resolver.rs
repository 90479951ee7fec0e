//! The addresses of a name, each in its turn.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::ServerNameOverride;

/// Most addresses of one name that are tried.
const ADDRESSES_LIMIT: usize = 16;

/// A resolver for HTTP clients whose connections start at different addresses of a name.
#[derive(Debug, Clone, Default)]
pub struct RotatingResolver {
    turn: Arc<AtomicU32>,
    server_name: Option<Arc<ServerNameOverride>>,
}

impl RotatingResolver {
    /// Creates a resolver that returns the addresses of the system's hosts for the server's
    /// name, if it has one of its own.
    pub fn new(server_name: Option<ServerNameOverride>) -> Self {
        Self {
            turn: Arc::default(),
            server_name: server_name.map(Arc::new),
        }
    }
}

impl Resolve for RotatingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let turn = self.turn.fetch_add(1, Relaxed);
        let server_name = self.server_name.clone();
        Box::pin(async move {
            let mut found = Vec::new();
            for host in hosts_for(name.as_str(), server_name.as_deref()) {
                // The client puts the port of the request in place of 0.
                found.extend(tokio::net::lookup_host((host, 0)).await?);
            }
            let addresses: Addrs = Box::new(spread_addresses(found.into_iter(), turn).into_iter());
            Ok(addresses)
        })
    }
}

/// Returns the hosts to look up for a name.
fn hosts_for<'a>(name: &'a str, server_name: Option<&'a ServerNameOverride>) -> Vec<&'a str> {
    // The HTTP client writes names in lower case.
    match server_name.filter(|server| server.name.eq_ignore_ascii_case(name)) {
        Some(server) => server.https_hosts.iter().map(String::as_str).collect(),
        None => vec![name],
    }
}

/// Orders a name's addresses for the connection with this number.
///
/// The first family of the resolver comes first and the two alternate (RFC 8305, section
/// 4). Within a family, connections start at different addresses: a name with one address per
/// node spreads them over the nodes, as the clients of round-robin DNS do.
pub fn spread_addresses(
    addresses: impl Iterator<Item = SocketAddr>,
    number: u32,
) -> Vec<SocketAddr> {
    let addresses: Vec<SocketAddr> = addresses.take(ADDRESSES_LIMIT).collect();
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    for family in [&mut first, &mut second] {
        let length = family.len().max(1);
        family.rotate_left(number as usize % length);
    }
    let longest = first.len().max(second.len());
    (0..longest)
        .flat_map(|place| [first.get(place), second.get(place)])
        .flatten()
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_start_at_different_addresses_of_a_name() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let v4 = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"].map(address);
        let first = |number| spread_addresses(v4.into_iter(), number)[0];
        assert_eq!([0, 1, 2, 3].map(first), [v4[0], v4[1], v4[2], v4[0]]);

        // One address per family keeps the resolver's order for every connection.
        let both = ["[::1]:1", "127.0.0.1:1"].map(address);
        for number in 0..3 {
            assert_eq!(spread_addresses(both.into_iter(), number), both);
        }
        let mixed = [v4[0], v4[1], both[0]];
        assert_eq!(
            spread_addresses(mixed.into_iter(), 1),
            [v4[1], both[0], v4[0]]
        );
    }

    #[tokio::test]
    async fn servers_name_is_looked_up_as_the_hosts_of_the_system() {
        let resolver = RotatingResolver::new(Some(ServerNameOverride {
            name: "Home.Example".to_owned(),
            https_hosts: vec!["127.0.0.1".to_owned(), "127.0.0.2".to_owned()],
        }));
        for first in ["127.0.0.1:0", "127.0.0.2:0"] {
            let name = "home.example".parse().unwrap();
            let addresses: Vec<_> = resolver.resolve(name).await.unwrap().collect();
            assert_eq!(
                (addresses.len(), addresses[0].to_string()),
                (2, first.to_owned())
            );
        }
    }

    #[tokio::test]
    async fn each_resolution_is_the_next_turn() {
        let resolver = RotatingResolver::default();
        for turn in 0..3 {
            assert_eq!(resolver.turn.load(Relaxed), turn);
            let name = "localhost".parse().unwrap();
            let addresses = resolver.resolve(name).await.unwrap();
            assert!(addresses.count() > 0);
        }
    }
}
