//! The ids that the harness gives to subscriptions and receipts.
//!
//! The id of a subscription says whether its messages are acknowledged, so that a session keeps
//! no list of them. The receipt of a published message is its key.

use highwater_scenarios::plan::StompAck;

/// The receipt of the last subscription to topics.
pub const TOPICS_RECEIPT: &str = "topics";
/// The receipt of DISCONNECT.
pub const DISCONNECT_RECEIPT: &str = "disconnect";

/// The end of the id of a subscription whose messages are acknowledged.
const ACKNOWLEDGED: &str = "-ack";

/// Returns the id of a pool's subscription number `index`, which is also that of its receipt.
pub fn pool_subscription(index: usize, ack: StompAck) -> String {
    format!("s{index}{}", suffix(ack))
}

/// Returns the id of a device's subscription to its topic number `index`.
pub fn topic_subscription(index: usize, ack: StompAck) -> String {
    format!("t{index}{}", suffix(ack))
}

/// Whether the messages of a subscription are acknowledged.
pub fn is_acknowledged(subscription: &str) -> bool {
    subscription.ends_with(ACKNOWLEDGED)
}

/// Returns the word of an acknowledgement mode in a SUBSCRIBE.
pub fn ack_word(ack: StompAck) -> &'static str {
    ack.into()
}

fn suffix(ack: StompAck) -> &'static str {
    match ack {
        StompAck::Auto => "",
        StompAck::Client | StompAck::ClientIndividual => ACKNOWLEDGED,
    }
}

#[cfg(test)]
mod tests {
    use highwater_stomp::AckMode;

    use super::*;
    use crate::keys::LoadItemKey;

    #[test]
    fn id_says_whether_messages_are_acknowledged() {
        for (ack, expected) in [
            (StompAck::Auto, false),
            (StompAck::Client, true),
            (StompAck::ClientIndividual, true),
        ] {
            assert_eq!(is_acknowledged(&pool_subscription(3, ack)), expected);
            assert_eq!(is_acknowledged(&topic_subscription(3, ack)), expected);
            let mode = AckMode::parse(Some(ack_word(ack))).expect("a mode of STOMP");
            assert_eq!(mode != AckMode::Auto, expected);
        }
    }

    /// A receipt with another meaning must not be taken for that of a message.
    #[test]
    fn receipt_is_not_the_key_of_a_message() {
        let subscription = pool_subscription(0, StompAck::Client);
        for receipt in [TOPICS_RECEIPT, DISCONNECT_RECEIPT, &subscription] {
            assert_eq!(LoadItemKey::parse(receipt), None, "{receipt}");
        }
    }
}
