//! The keys by which a load states its load model.

use std::time::Duration;

use highwater_types::Rate;

use super::Field;
use crate::plan::LoadModel;

/// The keys of a section that say when actions are due.
pub(crate) struct ModelKeys<'s> {
    pub(crate) users: &'s Field<u64>,
    pub(crate) think: &'s Field<Duration>,
    pub(crate) rate: &'s Field<Rate>,
    pub(crate) max_in_flight: &'s Field<u64>,
}

impl ModelKeys<'_> {
    /// Resolves the load model; `None` for both and for neither, which a rule reports.
    pub(crate) fn resolve(&self) -> Option<LoadModel> {
        match (self.users.value, self.rate.value) {
            (Some(users), None) => Some(LoadModel::Closed {
                users,
                think: self.think.value?,
            }),
            (None, Some(rate)) => Some(LoadModel::Open {
                rate,
                max_in_flight: self.max_in_flight.value?,
            }),
            _ => None,
        }
    }
}
