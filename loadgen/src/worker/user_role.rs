//! The interface of a goose user.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Client;

use super::context::Context;

/// The work of one goose user.
///
/// A role lives in the file of what it does: a batch of sockets, a virtual user, a
/// publisher. The goose attack knows nothing of a role but this trait.
pub trait UserRole: Send {
    /// Does all of the user's work. Returns once the run needs the user no longer.
    fn run(self: Box<Self>, context: Arc<Context>, client: Client) -> BoxFuture<'static, ()>;
}
