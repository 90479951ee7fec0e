//! The standing tasks of a node or a gateway.

use tokio_util::sync::CancellationToken;

/// Background tasks that end when the group is dropped, also when the future that holds it is.
pub(crate) struct TaskGroup<E: FnMut()> {
    /// Cancelled when it is over.
    pub(crate) cancel: CancellationToken,
    on_drop: E,
}

impl<E: FnMut()> TaskGroup<E> {
    /// `on_drop` tells those to end whose tasks are their own.
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

impl<E: FnMut()> Drop for TaskGroup<E> {
    fn drop(&mut self) {
        (self.on_drop)();
        self.cancel.cancel();
    }
}
