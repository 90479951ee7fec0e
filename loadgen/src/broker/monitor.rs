//! The monitoring endpoint of a broker, at the address that a scenario gives.

use std::sync::Arc;

use highwater_scenarios::plan::BrokerSpec;

use crate::sampling::{GaugeSource, Gauges, gauges::HttpGauges};

/// Returns the source of gauges at the broker's monitoring address, read with `parse`;
/// `None` if the scenario gives no address.
pub(super) fn monitor_source(
    broker: &BrokerSpec,
    default_path: &str,
    parse: fn(&str) -> Option<Gauges>,
) -> Option<Arc<dyn GaugeSource>> {
    Some(Arc::new(HttpGauges {
        url: with_default_path(broker.monitor.as_deref()?, default_path),
        parse,
        has_children: false,
    }))
}

/// Adds `path` to an address that has no path of its own.
fn with_default_path(address: &str, path: &str) -> String {
    let host = address.split_once("://").map_or(address, |(_, host)| host);
    match host.trim_end_matches('/').contains('/') {
        true => address.to_owned(),
        false => format!("{}{path}", address.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_a_path_gets_the_default_path() {
        for (address, url) in [
            ("http://h:8222", "http://h:8222/varz"),
            ("http://h:8222/", "http://h:8222/varz"),
            ("http://h/nats/varz", "http://h/nats/varz"),
        ] {
            assert_eq!(with_default_path(address, "/varz"), url);
        }
    }
}
