//! Behaviour of the queue that only Google Pub/Sub has: an emulator that comes back.

use super::returned_broker::assert_used_again;
use crate::ground::TestBackplaneKind;

/// The emulator keeps nothing when it is killed, so this shows only that the node and the consumer
/// find it again and create what it has lost.
#[tokio::test]
async fn killed_emulator_is_used_again_when_it_is_back() {
    if TestBackplaneKind::PubSub.can_start() {
        assert_used_again(TestBackplaneKind::PubSub).await;
    }
}
