//! A broker whose client library this build lacks.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, ready};
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerUrl;

use super::driver::BrokerDriver;
use crate::sampling::{GaugeSource, Gauges};

/// The driver of a broker that needs a Cargo feature, which is named here.
pub(super) struct NotBuilt(pub(super) &'static str);

impl NotBuilt {
    fn reason(&self) -> String {
        let Self(feature) = self;
        format!("this build has no {feature} client; build it with `--features {feature}`")
    }
}

impl BrokerDriver for NotBuilt {
    fn check_connection<'b>(&self, _: &'b BrokerUrl) -> BoxFuture<'b, Result<(), String>> {
        ready(Err(self.reason())).boxed()
    }

    fn cleanup<'b>(
        &self,
        _: &'b BrokerUrl,
        _: &'b str,
    ) -> BoxFuture<'b, Result<Vec<String>, String>> {
        ready(Err(self.reason())).boxed()
    }

    fn gauge_source(&self, _: &BrokerSpec, _: &str) -> Option<Arc<dyn GaugeSource>> {
        None
    }

    fn parse_gauges(&self, _: &str) -> Option<Gauges> {
        None
    }

    fn start_command(&self, _: u16) -> String {
        format!("cargo build --release --features {}", self.0)
    }

    fn process_names(&self) -> &'static [&'static str] {
        &[]
    }
}
