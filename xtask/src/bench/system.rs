//! A system that a comparison runs, and the broker that it needs.

use highwater_services::{Service, ServiceError};

/// A system to compare with its neighbours.
pub(in crate::bench) struct System {
    /// The name in `--only` and in the table.
    pub(in crate::bench) name: &'static str,
    start: Option<fn() -> Result<Service, ServiceError>>,
}

impl System {
    /// Returns the system of the embedded broker, which each run starts itself.
    pub(in crate::bench) const fn embedded() -> Self {
        Self {
            name: "embedded",
            start: None,
        }
    }

    /// Returns a system with a broker that the comparison starts.
    pub(in crate::bench) const fn external(
        name: &'static str,
        start: fn() -> Result<Service, ServiceError>,
    ) -> Self {
        Self {
            name,
            start: Some(start),
        }
    }

    /// Starts its broker; `None` for the embedded one.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub(in crate::bench) fn start(&self) -> Result<Option<Service>, ServiceError> {
        self.start.map(|start| start()).transpose()
    }
}
