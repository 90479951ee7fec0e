//! The address of the telemetry queue, as the command line names it.

use std::{fmt, str::FromStr};

use highwater_types::{BrokerKind, BrokerUrl};

use super::registry::{NoQueue, url_check};
use crate::{
    backplane::BackplaneUrl,
    net::{
        broker_location::{BrokerLocation, BrokerPurpose, InvalidBrokerLocation, UrlRejection},
        tls::BrokerCa,
    },
};

/// The address of a telemetry queue: the embedded broker, or a message broker that carries
/// telemetry and for which this build has a client. Only parsing, and the address of a backplane,
/// create it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetryUrl(BrokerLocation);

const QUEUE: BrokerPurpose = BrokerPurpose {
    name: "telemetry queue",
    is_served_by: BrokerKind::is_queue,
    check_url,
};

impl FromStr for TelemetryUrl {
    type Err = InvalidBrokerLocation;

    fn from_str(text: &str) -> Result<Self, InvalidBrokerLocation> {
        BrokerLocation::parse(text, &QUEUE).map(Self)
    }
}

impl TelemetryUrl {
    /// Returns the queue at the broker of a backplane; `None` if that broker carries no
    /// telemetry.
    pub fn of_backplane(backplane: &BackplaneUrl) -> Option<Self> {
        let location = backplane.location();
        let is_queue = match location {
            BrokerLocation::Embedded { .. } => true,
            BrokerLocation::External(url) => url.kind().is_queue(),
        };
        is_queue.then(|| Self(location.clone()))
    }

    /// Returns the address with the authorities, in PEM, that sign the certificates of a
    /// broker.
    #[must_use]
    pub fn with_ca(self, ca: &BrokerCa) -> Self {
        Self(self.0.with_ca(ca))
    }

    /// Whether it names an embedded broker that may be on another machine. Its peers need a
    /// cluster secret.
    pub fn needs_cluster_secret(&self) -> bool {
        self.0.needs_cluster_secret()
    }

    pub(super) fn into_location(self) -> BrokerLocation {
        self.0
    }
}

impl fmt::Display for TelemetryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn check_url(url: &BrokerUrl) -> Result<(), UrlRejection> {
    match url_check(url.kind()) {
        Ok(check) => check(url),
        Err(NoQueue::NotBuilt(feature)) => Err(UrlRejection::NotBuilt(feature)),
        Err(NoQueue::NotAQueue) => Err(UrlRejection::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_carry_telemetry_have_a_queue() {
        for kind in BrokerKind::ALL {
            let is_missing = matches!(url_check(kind), Err(NoQueue::NotAQueue));
            assert_eq!(kind.is_queue(), !is_missing, "{kind:?}");
        }
    }

    #[test]
    fn invalid_address_error_states_the_purpose_and_the_forms() {
        let error = "home".parse::<TelemetryUrl>().unwrap_err().to_string();
        let expected = "invalid telemetry queue \"home\": expected local://HOST:PORT, redis://HOST";
        assert!(error.starts_with(expected), "{error}");
    }

    #[cfg(feature = "redis")]
    #[test]
    fn queue_of_a_backplane_has_its_address() {
        for text in ["local://127.0.0.1:7000", "redis://:p@h,b"] {
            let backplane: BackplaneUrl = text.parse().unwrap();
            let queue: TelemetryUrl = text.parse().unwrap();
            assert_eq!(TelemetryUrl::of_backplane(&backplane), Some(queue));
        }
        assert!("redis://h/2".parse::<TelemetryUrl>().is_err());
    }
}
