//! The essential tasks of a node or a gateway, and their supervision.
//!
//! A process without one of them would look alive and serve nothing, so the process ends when
//! one ends unasked. Its supervisor (systemd, Kubernetes, …) starts it again in a whole state.

use std::sync::{Arc, OnceLock};

use strum::Display;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

/// Essential tasks that end when the group is dropped.
pub(crate) struct TaskGroup<E: FnMut()> {
    /// Cancelled when the group is dropped.
    pub(crate) cancel: CancellationToken,
    health: TaskHealth,
    on_drop: E,
}

/// Whether the essential tasks of a process run. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskHealth {
    ended: Arc<OnceLock<TaskEnded>>,
    has_ended: CancellationToken,
}

/// An essential task that ended while its process still needed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task `{task}` {ending}")]
pub struct TaskEnded {
    task: &'static str,
    ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "lowercase")]
enum Ending {
    Ended,
    Panicked,
}

impl<E: FnMut()> TaskGroup<E> {
    /// Returns an empty group. `on_drop` ends the tasks that were not spawned here.
    pub(crate) fn new(health: TaskHealth, on_drop: E) -> Self {
        Self {
            cancel: CancellationToken::new(),
            health,
            on_drop,
        }
    }

    /// Spawns a task that runs for as long as the group.
    pub(crate) fn spawn(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.spawn_until(name, &self.cancel, task);
    }

    /// Spawns a task that may end once `stop` is cancelled.
    pub(crate) fn spawn_until(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = tokio::spawn(self.cancel.clone().run_until_cancelled_owned(task));
        self.supervise(name, stop, task);
    }

    /// Supervises a task that may end once `stop` is cancelled. Returns its end.
    pub(crate) fn supervise<T: Send + 'static>(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        task: JoinHandle<T>,
    ) -> JoinHandle<()> {
        let (health, stop, cancel) = (self.health.clone(), stop.clone(), self.cancel.clone());
        tokio::spawn(async move {
            let ended = task.await;
            if !stop.is_cancelled()
                && !cancel.is_cancelled()
                && let Some(ending) = Ending::of(&ended)
            {
                health.record(TaskEnded { task: name, ending });
            }
        })
    }
}

// In `Drop`, so that the tasks also end when the future that holds the group is dropped.
impl<E: FnMut()> Drop for TaskGroup<E> {
    fn drop(&mut self) {
        (self.on_drop)();
        self.cancel.cancel();
    }
}

impl TaskHealth {
    /// Waits until a task has ended. Runs for as long as all of them run.
    pub(crate) async fn wait_ended(&self) {
        self.has_ended.cancelled().await;
    }

    /// Returns the first task that has ended.
    pub(crate) fn ended(&self) -> Option<TaskEnded> {
        self.ended.get().copied()
    }

    fn record(&self, ended: TaskEnded) {
        tracing::error!("{ended}; the process is not ready any more, drains and ends");
        // The first one is kept, because others may follow from it.
        let _ = self.ended.set(ended);
        self.has_ended.cancel();
    }
}

impl Ending {
    fn of<T>(ended: &Result<T, JoinError>) -> Option<Self> {
        match ended {
            Ok(_) => Some(Self::Ended),
            Err(error) if error.is_panic() => Some(Self::Panicked),
            // The runtime ends.
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    async fn first_end(spawn: impl FnOnce(&TaskGroup<fn()>)) -> String {
        let health = TaskHealth::default();
        let group = TaskGroup::<fn()>::new(health.clone(), || {});
        group.spawn("other", pending());
        spawn(&group);
        health.wait_ended().await;
        health.ended().unwrap().to_string()
    }

    #[tokio::test]
    async fn task_that_ends_or_panics_is_named() {
        let ended = first_end(|group| group.spawn("wheel", ready(()))).await;
        assert_eq!(ended, "the task `wheel` ended");
        let panicked = first_end(|group| group.spawn("wheel", async { panic!("test") })).await;
        assert_eq!(panicked, "the task `wheel` panicked");
    }

    #[tokio::test]
    async fn task_that_was_stopped_is_no_failure() {
        let (health, stop) = (TaskHealth::default(), CancellationToken::new());
        let group = TaskGroup::new(health.clone(), || {});
        let task = tokio::spawn(stop.clone().cancelled_owned());
        let end = group.supervise("listener", &stop, task);
        stop.cancel();
        end.await.unwrap();
        let task = tokio::spawn(group.cancel.clone().cancelled_owned());
        let end = group.supervise("listener", &CancellationToken::new(), task);
        drop(group);
        end.await.unwrap();
        assert_eq!(health.ended(), None);
    }
}
