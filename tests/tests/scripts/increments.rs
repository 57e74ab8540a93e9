//! Adding to integers.

use std::time::Duration;

use larder_protocol::call::{CommitReply, Committed};
use larder_protocol::{Content, ItemId, Metadata, NotAdded, Operation, Outcome, Partition, Write, call, keys, limits};
use larder_tests::RedisAlone;

use crate::{Tested, accepted, commit_all, item, put_with};

async fn incremented(redis: &RedisAlone, id: &ItemId, by: i64) -> anyhow::Result<Outcome> {
    let operation = Operation::Increment { by, ttl: None };
    let write = Write { wait: Some(Duration::from_secs(60)), ..operation.into() };
    let (p, revision) = (Partition::of(id), accepted(redis, id, write).await?);
    redis.commit(p, 128, limits::COMMIT_MAX_BYTES).await?;
    let reply: Vec<String> = redis.run(&call::take_outcomes(p, [revision])).await?;
    Ok(reply[0].parse()?)
}

#[tokio::test]
async fn integers_are_added_to_exactly_and_only_integers_are() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    assert_eq!(incremented(&redis, &id, 5).await?, Outcome::Incremented(5));
    // Beyond 2^53, where a number of Lua skips some.
    assert_eq!(incremented(&redis, &id, i64::MAX - 6).await?, Outcome::Incremented(i64::MAX - 1));
    assert_eq!(incremented(&redis, &id, 1).await?, Outcome::Incremented(i64::MAX));
    assert_eq!(incremented(&redis, &id, 1).await?, Outcome::NotAdded(NotAdded::Overflow));
    assert_eq!(incremented(&redis, &id, i64::MIN).await?, Outcome::Incremented(-1));
    assert_eq!(item(&redis, &id).await?.unwrap().value, b"-1");
    let long = format!("1{}", "0".repeat(10_000));
    for value in ["", "+1", " 1", "1 ", "1\n", "01", "-0", "1.0", "1e3", "0x1", "9223372036854775808", "one", &long] {
        let text = put_with(value, None);
        accepted(&redis, &id, text).await?;
        assert_eq!(incremented(&redis, &id, 1).await?, Outcome::NotAdded(NotAdded::NoInteger), "{value:?}");
        assert_eq!(item(&redis, &id).await?.unwrap().value, value.as_bytes());
    }
    let left: Vec<String> = redis.command(&["KEYS", "*:scratch"]).await?;
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}

#[tokio::test]
async fn an_increment_changes_the_value_and_nothing_else() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    // The largest header block that there is, and the longest integer.
    let names = ('a'..='z').map(String::from).chain((0..682).map(|n| format!("{n:03}")).take(674));
    let texts: Vec<_> = names.map(|name| (name, "")).collect();
    let metadata = Metadata::new(texts.iter().map(|(name, text)| (name.as_str(), *text)))?;
    let content_type = format!("text/plain; charset={}", "x".repeat(limits::MAX_CONTENT_TYPE_BYTES - 20));
    let content = Content::new(Some(&content_type), i64::MIN.to_string().into())?.with_metadata(metadata.clone());
    let hour = Duration::from_secs(3_600);
    let put = accepted(&redis, &id, Operation::Put { content, ttl: Some(hour) }.into()).await?;
    commit_all(&redis, p).await?;

    assert_eq!(incremented(&redis, &id, 1).await?, Outcome::Incremented(i64::MIN + 1));
    let after = item(&redis, &id).await?.unwrap();
    assert_eq!((after.head.content_type, after.head.metadata), (content_type, metadata));
    assert_eq!(after.head.expires_at_ms, Some(put.ms + 3_600_000));
    let key = keys::item(&id);
    assert_eq!(redis.command::<u64>(&["PEXPIRETIME", &key]).await?, put.ms + 3_600_000);
    let ends: Vec<u64> = redis.command(&["ZMSCORE", &keys::expiry(p), id.as_str()]).await?;
    assert_eq!(ends, [put.ms + 3_600_000]);

    let longer = accepted(&redis, &id, Operation::Increment { by: 0, ttl: Some(2 * hour) }.into()).await?;
    commit_all(&redis, p).await?;
    assert_eq!(redis.command::<u64>(&["PEXPIRETIME", &key]).await?, longer.ms + 7_200_000);
    Ok(())
}

/// An entry that is still at the head although it was applied is not applied again.
#[tokio::test]
async fn an_increment_that_is_tried_again_adds_nothing() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    accepted(&redis, &id, Operation::Increment { by: 5, ttl: None }.into()).await?;
    let commit = call::commit(Partition::of(&id), 10, 1_000, limits::DEFAULT_CHANGES_KEPT);
    let forgetful = commit.script.source().replace("if #done > 0 then left", "if false then left");
    for _ in 0..3 {
        let Committed { applied, left, .. } = redis.run_source::<CommitReply>(&forgetful, &commit).await?.into();
        assert_eq!((applied, left), (1, 1));
        assert_eq!(item(&redis, &id).await?.unwrap().value, b"5");
    }
    Ok(())
}
