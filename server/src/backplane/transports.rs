//! The transports of this build, by the kind of their broker.

use highwater_types::BrokerKind;

use super::remote::TransportFunctions;
use crate::for_each_broker;

macro_rules! define_transport {
    ([] $((
        $feature:literal, $module:ident, $kind:ident, $transport:ident, $_producer:ident, $_consumer:ident, $_services:tt
    ))+) => {
        /// Returns the transport to one kind of broker, or the feature that this build lacks.
        pub(super) fn transport(kind: BrokerKind) -> Result<TransportFunctions, &'static str> {
            match kind {
                $(
                    #[cfg(feature = $feature)]
                    BrokerKind::$kind => Ok(TransportFunctions::of::<super::$module::$transport>()),
                    #[cfg(not(feature = $feature))]
                    BrokerKind::$kind => Err($feature),
                )+
            }
        }
    };
}
for_each_broker!(define_transport, []);
