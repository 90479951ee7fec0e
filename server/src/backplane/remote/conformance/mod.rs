//! The conformance suite of [`Transport`](super::Transport), against the real brokers.
//!
//! - `fixture` (the brokers, and a node's end of a transport), `tcp_proxy` (a connection that
//!   can be cut), `tls_server`;
//! - the guarantees: `frames`, `topics`, `membership_tables`, `inboxes`, `outages`,
//!   `tls`.
//!
//! Tests of behaviour that only one broker has are in its own folder.

mod fixture;
mod frames;
mod inboxes;
mod membership_tables;
mod outages;
mod tcp_proxy;
mod tls;
mod tls_server;
mod topics;

#[allow(unused_imports, reason = "the tests of one broker use some of them")]
pub(in crate::backplane) use self::fixture::{
    ConformanceTarget, TEST_TIMEOUT, TransportPeer, address, join_member, shared, wait_for_view,
    wait_until_joined,
};
#[allow(unused_imports, reason = "the tests of one broker use some of them")]
pub(in crate::backplane) use self::tls_server::{TestAuthority, TlsServer};
use crate::for_each_broker;

/// Defines one test per guarantee for a transport.
macro_rules! guarantees {
    ($transport:path: $($file:ident: $($guarantee:ident)*;)*) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $guarantee() {
                super::$file::$guarantee::<$transport>().await;
            }
        )*)*
    };
}

/// Defines a module of tests per transport.
macro_rules! define_suites {
    ([] $((
        $feature:literal, $module:ident, $kind:ident, [$($transport:ident)?], $_queue:tt, $_services:tt
    ))+) => {
        $($(
            #[cfg(feature = $feature)]
            mod $module {
                guarantees! {
                    crate::backplane::$module::$transport:
                    frames:
                        frames_of_each_sender_arrive_in_order_and_once
                        frame_to_everyone_reaches_every_node
                        largest_frames_arrive_unchanged
                        clusters_on_one_broker_are_separate;
                    topics:
                        frame_on_a_topic_reaches_its_subscribers
                        repeated_subscription_delivers_once
                        thousand_topics_are_subscribed_at_once;
                    membership_tables:
                        table_is_replaced_only_with_its_current_revision
                        concurrent_updates_are_all_kept
                        deleted_table_can_be_stored_again
                        writer_that_dies_at_any_byte_leaves_a_valid_table
                        first_writer_that_dies_at_any_byte_leaves_none_or_a_valid_table;
                    inboxes:
                        removed_inbox_keeps_no_frames
                        leaving_in_order_loses_no_sent_frame;
                    outages:
                        killed_broker_ends_its_connections
                        hung_broker_is_given_up
                        cut_connection_is_closed_and_stays_closed
                        node_moves_to_another_server_of_its_url;
                    tls:
                        certificate_is_verified_by_the_authority;
                }
            }
        )?)+
    };
}
for_each_broker!(define_suites, []);
