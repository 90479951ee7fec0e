//! The load that an application reports, for gateways that balance by it instead of by
//! sockets.

use parking_lot::Mutex;
use strum::{Display, EnumString};

/// The source of the reported load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString)]
#[strum(
    serialize_all = "lowercase",
    parse_err_ty = UnknownLoadSource,
    parse_err_fn = unknown_source
)]
pub enum LoadSource {
    /// The value posted last to `/admin/load`; no load until the first.
    Posted,
    /// The allocator's live bytes.
    Heap,
}

/// A text that names no source of a load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid load source {0:?}: expected \"posted\" or \"heap\"")]
pub struct UnknownLoadSource(String);

fn unknown_source(text: &str) -> UnknownLoadSource {
    UnknownLoadSource(text.to_owned())
}

/// A number that is not a load.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("invalid load {0}: expected a finite number that is not below 0")]
pub(crate) struct InvalidLoad(f64);

/// The load that a node reports besides its sockets.
pub(crate) struct ReportedLoad {
    source: LoadSource,
    /// The value posted last.
    posted: Mutex<Option<f64>>,
}

impl ReportedLoad {
    pub(super) fn new(source: LoadSource) -> Self {
        Self {
            source,
            posted: Mutex::default(),
        }
    }

    /// Returns the load now, in a node with that many live bytes; `None` without a load.
    pub(super) fn current(&self, heap_bytes: Option<u64>) -> Option<f64> {
        match self.source {
            LoadSource::Posted => *self.posted.lock(),
            LoadSource::Heap => heap_bytes.map(|bytes| bytes as f64),
        }
    }

    /// Replaces the posted load, in a unit that all nodes share; `None` removes it.
    pub(crate) fn post(&self, load: Option<f64>) -> Result<(), InvalidLoad> {
        // Gateways compare the loads of their nodes, and NaN compares with nothing.
        if let Some(load) = load.filter(|load| !(load.is_finite() && *load >= 0.0)) {
            return Err(InvalidLoad(load));
        }
        *self.posted.lock() = load;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posted_load_is_finite_and_not_negative() {
        let load = ReportedLoad::new(LoadSource::Posted);
        assert_eq!(load.current(Some(1)), None);
        load.post(Some(12.5)).unwrap();
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(load.post(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(load.current(Some(1)), Some(12.5));
        load.post(None).unwrap();
        assert_eq!(load.current(Some(1)), None);
    }

    #[test]
    fn load_source_round_trips_as_text() {
        for source in [LoadSource::Posted, LoadSource::Heap] {
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        assert!("cpu".parse::<LoadSource>().is_err());
    }
}
