//! The goose users of a worker's share of a plan.

use std::sync::Arc;

use highwater_scenarios::{
    Plan, Segment,
    plan::{LoadModel, PublishFrom},
    segment::UserSlot,
};

use super::{
    commands::{closed, open},
    context::Context,
    devices::{batch, schedule::BatchPart},
    exchanges,
    http_clients::HttpClients,
    messages::http_publisher,
};

/// The work of one goose user.
#[derive(Debug, Clone, Copy)]
pub enum UserRole {
    /// A batch of sockets.
    SocketBatch(BatchPart),
    /// A virtual user of a closed load.
    ClosedUser {
        /// Number of the load in the plan.
        load: usize,
        /// The user's number and start.
        slot: UserSlot,
    },
    /// The one user of an open load.
    ArrivalDispatcher {
        /// Number of the load in the plan.
        load: usize,
    },
    /// A virtual user of closed messages.
    MessageUser {
        /// Number of the load in the plan.
        load: usize,
        /// The user's number and start.
        slot: UserSlot,
    },
    /// The one user of open messages.
    MessageDispatcher {
        /// Number of the load in the plan.
        load: usize,
    },
    /// A publisher that calls the HTTP interface.
    HttpPublisher {
        /// Number of the load in the plan.
        load: usize,
        /// Number of the publisher in the load.
        number: u64,
    },
    /// No work: the run has more workers than work.
    Idle,
}

impl UserRole {
    /// Does all of the user's work. Returns once the run needs the user no longer.
    pub async fn run(self, context: Arc<Context>, clients: HttpClients) {
        match self {
            Self::SocketBatch(part) => batch::run(context, part).await,
            Self::ClosedUser { load, slot } => closed::run(&context, &clients, load, slot).await,
            Self::ArrivalDispatcher { load } => open::run(context, clients, load).await,
            Self::MessageUser { load, slot } => {
                exchanges::closed::run(&context, load, slot).await;
            }
            Self::MessageDispatcher { load } => exchanges::open::run(&context, load).await,
            Self::HttpPublisher { load, number } => {
                http_publisher::run(&context, &clients, load, number).await;
            }
            Self::Idle => context.signals.close.cancelled().await,
        }
    }
}

/// Returns one role per goose user, and at least one role.
///
/// Batches of sockets come first: the ramp begins before any command or message is due.
pub fn user_roles(plan: &Plan, segment: Segment) -> Vec<UserRole> {
    let mut roles: Vec<_> = batch::parts(plan, segment)
        .map(UserRole::SocketBatch)
        .collect();
    for (load, publish) in plan.publish.iter().enumerate() {
        // Publishers that are devices belong to the batch of their socket.
        if publish.from == PublishFrom::Rest {
            let publishers = segment.indices(publish.publishers);
            roles.extend(publishers.map(|number| UserRole::HttpPublisher { load, number }));
        }
    }
    for (load, commands) in plan.commands.iter().enumerate() {
        match commands.model {
            LoadModel::Closed { .. } => {
                let users = segment.users(&commands.model);
                roles.extend(users.map(|slot| UserRole::ClosedUser { load, slot }));
            }
            // Every worker gets a dispatcher, which computes its share of the arrivals.
            LoadModel::Open { .. } => roles.push(UserRole::ArrivalDispatcher { load }),
        }
    }
    for (load, messages) in plan.messages.iter().enumerate() {
        // A worker without devices of the pool sends none of its messages.
        let Some(part) = messages.segment_of(segment) else {
            continue;
        };
        match messages.model {
            LoadModel::Closed { .. } => {
                let users = messages.users(part);
                roles.extend(users.map(|slot| UserRole::MessageUser { load, slot }));
            }
            LoadModel::Open { .. } => roles.push(UserRole::MessageDispatcher { load }),
        }
    }
    if roles.is_empty() {
        // Goose refuses to run without a user.
        roles.push(UserRole::Idle);
    }
    roles
}
