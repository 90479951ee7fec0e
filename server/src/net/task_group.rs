//! The background tasks of a node or a gateway.

use tokio_util::sync::CancellationToken;

/// Background tasks that end when the group is dropped.
pub(crate) struct TaskGroup<E: FnMut()> {
    /// Cancelled when the group is dropped.
    pub(crate) cancel: CancellationToken,
    on_drop: E,
}

impl<E: FnMut()> TaskGroup<E> {
    /// Returns an empty group. `on_drop` ends the tasks that were not spawned here.
    pub(crate) fn new(on_drop: E) -> Self {
        Self {
            cancel: CancellationToken::new(),
            on_drop,
        }
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.cancel.clone().run_until_cancelled_owned(task));
    }
}

// In `Drop`, so that the tasks also end when the future that holds the group is dropped.
impl<E: FnMut()> Drop for TaskGroup<E> {
    fn drop(&mut self) {
        (self.on_drop)();
        self.cancel.cancel();
    }
}
