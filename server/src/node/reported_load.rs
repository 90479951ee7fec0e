//! A load of the node's own making, for gateways that go by it instead of sockets.

use std::{fmt, str::FromStr};

use parking_lot::{Mutex, MutexGuard};

/// Where the figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadSource {
    /// Whoever posts it to `/admin/load`; none until then.
    Posted,
    /// The allocator's live bytes.
    Heap,
}

/// A word that is no source of a load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown source of a load {0:?}: expected \"posted\" or \"heap\"")]
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

/// A figure that is no load.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a load of {0} is none: expected a number that is finite and not below 0")]
pub(crate) struct InvalidLoad(f64);

/// The figure that was posted last.
#[derive(Default)]
pub(crate) struct PostedLoad(Mutex<Option<f64>>);

impl PostedLoad {
    /// Takes a figure, in whatever unit all nodes share; `None` takes it back.
    pub(crate) fn set(&self, load: Option<f64>) -> Result<(), InvalidLoad> {
        if let Some(load) = load.filter(|load| !(load.is_finite() && *load >= 0.0)) {
            return Err(InvalidLoad(load));
        }
        *self.lock() = load;
        Ok(())
    }

    pub(crate) fn get(&self) -> Option<f64> {
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
    fn only_a_load_is_taken() {
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
    fn sources() {
        for source in [LoadSource::Posted, LoadSource::Heap] {
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        assert!("cpu".parse::<LoadSource>().is_err());
    }
}
