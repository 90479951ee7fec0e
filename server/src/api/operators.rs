//! The access of operators to a process that has no other clients with tokens.

use axum::extract::Request;

use super::{AdminAccess, AdminRejected, AllowedOrigins, ApiError};
use crate::{
    auth::{LoginLimit, Secret},
    net::listener::Client,
};

/// The one account of the admin token.
const ADMIN_ACCOUNT: &str = "";

/// The check of the admin token, which limits wrong ones.
pub(crate) struct OperatorAccess {
    access: AdminAccess,
    limit: LoginLimit,
}

impl OperatorAccess {
    /// Returns the check of this token; `None` lets every caller in.
    pub(crate) fn new(token: Option<Secret>) -> Self {
        Self {
            access: token.map_or(AdminAccess::Open, AdminAccess::Token),
            limit: LoginLimit::default(),
        }
    }

    /// Checks a request of an operator.
    pub(crate) fn check(&self, request: &Request) -> Result<(), ApiError> {
        // No page of another site has to do with such a process.
        let origins = AllowedOrigins::default();
        let check = || {
            self.access
                .check(request.method(), request.headers(), &origins)
        };
        let client = request.extensions().get::<Client>();
        let (AdminAccess::Token(_), Some(client)) = (&self.access, client) else {
            return check().map_err(ApiError::from);
        };
        let client = client.address;
        self.limit
            .check(ADMIN_ACCOUNT, client)
            .map_err(|reached| ApiError::too_many_attempts(reached.reason, reached.wait))?;
        check()
            .inspect(|()| self.limit.record_right(ADMIN_ACCOUNT, client))
            .map_err(|rejected| {
                if let AdminRejected::WrongToken = rejected {
                    self.limit.record_wrong(ADMIN_ACCOUNT, client);
                }
                rejected.into()
            })
    }
}
