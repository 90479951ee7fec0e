//! The load that an application reports, for gateways that balance by it instead of by
//! sockets.

use std::{fmt, str::FromStr};

use parking_lot::{Mutex, MutexGuard};

/// The source of the reported load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl FromStr for LoadSource {
    type Err = UnknownLoadSource;

    fn from_str(text: &str) -> Result<Self, UnknownLoadSource> {
        match text {
            "posted" => Ok(Self::Posted),
            "heap" => Ok(Self::Heap),
            other => Err(UnknownLoadSource(other.to_owned())),
        }
    }
}

impl fmt::Display for LoadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Posted => "posted",
            Self::Heap => "heap",
        })
    }
}

/// A number that is not a load.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("invalid load {0}: expected a finite number that is not below 0")]
pub(crate) struct InvalidLoad(f64);

/// The load that a node reports besides its sockets.
pub(crate) struct ReportedLoad {
    source: LoadSource,
    heap_probe: Option<fn() -> Option<u64>>,
    pub(crate) posted: PostedLoad,
}

impl ReportedLoad {
    pub(super) fn new(source: LoadSource, heap_probe: Option<fn() -> Option<u64>>) -> Self {
        Self {
            source,
            heap_probe,
            posted: PostedLoad::default(),
        }
    }

    /// Returns the load now; `None` without a load.
    pub(crate) fn current(&self) -> Option<f64> {
        match self.source {
            LoadSource::Posted => self.posted.get(),
            LoadSource::Heap => {
                let bytes = self.heap_probe.and_then(|probe| probe());
                bytes.map(|bytes| bytes as f64)
            }
        }
    }
}

/// The load that was posted last.
#[derive(Default)]
pub(crate) struct PostedLoad(Mutex<Option<f64>>);

impl PostedLoad {
    /// Replaces the load, in a unit that all nodes share; `None` removes it.
    pub(crate) fn set(&self, load: Option<f64>) -> Result<(), InvalidLoad> {
        if let Some(load) = load.filter(|load| !(load.is_finite() && *load >= 0.0)) {
            return Err(InvalidLoad(load));
        }
        *self.lock() = load;
        Ok(())
    }

    fn get(&self) -> Option<f64> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<f64>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posted_load_is_finite_and_not_negative() {
        let posted = PostedLoad::default();
        assert_eq!(posted.get(), None);
        posted.set(Some(12.5)).unwrap();
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(posted.set(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(posted.get(), Some(12.5));
        posted.set(None).unwrap();
        assert_eq!(posted.get(), None);
    }

    #[test]
    fn load_source_round_trips_as_text() {
        for source in [LoadSource::Posted, LoadSource::Heap] {
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        assert!("cpu".parse::<LoadSource>().is_err());
    }
}
