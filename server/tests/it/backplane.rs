//! The conformance suite of the backplane: the promises of the trait, against
//! every implementation. A new one is a new `Kind`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use highwater_server::{
    NodeId, Topic,
    backplane::{
        Backplane, Identity, Inbound, Joined, MAX_PAYLOAD_BYTES, RequestError, SendError, join,
    },
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::rig::{Broker, PATIENCE};

/// A backplane under test and what keeps it alive.
struct Ground {
    url: String,
    _broker: Option<Broker>,
}

enum Kind {
    Local,
}

impl Kind {
    const ALL: [Self; 1] = [Self::Local];

    fn ground(&self) -> Ground {
        match self {
            Self::Local => {
                let broker = Broker::start();
                Ground {
                    url: broker.url(),
                    _broker: Some(broker),
                }
            }
        }
    }
}

struct Peer {
    id: NodeId,
    joined: Joined,
    leave: CancellationToken,
}

impl Peer {
    fn join(ground: &Ground, id: &str) -> Self {
        let leave = CancellationToken::new();
        let id: NodeId = id.parse().unwrap();
        let identity = Identity {
            id: id.clone(),
            boot: 1,
            address: Some("h:1".to_owned()),
        };
        let url = ground.url.parse().unwrap();
        Self {
            id,
            joined: join(Some(&url), identity, leave.clone()),
            leave,
        }
    }

    fn backplane(&self) -> &Arc<dyn Backplane> {
        &self.joined.backplane
    }

    async fn sees(&self, count: usize) {
        let mut view = self.backplane().view();
        let seen = view.wait_for(|view| view.connected && view.members.len() == count);
        timeout(PATIENCE, seen)
            .await
            .expect("the members are not seen")
            .unwrap();
    }

    async fn next(&mut self) -> Inbound {
        timeout(PATIENCE, self.joined.inbox.recv())
            .await
            .expect("nothing came")
            .unwrap()
    }
}

async fn three(ground: &Ground) -> [Peer; 3] {
    let peers = ["a", "b", "c"].map(|id| Peer::join(ground, id));
    for peer in &peers {
        peer.sees(3).await;
    }
    peers
}

fn soon() -> Instant {
    Instant::now() + PATIENCE
}

#[tokio::test]
async fn everybody_sees_the_same_members_in_growing_versions() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, b, c] = three(&ground).await;
        let view = a.backplane().view().borrow().clone();
        let ids: Vec<_> = view
            .members
            .iter()
            .map(|member| member.id.as_str())
            .collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert_eq!(view.members[0].address.as_deref(), Some("h:1"));
        c.leave.cancel();
        a.sees(2).await;
        b.sees(2).await;
        assert!(a.backplane().view().borrow().version > view.version);
    }
}

#[tokio::test]
async fn messages_between_two_nodes_keep_their_order() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, mut b, _c] = three(&ground).await;
        for number in 0..1000_u32 {
            let payload = Bytes::copy_from_slice(&number.to_be_bytes());
            a.backplane().send(&b.id, payload).unwrap();
        }
        for number in 0..1000_u32 {
            match b.next().await {
                Inbound::Message { from, payload } => {
                    assert_eq!(from, a.id);
                    assert_eq!(payload[..], number.to_be_bytes());
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_request_gets_its_own_reply() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, mut b, _c] = three(&ground).await;
        let first = a
            .backplane()
            .request(&b.id, Bytes::from_static(b"1"), soon());
        let second = a
            .backplane()
            .request(&b.id, Bytes::from_static(b"2"), soon());
        let mut asked = Vec::new();
        for _ in 0..2 {
            let Inbound::Request {
                from,
                reply_to,
                payload,
            } = b.next().await
            else {
                panic!()
            };
            assert_eq!(from, a.id);
            asked.push((reply_to, payload));
        }
        for (reply_to, payload) in asked.into_iter().rev() {
            b.backplane().reply(&reply_to, payload).unwrap();
        }
        assert_eq!(first.await.unwrap(), "1");
        assert_eq!(second.await.unwrap(), "2");
    }
}

#[tokio::test]
async fn a_forwarded_request_is_answered_by_the_other() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, mut b, mut c] = three(&ground).await;
        let answer = a
            .backplane()
            .request(&b.id, Bytes::from_static(b"q"), soon());
        let Inbound::Request { reply_to, .. } = b.next().await else {
            panic!()
        };
        b.backplane()
            .forward(&reply_to, &c.id, Bytes::from_static(b"for c"))
            .unwrap();
        let Inbound::Request {
            from,
            reply_to,
            payload,
        } = c.next().await
        else {
            panic!()
        };
        assert_eq!((from, &payload[..]), (b.id.clone(), &b"for c"[..]));
        c.backplane()
            .reply(&reply_to, Bytes::from_static(b"from c"))
            .unwrap();
        assert_eq!(answer.await.unwrap(), "from c");
    }
}

#[tokio::test]
async fn a_request_ends_when_the_node_that_has_it_leaves() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, mut b, mut c] = three(&ground).await;
        let asked = a.backplane().request(&c.id, Bytes::new(), soon());
        let forwarded = a.backplane().request(&b.id, Bytes::new(), soon());
        let Inbound::Request { reply_to, .. } = b.next().await else {
            panic!()
        };
        b.backplane()
            .forward(&reply_to, &c.id, Bytes::new())
            .unwrap();
        c.next().await;
        c.next().await;
        c.leave.cancel();
        assert_eq!(asked.await, Err(RequestError::Left(c.id.clone())));
        assert_eq!(forwarded.await, Err(RequestError::Left(c.id.clone())));
    }
}

#[tokio::test]
async fn no_reply_by_the_deadline_names_who_had_it() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, b, _c] = three(&ground).await;
        let deadline = Instant::now() + Duration::from_millis(20);
        let answer = a.backplane().request(&b.id, Bytes::new(), deadline).await;
        assert_eq!(answer, Err(RequestError::Deadline { at: b.id.clone() }));
    }
}

#[tokio::test]
async fn what_cannot_be_sent_says_so() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, b, _c] = three(&ground).await;
        let nobody: NodeId = "nobody".parse().unwrap();
        let refused = a.backplane().send(&nobody, Bytes::new());
        assert_eq!(refused, Err(SendError::NotMember(nobody)));
        let big = Bytes::from(vec![0; MAX_PAYLOAD_BYTES + 1]);
        assert_eq!(
            a.backplane().send(&b.id, big),
            Err(SendError::TooLarge(MAX_PAYLOAD_BYTES + 1))
        );
        let largest = Bytes::from(vec![0; MAX_PAYLOAD_BYTES]);
        assert_eq!(a.backplane().send(&b.id, largest), Ok(()));
    }
}

#[tokio::test]
async fn a_topic_reaches_subscribers_and_not_the_publisher() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, mut b, mut c] = three(&ground).await;
        let topic: Topic = "t".parse().unwrap();
        for peer in [&a, &b] {
            peer.backplane().subscribe(&topic);
        }
        // A round trip by the same road: the subscription has arrived before it.
        let answer = b.backplane().request(&c.id, Bytes::new(), soon());
        let Inbound::Request { reply_to, .. } = c.next().await else {
            panic!()
        };
        c.backplane().reply(&reply_to, Bytes::new()).unwrap();
        answer.await.unwrap();
        for payload in ["1", "2"] {
            a.backplane()
                .publish(&topic, Bytes::from_static(payload.as_bytes()))
                .unwrap();
        }
        a.backplane()
            .send(&c.id, Bytes::from_static(b"after"))
            .unwrap();
        for expected in ["1", "2"] {
            match b.next().await {
                Inbound::Published { topic: of, payload } => {
                    assert_eq!((&of, &payload[..]), (&topic, expected.as_bytes()));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(
            matches!(c.next().await, Inbound::Message { .. }),
            "c did not subscribe"
        );
        b.backplane().unsubscribe(&topic);
        let answer = b.backplane().request(&a.id, Bytes::new(), soon());
        let mut a = a;
        let Inbound::Request { reply_to, .. } = a.next().await else {
            panic!("a heard itself")
        };
        a.backplane().reply(&reply_to, Bytes::new()).unwrap();
        answer.await.unwrap();
        a.backplane()
            .publish(&topic, Bytes::from_static(b"3"))
            .unwrap();
        a.backplane()
            .send(&b.id, Bytes::from_static(b"after"))
            .unwrap();
        assert!(
            matches!(b.next().await, Inbound::Message { .. }),
            "b unsubscribed"
        );
    }
}

#[tokio::test]
async fn traffic_is_counted() {
    for kind in Kind::ALL {
        let ground = kind.ground();
        let [a, mut b, _c] = three(&ground).await;
        let (messages, bytes) = a.backplane().traffic().sent();
        a.backplane()
            .send(&b.id, Bytes::from_static(&[0; 100]))
            .unwrap();
        b.next().await;
        assert!(a.backplane().traffic().sent().0 > messages);
        assert!(a.backplane().traffic().sent().1 >= bytes + 100);
        assert!(b.backplane().traffic().received().1 >= 100);
    }
}
