//! The servers: one of each kind for all tests, and some that a test has for itself
//! and may kill. Starting one takes long, RabbitMQ ten seconds, so they stay for the
//! tests to come; clusters on them do not hear each other.

use std::sync::Arc;

use highwater_services::Service;
use parking_lot::Mutex;

use super::TestBackplaneKind;

/// A server of that kind that nobody may kill.
pub(super) fn shared(kind: TestBackplaneKind) -> Arc<Service> {
    // A lock each: others need not wait for one that starts.
    static SHARED: [Mutex<Option<Arc<Service>>>; 5] = [const { Mutex::new(None) }; 5];
    let mut shared = SHARED[kind as usize].lock();
    let running =
        shared.get_or_insert_with(|| Arc::new(kind.start().with_cleanup_at_exit().unwrap()));
    Arc::clone(running)
}

/// A server for one test at a time.
pub(super) struct OwnedServer {
    /// Where it goes afterwards; `None`: it ends with the test.
    kind: Option<TestBackplaneKind>,
    /// `None` while it is being killed or started.
    service: Option<Service>,
}

/// Those that wait for the next test.
static WAITING: Mutex<Vec<(TestBackplaneKind, Service)>> = Mutex::new(Vec::new());

impl OwnedServer {
    /// One that was used before, or a fresh one.
    pub(super) fn of(kind: TestBackplaneKind) -> Self {
        let used = {
            let mut waiting = WAITING.lock();
            let at = waiting.iter().position(|(of, _)| *of == kind);
            at.map(|at| waiting.swap_remove(at).1)
        };
        let service = match used {
            Some(mut used) => {
                // A test that failed may have left it dead.
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

    /// One that ends with its test.
    pub(super) fn new(service: Service) -> Self {
        Self {
            kind: None,
            service: Some(service),
        }
    }

    pub(super) fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// Off this thread, on which nodes run.
    pub(super) async fn with(&mut self, act: impl FnOnce(&mut Service) + Send + 'static) {
        let mut taken = self.service.take().unwrap();
        let acted = tokio::task::spawn_blocking(move || {
            act(&mut taken);
            taken
        });
        self.service = Some(acted.await.unwrap());
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
