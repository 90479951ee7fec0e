//! The addresses of a name, each in its turn.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use tokio::time::timeout;

use super::{ServerNameOverride, server_name::unbracketed};

/// Most addresses of one name that are tried.
const ADDRESSES_LIMIT: usize = 16;

/// Longest time for the lookup of all names.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// A resolver for one of several HTTP clients, whose connections take every turn that is the
/// client's.
///
/// If there are as many clients as the name has addresses, each client stays at an address of
/// its own, as long as that accepts connections.
#[derive(Debug, Clone)]
pub struct RotatingResolver {
    turn: Arc<AtomicU32>,
    clients: u32,
    server_name: Option<Arc<ServerNameOverride>>,
}

impl RotatingResolver {
    /// Creates the resolver of client `number` of `clients`. It returns the addresses of the
    /// system's hosts for the server's name, if it has one of its own.
    pub fn new(number: u32, clients: u32, server_name: Option<ServerNameOverride>) -> Self {
        Self {
            turn: Arc::new(AtomicU32::new(number)),
            clients,
            server_name: server_name.map(Arc::new),
        }
    }
}

impl Resolve for RotatingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let turn = self.turn.fetch_add(self.clients, Relaxed);
        let server_name = self.server_name.clone();
        Box::pin(async move {
            let found = look_up(name.as_str(), server_name.as_deref()).await?;
            let addresses: Addrs = Box::new(spread_addresses(found.into_iter(), turn).into_iter());
            Ok(addresses)
        })
    }
}

/// Looks a name up; that of a server as the hosts of the system.
async fn look_up(
    name: &str,
    server_name: Option<&ServerNameOverride>,
) -> io::Result<Vec<SocketAddr>> {
    let mut found = Vec::new();
    for host in hosts_for(name, server_name) {
        // The client puts the port of the request in place of 0.
        found.extend(tokio::net::lookup_host((host, 0)).await?);
    }
    Ok(found)
}

/// Returns the hosts to look up for a name.
fn hosts_for<'a>(name: &'a str, server_name: Option<&'a ServerNameOverride>) -> Vec<&'a str> {
    // The HTTP client writes names in lower case.
    match server_name.filter(|server| server.name.eq_ignore_ascii_case(name)) {
        Some(server) => server.https_hosts.iter().map(String::as_str).collect(),
        None => vec![name],
    }
}

/// Returns the largest number of addresses over which the connections to one of these base
/// addresses spread; 1 where no name is found.
pub async fn most_addresses(bases: &[String], server_name: Option<&ServerNameOverride>) -> u32 {
    let counts = bases.iter().map(|base| count_addresses(base, server_name));
    let counts = timeout(LOOKUP_TIMEOUT, join_all(counts)).await;
    counts.into_iter().flatten().max().unwrap_or(1)
}

async fn count_addresses(base: &str, server_name: Option<&ServerNameOverride>) -> u32 {
    let url = Url::parse(base).ok();
    let name = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    // An address is found as itself.
    let Ok(found) = look_up(unbracketed(name), server_name).await else {
        return 1;
    };
    let found = &found[..found.len().min(ADDRESSES_LIMIT)];
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    // Connections start at the addresses of the first family only.
    let first_family = found.iter().filter(|found| found.is_ipv6() == first_is_v6);
    first_family.count().max(1) as u32
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
        let server_name = ServerNameOverride {
            name: "Home.Example".to_owned(),
            https_hosts: vec!["127.0.0.1".to_owned(), "127.0.0.2".to_owned()],
        };
        let base = "https://home.example:8443".to_owned();
        assert_eq!(most_addresses(&[base], Some(&server_name)).await, 2);
        let resolver = RotatingResolver::new(0, 1, Some(server_name));
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
        let resolver = RotatingResolver::new(1, 4, None);
        for turn in [1, 5, 9] {
            assert_eq!(resolver.turn.load(Relaxed), turn);
            let name = "localhost".parse().unwrap();
            let addresses = resolver.resolve(name).await.unwrap();
            assert!(addresses.count() > 0);
        }
    }

    /// Connection number `n` starts at address `n` modulo their count.
    #[test]
    fn client_stays_at_its_address_while_the_name_has_as_many() {
        let addresses = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"];
        let addresses = addresses.map(|text| text.parse::<SocketAddr>().unwrap());
        let starts = |number, clients: u32| {
            let turns = (0..4).map(|connection| number + connection * clients);
            let starts = turns.map(|turn| spread_addresses(addresses.into_iter(), turn)[0]);
            starts.collect::<Vec<_>>()
        };
        assert_eq!(starts(1, 3), [addresses[1]; 4]);
        // The name had two addresses when the clients were built.
        assert!(starts(1, 2).contains(&addresses[2]));
    }

    #[tokio::test]
    async fn addresses_of_a_base_address_are_counted() {
        let most = |bases: &[&str]| {
            let bases: Vec<String> = bases.iter().map(|base| (*base).to_owned()).collect();
            async move { most_addresses(&bases, None).await }
        };
        assert_eq!(most(&[]).await, 1);
        assert_eq!(most(&["http://127.0.0.1:80", "http://[::1]"]).await, 1);
        assert_eq!(most(&["not a URL"]).await, 1);
        assert!(most(&["http://localhost"]).await >= 1);
    }
}
