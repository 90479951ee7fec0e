//! The transports of this build, by the kind of their broker.

use highwater_types::BrokerKind;

use super::remote::TransportFunctions;
use crate::for_each_broker;

/// The reason why there is no transport to a kind of broker.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoTransport {
    /// The build lacks this Cargo feature.
    #[allow(dead_code, reason = "not made in a build with every client")]
    NotBuilt(&'static str),
    /// Brokers of this kind do not join nodes.
    NotABackplane,
}

macro_rules! define_transport {
    ([] $((
        $feature:literal, $module:ident, $kind:ident, [$($transport:ident)?], $_queue:tt, $_services:tt
    ))+) => {
        /// Returns the transport to one kind of broker.
        pub(super) fn transport(kind: BrokerKind) -> Result<TransportFunctions, NoTransport> {
            match kind {
                $($(
                    #[cfg(feature = $feature)]
                    BrokerKind::$kind => Ok(TransportFunctions::of::<super::$module::$transport>()),
                    #[cfg(not(feature = $feature))]
                    BrokerKind::$kind => Err(NoTransport::NotBuilt($feature)),
                )?)+
                #[allow(unreachable_patterns, reason = "reached if a broker is only a queue")]
                _ => Err(NoTransport::NotABackplane),
            }
        }
    };
}
for_each_broker!(define_transport, []);
