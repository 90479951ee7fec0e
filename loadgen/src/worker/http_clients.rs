//! The HTTP clients of a worker: one for each address of the system's host names, or of
//! its proxy.
//!
//! A client keeps its connections by the name of the host, so that one client would send all
//! requests of a quiet load over one connection, to one address. Each client here starts at
//! an address of its own, and requests take turns over the clients. Connections stay open
//! between requests.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, ClientBuilder};

use crate::access::{ClientOptions, TlsSetupError};

/// The time after which a client closes an idle connection. Servers keep idle connections
/// open for longer, so that no request is sent on one that the server is closing.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// The HTTP clients that all users of a worker share.
#[derive(Debug, Clone)]
pub struct HttpClients(Arc<[Client]>);

impl HttpClients {
    /// Builds the clients for requests to these base addresses.
    ///
    /// # Errors
    /// If certificates, the key or the proxy are not valid.
    pub async fn for_addresses(
        client_options: &ClientOptions,
        bases: &[String],
    ) -> Result<Self, TlsSetupError> {
        let count = client_options.http_client_count(bases).await;
        Self::build(count, |number| {
            client_options.http_client(number, count, keep_connections)
        })
    }

    /// Builds the clients for logins at these addresses, whose header fields are their own.
    ///
    /// # Errors
    /// If certificates, the key or the proxy are not valid.
    pub async fn for_logins(
        client_options: &ClientOptions,
        addresses: &[String],
    ) -> Result<Self, TlsSetupError> {
        let count = client_options.http_client_count(addresses).await;
        Self::build(count, |number| {
            client_options.client_without_headers(number, count, keep_connections)
        })
    }

    fn build(
        count: u32,
        client: impl Fn(u32) -> Result<Client, TlsSetupError>,
    ) -> Result<Self, TlsSetupError> {
        let clients: Result<_, _> = (0..count).map(client).collect();
        Ok(Self::of(clients?))
    }

    /// Creates the clients of a worker from at least one client.
    pub(super) fn of(clients: Vec<Client>) -> Self {
        Self(clients.into())
    }

    /// Returns the client of the request with this number.
    pub fn of_request(&self, number: usize) -> &Client {
        // At least one: a name has at least one address.
        &self.0[number % self.0.len()]
    }
}

fn keep_connections(client: ClientBuilder) -> ClientBuilder {
    client.pool_idle_timeout(IDLE_CONNECTION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ClientAccess;

    #[test]
    fn requests_take_turns_over_the_clients() {
        let options = ClientOptions::new(&ClientAccess::default()).unwrap();
        let client = |number| options.http_client(number, 3, keep_connections);
        let clients = HttpClients::build(3, client).unwrap();
        let at = |number| std::ptr::from_ref(clients.of_request(number));
        assert!(at(0) != at(1) && at(1) != at(2) && at(2) != at(0));
        assert_eq!(at(0), at(3));
    }
}
