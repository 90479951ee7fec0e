//! The roster: compare-and-set.

use tokio::task::JoinSet;

use super::{
    super::StoredTable,
    fixture::{ConformanceTarget, TransportPeer, address, shared},
    tcp_proxy::TcpProxy,
};

pub(super) async fn a_roster_is_replaced_only_by_who_knows_it<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let a = TransportPeer::<K>::connect(&address, "a").await;
    let b = TransportPeer::<K>::connect(&address, "b").await;
    assert!(a.transport.load_table().await.unwrap().is_none());
    assert!(!a.transport.store_table(Some(1), "x".into()).await.unwrap());
    assert!(a.transport.store_table(None, "1".into()).await.unwrap());
    assert!(!b.transport.store_table(None, "x".into()).await.unwrap());
    let first = load_existing(&b).await;
    assert_eq!(first.table, "1");
    assert_eq!(
        load_existing(&a).await.revision,
        first.revision,
        "reading changes it"
    );
    assert!(
        b.transport
            .store_table(Some(first.revision), "2".into())
            .await
            .unwrap()
    );
    assert!(
        !a.transport
            .store_table(Some(first.revision), "x".into())
            .await
            .unwrap()
    );
    let second = load_existing(&a).await;
    assert_eq!(second.table, "2");
    assert_ne!(second.revision, first.revision);
}

pub(super) async fn no_update_is_lost<K: ConformanceTarget>() {
    const WRITERS: u32 = 4;
    const EACH: u32 = 10;
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let peer = TransportPeer::<K>::connect(&address, &format!("w{writer}")).await;
        writers.spawn(async move {
            for _ in 0..EACH {
                while !add_one(&peer).await {}
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let peer = TransportPeer::<K>::connect(&address, "reader").await;
    assert_eq!(number(&load_existing(&peer).await), WRITERS * EACH);
}

/// Somebody tidies up by hand. Whoever had connected may lose that connection, and
/// the next one finds nothing and writes anew.
pub(super) async fn a_deleted_roster_can_be_written_again<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let peer = TransportPeer::<K>::connect(&address, "n").await;
    assert!(peer.transport.store_table(None, "0".into()).await.unwrap());
    K::delete_table(&broker.url(), &address.cluster).await;
    match peer.transport.load_table().await {
        Ok(found) => assert!(found.is_none(), "{found:?}"),
        Err(error) => drop(error),
    }
    let again = TransportPeer::<K>::connect(&address, "n").await;
    assert!(again.transport.load_table().await.unwrap().is_none());
    assert!(add_one(&again).await);
    assert_eq!(number(&load_existing(&again).await), 1);
}

/// A writer whose connection is cut after each number of bytes it says. Whatever
/// is kept then is the old roster or the new one; it is the new one if the writer
/// was told so; and it can be replaced.
pub(super) async fn a_writer_may_die_at_any_instant<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let url = broker.url();
    let address = address::<K>(&url);
    let witness = TransportPeer::<K>::connect(&address, "witness").await;
    assert!(
        witness
            .transport
            .store_table(None, "0".into())
            .await
            .unwrap()
    );
    let mut writes = 0;
    let mut cut_after = 0;
    loop {
        let before = load_existing(&witness).await;
        let cable = TcpProxy::start(&url).await;
        let through = crate::backplane::remote::ClusterAddress {
            server: K::server_url(&cable.url(&url)),
            ..address.clone()
        };
        let writer = TransportPeer::<K>::connect(&through, "writer").await;
        cable.cut_after(cut_after);
        let next = format!("{}", number(&before) + 1);
        let told = writer
            .transport
            .store_table(Some(before.revision), next.into())
            .await;
        drop(writer);
        cable.cut();
        let after = load_existing(&witness).await;
        let wrote = number(&after) - number(&before);
        assert!(wrote <= 1, "cut after {cut_after}: {after:?}");
        assert_eq!(wrote == 1, after.revision != before.revision);
        match told {
            Ok(true) => assert_eq!(wrote, 1, "cut after {cut_after}"),
            Ok(false) => panic!("nobody else wrote"),
            Err(_) => {}
        }
        writes += wrote;
        if matches!(told, Ok(true)) && cable.has_allowance() {
            break;
        }
        cut_after += STEP;
    }
    assert!(cut_after > 5 * STEP, "nothing was cut");
    assert!(writes > 0);
    assert!(add_one(&witness).await);
}

/// The same where there is no roster yet.
pub(super) async fn a_first_writer_may_die_at_any_instant<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let url = broker.url();
    let mut cut_after = 0;
    loop {
        let address = address::<K>(&url);
        let cable = TcpProxy::start(&url).await;
        let through = crate::backplane::remote::ClusterAddress {
            server: K::server_url(&cable.url(&url)),
            ..address.clone()
        };
        let writer = TransportPeer::<K>::connect(&through, "writer").await;
        cable.cut_after(cut_after);
        let told = writer.transport.store_table(None, "1".into()).await;
        drop(writer);
        cable.cut();
        let witness = TransportPeer::<K>::connect(&address, "witness").await;
        match witness.transport.load_table().await.unwrap() {
            Some(kept) => assert_eq!(kept.table, "1"),
            None => {
                assert!(!matches!(told, Ok(true)), "cut after {cut_after}");
                while !witness
                    .transport
                    .store_table(None, "1".into())
                    .await
                    .unwrap()
                {}
            }
        }
        assert!(add_one(&witness).await, "cut after {cut_after}");
        if matches!(told, Ok(true)) && cable.has_allowance() {
            break;
        }
        cut_after += STEP;
    }
    assert!(cut_after > 5 * STEP, "nothing was cut");
}

/// Bytes between two cuts: less than the shortest message of either protocol that
/// changes anything.
const STEP: usize = 17;

async fn load_existing<K: ConformanceTarget>(peer: &TransportPeer<K>) -> StoredTable {
    peer.transport
        .load_table()
        .await
        .unwrap()
        .expect("no roster")
}

/// One round of what nodes do: load, change, store.
async fn add_one<K: ConformanceTarget>(peer: &TransportPeer<K>) -> bool {
    let kept = peer.transport.load_table().await.unwrap();
    let next = kept.as_ref().map_or(0, number) + 1;
    let revision = kept.map(|kept| kept.revision);
    peer.transport
        .store_table(revision, next.to_string().into())
        .await
        .unwrap()
}

fn number(kept: &StoredTable) -> u32 {
    std::str::from_utf8(&kept.table).unwrap().parse().unwrap()
}
