//! The connections that a broker accepts, by their kind.
//!
//! Nodes must always find room, because a node without its broker takes no new devices. So
//! neither strangers in their handshake nor consumers may take all connections, and the broker
//! stops accepting before the process is out of files.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::{
    BrokerConfig,
    metrics::{BrokerMetrics, ConnectionRejection},
};
use crate::net::admission::{
    AddressLimit, AddressPermit, ConnectionLimit, Permit, allowed_connections,
};

/// Part of the connections that handshakes in progress may take, and part that consumers and
/// operators may.
const SHARE_DIVISOR: usize = 4;

/// The limits of a broker's connections.
pub(super) struct BrokerAdmission {
    connections: Arc<ConnectionLimit>,
    handshakes: Arc<ConnectionLimit>,
    /// The handshakes of one client address.
    handshake_addresses: Arc<AddressLimit>,
    consumers: Arc<ConnectionLimit>,
    /// Whether the last connection was rejected, which is logged once.
    is_rejecting: AtomicBool,
    metrics: BrokerMetrics,
}

/// The counts of one connection.
pub(super) struct ConnectionPermits {
    pub(super) connection: Permit,
    pub(super) handshake: HandshakePermit,
}

/// The connections of one kind at one moment.
pub(super) struct ConnectionKind {
    pub(super) name: &'static str,
    pub(super) open: usize,
    /// Nodes may also use what the other kinds leave free, so their bound is that of all.
    pub(super) max: Option<usize>,
}

/// Counts one handshake until it is dropped.
pub(super) struct HandshakePermit {
    _handshake: Permit,
    _address: AddressPermit,
}

impl BrokerAdmission {
    pub(super) fn new(config: &BrokerConfig, metrics: BrokerMetrics) -> Self {
        Self::within(allowed_connections(), config, metrics)
    }

    /// Returns the limits of a process whose open files allow that many connections.
    fn within(allowed: Option<usize>, config: &BrokerConfig, metrics: BrokerMetrics) -> Self {
        let connections = config.max_connections.min(allowed.unwrap_or(usize::MAX));
        let share = (connections / SHARE_DIVISOR).max(1);
        let limit = |max| Arc::new(ConnectionLimit::new(Some(max)));
        Self {
            connections: limit(connections),
            handshakes: limit(config.max_handshakes.min(share)),
            handshake_addresses: Arc::new(AddressLimit::new(config.handshakes_per_address)),
            consumers: limit(share),
            is_rejecting: AtomicBool::new(false),
            metrics,
        }
    }

    /// Admits a connection whose kind is not known yet.
    pub(super) fn try_admit(&self, peer: IpAddr) -> Option<ConnectionPermits> {
        let admitted = self.count(peer);
        let was_rejecting = self.is_rejecting.swap(admitted.is_err(), Relaxed);
        if let Err(reason) = &admitted {
            self.metrics.record_rejected_connection(*reason);
            if !was_rejecting {
                let reason = reason.label();
                tracing::warn!(%peer, reason, "too many connections or handshakes; closing new ones");
            }
        }
        admitted.ok()
    }

    fn count(&self, peer: IpAddr) -> Result<ConnectionPermits, ConnectionRejection> {
        // First the address: a client at its own limit must not count among all.
        let address = self.handshake_addresses.try_acquire(peer);
        let address = address.ok_or(ConnectionRejection::AddressLimit)?;
        let connection = self.connections.try_acquire();
        let connection = connection.ok_or(ConnectionRejection::AtCapacity)?;
        let handshake = self.handshakes.try_acquire();
        Ok(ConnectionPermits {
            connection,
            handshake: HandshakePermit {
                _handshake: handshake.ok_or(ConnectionRejection::HandshakeLimit)?,
                _address: address,
            },
        })
    }

    /// Returns the open connections and the bound of each kind.
    pub(super) fn kinds(&self) -> [ConnectionKind; 3] {
        let (handshakes, consumers) = (self.handshakes.open(), self.consumers.open());
        let kind = |name, open, limit: &ConnectionLimit| ConnectionKind {
            name,
            open,
            max: limit.max(),
        };
        // A connection that changes its kind counts twice for a moment.
        let nodes = self
            .connections
            .open()
            .saturating_sub(handshakes + consumers);
        [
            kind("handshake", handshakes, &self.handshakes),
            kind("consumer", consumers, &self.consumers),
            kind("node", nodes, &self.connections),
        ]
    }

    /// Admits a connection as that of a consumer or an operator.
    ///
    /// # Errors
    /// The reason for the peer, when consumers have their share of the connections.
    pub(super) fn try_admit_consumer(&self) -> Result<Permit, String> {
        self.consumers.try_acquire().ok_or_else(|| {
            self.metrics
                .record_rejected_connection(ConnectionRejection::ConsumerLimit);
            "cannot serve another consumer: consumers have their share of the broker's \
             connections; hint: raise the broker's limit of open files"
                .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn handshakes_and_consumers_leave_room_for_nodes() {
        let config = BrokerConfig {
            handshakes_per_address: 2,
            ..BrokerConfig::default()
        };
        // Few files: a quarter of 16 connections for each.
        let admission = BrokerAdmission::within(Some(16), &config, BrokerMetrics::new());
        let one = [(); 3].map(|()| admission.try_admit(address(1)));
        assert_eq!(one.each_ref().map(Option::is_some), [true, true, false]);
        let others = [2, 3, 4].map(|last| admission.try_admit(address(last)));
        assert_eq!(others.each_ref().map(Option::is_some), [true, true, false]);

        let of_nodes = one.into_iter().chain(others).flatten();
        // Their handshakes end, and the connections go on.
        let held: Vec<Permit> = of_nodes.map(|permits| permits.connection).collect();
        assert_eq!(held.len(), 4);
        let consumers = [(); 5].map(|()| admission.try_admit_consumer());
        assert_eq!(
            consumers.iter().filter(|admitted| admitted.is_ok()).count(),
            4
        );
        let mut nodes = Vec::new();
        for last in 0..20 {
            let admitted = admission.try_admit(address(last));
            nodes.extend(admitted.map(|permits| permits.connection));
        }
        assert_eq!(held.len() + nodes.len(), 16, "all connections are used");
        let kinds = admission
            .kinds()
            .map(|kind| (kind.name, kind.open, kind.max));
        let expected = [
            ("handshake", 0, Some(4)),
            ("consumer", 4, Some(4)),
            ("node", 12, Some(16)),
        ];
        assert_eq!(kinds, expected);
    }
}
