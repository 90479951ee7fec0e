//! The options of a worker that joins over the bus.

use std::{path::PathBuf, time::Duration};

use crate::{
    bus::{BusOptions, RunId, WorkerCapacity},
    worker::dialect::Dialect,
};

/// Variables in which schedulers number their processes, and the number of the first one.
const INDEX_VARIABLES: [(&str, u32); 3] = [
    ("JOB_COMPLETION_INDEX", 0),
    ("SLURM_PROCID", 0),
    ("TASK_SLOT", 1),
];

/// The options of a worker that joins over the bus.
#[derive(Clone)]
pub struct BusWorkerOptions {
    /// The bus.
    pub bus: BusOptions,
    /// The run.
    pub run: RunId,
    /// The segment that the worker takes.
    pub index: IndexChoice,
    /// Longest wait for the run, for a segment and for the bus.
    pub join_timeout: Duration,
    /// The folder at which relative paths of the plan begin; `None` for that of the
    /// coordinator.
    pub files: Option<PathBuf>,
    /// The limits of this machine.
    pub capacity: WorkerCapacity,
    /// A dialect in place of the plan's.
    pub dialect: Option<&'static dyn Dialect>,
}

/// The choice of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexChoice {
    /// The segment of this number, from 0.
    Fixed(u32),
    /// Any segment that is free.
    AnyFree,
}

impl IndexChoice {
    /// Returns the number that the scheduler gave this process, or any free segment where it
    /// gave none: `JOB_COMPLETION_INDEX` of a Kubernetes Job, `SLURM_PROCID`, and `TASK_SLOT`,
    /// which a Swarm service sets to `{{.Task.Slot}}` and which begins at 1.
    ///
    /// # Errors
    /// The variable and its value, if that is not such a number.
    pub fn from_environment(
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, (&'static str, String)> {
        for (name, first) in INDEX_VARIABLES {
            let Some(value) = look_up(name).filter(|value| !value.is_empty()) else {
                continue;
            };
            let number: Option<u32> = value.parse().ok();
            let index = number.and_then(|number| number.checked_sub(first));
            return index.map(Self::Fixed).ok_or((name, value));
        }
        Ok(Self::AnyFree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_that_of_the_scheduler() {
        let of = |variable: &'static str, value: &'static str| {
            IndexChoice::from_environment(move |name| (name == variable).then(|| value.to_owned()))
        };
        assert_eq!(of("JOB_COMPLETION_INDEX", "3"), Ok(IndexChoice::Fixed(3)));
        assert_eq!(of("SLURM_PROCID", "0"), Ok(IndexChoice::Fixed(0)));
        assert_eq!(of("TASK_SLOT", "1"), Ok(IndexChoice::Fixed(0)));
        assert_eq!(of("OTHER", "1"), Ok(IndexChoice::AnyFree));
        assert_eq!(of("TASK_SLOT", "0"), Err(("TASK_SLOT", "0".to_owned())));
        assert_eq!(
            of("SLURM_PROCID", "x"),
            Err(("SLURM_PROCID", "x".to_owned()))
        );
    }
}
