//! The errors of calls to the service.

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::Error;

use crate::InvalidPubSubUrl;

/// An error while creating clients.
#[derive(Debug, thiserror::Error)]
pub enum PubSubError {
    /// The address names no project.
    #[error(transparent)]
    Address(#[from] InvalidPubSubUrl),
    /// The environment has credentials that cannot be read.
    #[error("cannot read Google's application default credentials: {0}")]
    Credentials(#[from] google_cloud_auth::build_errors::Error),
    /// The client library rejects the endpoint.
    #[error("cannot create a client of Pub/Sub: {0}")]
    Client(#[from] google_cloud_gax::client_builder::Error),
}

/// Whether the service knows no resource of the name.
pub fn is_missing(error: &Error) -> bool {
    code(error) == Some(Code::NotFound)
}

/// Whether a resource of the name exists already.
pub fn is_existing(error: &Error) -> bool {
    code(error) == Some(Code::AlreadyExists)
}

fn code(error: &Error) -> Option<Code> {
    error.status().map(|status| status.code)
}
