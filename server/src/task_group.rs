//! The standing tasks of a node or a gateway.

use tokio_util::sync::CancellationToken;

/// They end with it, however that comes: also when the future that holds it is dropped.
pub(crate) struct Life<E: FnMut()> {
    /// Cancelled when it is over.
    pub(crate) over: CancellationToken,
    at_end: E,
}

impl<E: FnMut()> Life<E> {
    /// `at_end` tells those to end whose tasks are their own.
    pub(crate) fn new(at_end: E) -> Self {
        Self {
            over: CancellationToken::new(),
            at_end,
        }
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.over.clone().run_until_cancelled_owned(task));
    }
}

impl<E: FnMut()> Drop for Life<E> {
    fn drop(&mut self) {
        (self.at_end)();
        self.over.cancel();
    }
}
