//! A load of the node's own making, for gateways that go by it instead of sockets.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Where the figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnLoad {
    /// Whoever posts it to `/admin/load`; none until then.
    Posted,
    /// The allocator's live bytes.
    Heap,
}

/// A word that is no source of a load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown source of a load {0:?}: expected \"posted\" or \"heap\"")]
pub struct UnknownOwnLoad(String);

impl FromStr for OwnLoad {
    type Err = UnknownOwnLoad;

    fn from_str(text: &str) -> Result<Self, UnknownOwnLoad> {
        match text {
            "posted" => Ok(Self::Posted),
            "heap" => Ok(Self::Heap),
            other => Err(UnknownOwnLoad(other.to_owned())),
        }
    }
}

impl fmt::Display for OwnLoad {
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
pub(crate) struct NotALoad(f64);

/// The figure that was posted last.
#[derive(Default)]
pub(crate) struct PostedLoad(Mutex<Option<f64>>);

impl PostedLoad {
    /// Takes a figure, in whatever unit all nodes share; `None` takes it back.
    pub(crate) fn post(&self, load: Option<f64>) -> Result<(), NotALoad> {
        if let Some(load) = load.filter(|load| !(load.is_finite() && *load >= 0.0)) {
            return Err(NotALoad(load));
        }
        *self.lock() = load;
        Ok(())
    }

    pub(crate) fn read(&self) -> Option<f64> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<f64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_load_is_taken() {
        let posted = PostedLoad::default();
        assert_eq!(posted.read(), None);
        posted.post(Some(12.5)).unwrap();
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(posted.post(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(posted.read(), Some(12.5));
        posted.post(None).unwrap();
        assert_eq!(posted.read(), None);
    }

    #[test]
    fn sources() {
        for source in [OwnLoad::Posted, OwnLoad::Heap] {
            assert_eq!(source.to_string().parse(), Ok(source));
        }
        assert!("cpu".parse::<OwnLoad>().is_err());
    }
}
