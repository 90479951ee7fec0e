//! The roster in Redis: a hash of its text and a revision that every store
//! changes.

use redis::{RedisResult, aio::ConnectionLike};

use super::StoredTable;

/// Stores unless the revision is another than the expected one, `""` for none.
const COMPARE_AND_SET: &str = "\
local kept = redis.call('HGET', KEYS[1], 'revision') or ''
if kept ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'membership_table', ARGV[3])
return 1";

pub(super) async fn load(
    mut server: impl ConnectionLike,
    key: &str,
) -> RedisResult<Option<StoredTable>> {
    let mut get = redis::cmd("HMGET");
    get.arg(key).arg("revision").arg("membership_table");
    let (revision, roster): (Option<u64>, Option<Vec<u8>>) = get.query_async(&mut server).await?;
    Ok(revision.zip(roster).map(|(revision, roster)| StoredTable {
        revision,
        table: roster.into(),
    }))
}

pub(super) async fn store(
    mut server: impl ConnectionLike,
    key: &str,
    instead_of: Option<u64>,
    roster: &[u8],
) -> RedisResult<bool> {
    let expected = instead_of.map_or_else(String::new, |revision| revision.to_string());
    // Random, so that no revision comes again when the server lost its state.
    let revision: u64 = rand::random();
    let mut eval = redis::cmd("EVAL");
    eval.arg(COMPARE_AND_SET).arg(1).arg(key);
    eval.arg(expected).arg(revision).arg(roster);
    eval.query_async(&mut server).await
}
