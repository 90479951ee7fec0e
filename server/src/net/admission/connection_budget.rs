//! The limits of the connections of each kind, and their gauges.

use std::sync::Arc;

use prometheus::{IntGaugeVec, Opts, Registry};

use super::{ConnectionLimit, ConnectionShares};
use crate::metric::{expect_valid, register_metric};

/// The limits of the connections of each kind. Clones share the counts.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionBudget {
    /// All connections of the public listener, sockets included.
    pub(crate) public: Arc<ConnectionLimit>,
    /// Device sockets at a node, forwarded sockets at a gateway.
    pub(crate) sockets: Arc<ConnectionLimit>,
    /// Gateways' connections at a full public listener.
    pub(crate) gateways: Arc<ConnectionLimit>,
    /// Connections of the admin listener.
    pub(crate) admin: Arc<ConnectionLimit>,
}

impl ConnectionBudget {
    /// Returns the limits of these shares. `max_sockets` lowers that of sockets.
    pub(crate) fn new(shares: ConnectionShares, max_sockets: Option<usize>) -> Self {
        let limit = |max| Arc::new(ConnectionLimit::new(max));
        let sockets = [shares.sockets, max_sockets].into_iter().flatten().min();
        Self {
            public: limit(shares.public),
            sockets: limit(sockets),
            gateways: limit(Some(shares.gateways)),
            admin: limit(Some(shares.admin)),
        }
    }

    /// Exports the connections of each kind and their limits. An unlimited kind has no limit
    /// there.
    pub(crate) fn collect(&self, registry: &Registry) {
        let gauges = |name, help| expect_valid(IntGaugeVec::new(Opts::new(name, help), &["kind"]));
        let open = gauges(
            "highwater_connections",
            "Open connections, by kind: device or forwarded sockets, other connections of the public listener, gateways in their reserve, and the admin listener.",
        );
        let most = gauges(
            "highwater_connections_limit",
            "Most connections of each kind; http may also use what sockets leave free.",
        );
        let sockets = self.sockets.open();
        // A connection that becomes a socket counts twice for a moment.
        let http = self.public.open().saturating_sub(sockets);
        let for_http = match (self.public.max(), self.sockets.max()) {
            (Some(public), Some(sockets)) => Some(public.saturating_sub(sockets)),
            _ => None,
        };
        for (kind, count, max) in [
            ("socket", sockets, self.sockets.max()),
            ("http", http, for_http),
            ("gateway", self.gateways.open(), self.gateways.max()),
            ("admin", self.admin.open(), self.admin.max()),
        ] {
            open.with_label_values(&[kind]).set(gauge_value(count));
            if let Some(max) = max {
                most.with_label_values(&[kind]).set(gauge_value(max));
            }
        }
        register_metric(registry, &open);
        register_metric(registry, &most);
    }
}

fn gauge_value(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::encode_text;

    #[test]
    fn open_connections_are_exported_by_kind() {
        let shares = ConnectionShares {
            public: Some(10),
            sockets: Some(8),
            gateways: 2,
            admin: 3,
        };
        let budget = ConnectionBudget::new(shares, Some(5));
        let _connections = [budget.public.try_acquire(), budget.public.try_acquire()];
        let _socket = budget.sockets.try_acquire();
        let registry = Registry::new();
        budget.collect(&registry);
        let text = encode_text(&registry.gather());
        for line in [
            "highwater_connections{kind=\"socket\"} 1",
            "highwater_connections{kind=\"http\"} 1",
            "highwater_connections{kind=\"admin\"} 0",
            "highwater_connections_limit{kind=\"socket\"} 5",
            "highwater_connections_limit{kind=\"http\"} 5",
            "highwater_connections_limit{kind=\"gateway\"} 2",
            "highwater_connections_limit{kind=\"admin\"} 3",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
