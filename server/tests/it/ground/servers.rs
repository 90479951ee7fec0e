//! The servers under the backplanes.
//!
//! All tests share one server of each kind; a test that kills its server has one of its
//! own. A start takes long (RabbitMQ: ten seconds), so servers are kept for later tests.
//! Clusters on one server are separate.

use std::sync::{Arc, OnceLock};

use highwater_services::Service;
use parking_lot::Mutex;

use super::TestBackplaneKind;

/// Returns the shared server of this kind. No test may kill it.
pub(super) fn shared(kind: TestBackplaneKind) -> Arc<Service> {
    type Cell = Arc<OnceLock<Arc<Service>>>;
    static SHARED: Mutex<Vec<(TestBackplaneKind, Cell)>> = Mutex::new(Vec::new());
    // One cell each, so that a start does not block tests on other servers.
    let cell = {
        let mut shared = SHARED.lock();
        let known = shared.iter().find(|(known, _)| *known == kind);
        known.map(|(_, cell)| Arc::clone(cell)).unwrap_or_else(|| {
            let cell = Cell::default();
            shared.push((kind, Arc::clone(&cell)));
            cell
        })
    };
    let start = || Arc::new(kind.start().with_cleanup_at_exit().unwrap());
    Arc::clone(cell.get_or_init(start))
}

/// A server of one test.
pub(super) struct OwnedServer {
    /// The kind of tests that reuse the server later; `None` ends it with the test.
    kind: Option<TestBackplaneKind>,
    /// The server; `None` while it is being killed or started.
    service: Option<Service>,
}

/// The servers that wait for the next test.
static WAITING: Mutex<Vec<(TestBackplaneKind, Service)>> = Mutex::new(Vec::new());

impl OwnedServer {
    /// Takes a server that an earlier test used, or starts one.
    pub(super) fn of(kind: TestBackplaneKind) -> Self {
        let used = {
            let mut waiting = WAITING.lock();
            let at = waiting.iter().position(|(of, _)| *of == kind);
            at.map(|at| waiting.swap_remove(at).1)
        };
        let service = match used {
            Some(mut used) => {
                // A failed test may have left it dead.
                if !used.is_ready() {
                    used.restart().unwrap();
                }
                used
            }
            None => kind.start().with_cleanup_at_exit().unwrap(),
        };
        Self {
            kind: Some(kind),
            service: Some(service),
        }
    }

    /// Wraps a server that ends with its test.
    pub(super) fn new(service: Service) -> Self {
        Self {
            kind: None,
            service: Some(service),
        }
    }

    pub(super) fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// Runs a blocking action on another thread, because nodes run on this one.
    pub(super) async fn with(&mut self, action: impl FnOnce(&mut Service) + Send + 'static) {
        let mut service = self.service.take().unwrap();
        let done = tokio::task::spawn_blocking(move || {
            action(&mut service);
            service
        });
        self.service = Some(done.await.unwrap());
    }
}

impl Drop for OwnedServer {
    fn drop(&mut self) {
        if let (Some(kind), Some(service)) = (self.kind, self.service.take()) {
            let mut waiting = WAITING.lock();
            waiting.push((kind, service));
        }
    }
}
