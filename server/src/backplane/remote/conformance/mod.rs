//! What a [`Transport`] promises, held against the real brokers.
//!
//! In reading order: `ground` (the brokers, and a node's end of a carrier),
//! `cable` (a connection that can be cut), then what is promised: `frames`,
//! `topics`, `membership_tables`, `inboxes`, `outages`. A new carrier is a new `Kind`; what is
//! true of one alone stands in its own folder.

mod fixture;
mod frames;
mod inboxes;
mod membership_tables;
mod outages;
mod tcp_proxy;
mod topics;

pub(in crate::backplane) use self::fixture::{TEST_TIMEOUT, TransportPeer, address, shared};

/// One test of each promise for each kind.
macro_rules! promises {
    ($($file:ident: $($promise:ident)*;)*) => {
        #[cfg(feature = "redis")]
        mod redis {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    super::$file::$promise::<crate::backplane::redis::RedisTransport>().await;
                }
            )*)*
        }

        #[cfg(feature = "nats")]
        mod nats {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    super::$file::$promise::<crate::backplane::nats::NatsTransport>().await;
                }
            )*)*
        }

        #[cfg(feature = "amqp")]
        mod amqp {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    super::$file::$promise::<crate::backplane::amqp::AmqpTransport>().await;
                }
            )*)*
        }
    };
}

promises! {
    frames: frames_of_each_sender_come_in_order_once what_is_for_everyone_reaches_everyone
        the_largest_frames_arrive_whole clusters_do_not_hear_each_other;
    topics: a_topic_reaches_who_listens subscribing_twice_is_subscribing_once
        many_topics_at_once;
    membership_tables: a_roster_is_replaced_only_by_who_knows_it no_update_is_lost
        a_deleted_roster_can_be_written_again
        a_writer_may_die_at_any_instant a_first_writer_may_die_at_any_instant;
    inboxes: a_removed_inbox_keeps_nothing leaving_loses_nothing_that_was_sent;
    outages: a_broker_that_ends_ends_its_connections a_broker_that_hangs_is_given_up
        a_connection_that_is_cut_is_told;
}
