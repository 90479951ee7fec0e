//! The functions of a transport, for a caller that knows its type at run time only.

use std::time::Duration;

use futures_util::future::BoxFuture;
use highwater_types::BrokerUrl;

use super::{Transport, TransportResult, clean_up::clean_up, connection::join};
use crate::{
    backplane::{
        cleaned_up::{CleanUpError, CleanedUp},
        reconnect::{Joined, JoiningNode},
    },
    id::ClusterName,
};

/// The functions of a transport whose type is known only at run time.
pub(in crate::backplane) struct TransportFunctions {
    pub(in crate::backplane) check_url: fn(&BrokerUrl) -> TransportResult<()>,
    pub(in crate::backplane) join: fn(BrokerUrl, ClusterName, Duration, JoiningNode) -> Joined,
    pub(in crate::backplane) clean_up: CleanUpFunction,
}

/// The function that removes what dead members have left.
type CleanUpFunction = fn(
    BrokerUrl,
    ClusterName,
    Duration,
    JoiningNode,
) -> BoxFuture<'static, Result<CleanedUp, CleanUpError>>;

impl TransportFunctions {
    pub(in crate::backplane) fn of<C: Transport>() -> Self {
        Self {
            check_url: C::check_url,
            join: join::<C>,
            clean_up: clean_up::<C>,
        }
    }
}
