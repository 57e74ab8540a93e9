//! Large values that wait: the scripts find what they ask for without reading them.

use larder_protocol::call::{Look, LookReply};
use larder_protocol::{ItemId, Partition, Revision, StreamId, call, keys, limits};
use larder_tests::RedisAlone;
use redis::Value;

use crate::{Tested, accepted, item, put, text};

/// A channel of which the writes at these places are large.
async fn channel(redis: &RedisAlone, id: &ItemId, large: &[usize], writes: usize) -> anyhow::Result<Vec<StreamId>> {
    let value = "x".repeat(100_000);
    let mut ids = vec![];
    for n in 0..writes {
        ids.push(accepted(redis, id, put(if large.contains(&n) { &value } else { "small" })).await?);
    }
    Ok(ids)
}

async fn noted(redis: &RedisAlone, p: Partition) -> anyhow::Result<usize> {
    Ok(redis.command(&["XLEN", &keys::large(p)]).await?)
}

#[tokio::test]
async fn what_waits_is_told_wherever_large_values_are() -> Tested {
    let id = ItemId::new("a")?;
    let partition = Partition::of(&id);
    for large in [&[0][..], &[2], &[0, 1, 2], &[1, 2], &[0, 2], &[]] {
        let redis = RedisAlone::start().await?;
        let ids = channel(&redis, &id, large, 3).await?;
        assert_eq!(noted(&redis, partition).await?, large.len());
        for &id in &ids {
            let reply: Vec<String> = redis.run(&call::outcome(Revision { partition, id }, None)).await?;
            assert_eq!(reply[0], "pending", "{large:?}");
        }
        let state = async |at| anyhow::Ok(redis.run::<Vec<Value>>(&call::read_after(&id, at)).await?[0].clone());
        let before = StreamId { ms: ids[0].ms - 1, seq: 0 };
        assert_eq!(state(before).await?, text("current"), "{large:?}");
        assert_eq!(state(ids[0]).await?, text("pending"), "{large:?}");
        assert_eq!(state(ids[2]).await?, text("pending"), "{large:?}");
        assert_eq!(state(ids[2].next().expect("there is one")).await?, text("ahead"), "{large:?}");
        let look = Look::from(redis.run::<LookReply>(&call::look(partition)).await?);
        assert_eq!((look.pending, look.accepted), (3, large.is_empty().then_some(3)), "{large:?}");
        assert!(look.oldest.is_some());
    }
    Ok(())
}

#[tokio::test]
async fn a_call_takes_small_ones_and_then_a_large_one() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    channel(&redis, &id, &[1, 4, 5], 7).await?;
    let mut taken = vec![];
    loop {
        let committed = redis.commit(p, 128, 100_000).await?;
        assert_eq!(committed.error, "");
        taken.push(committed.applied);
        if committed.left == 0 {
            break;
        }
    }
    assert_eq!(taken, [2, 3, 1, 1]);
    assert_eq!(noted(&redis, p).await?, 0);
    assert_eq!(item(&redis, &id).await?.expect("it is there").value, b"small");
    Ok(())
}

/// Something else may have removed an entry, or made the key that notes large ones.
#[tokio::test]
async fn a_note_that_is_wrong_holds_nothing_up() -> Tested {
    let redis = RedisAlone::start().await?;
    let id = ItemId::new("a")?;
    let p = Partition::of(&id);
    let ids = channel(&redis, &id, &[1], 3).await?;
    redis.command::<u64>(&["XDEL", &keys::writes(p), &ids[1].to_string()]).await?;
    assert_eq!(redis.commit(p, 128, limits::COMMIT_MAX_BYTES).await?.applied, 2);
    assert_eq!(noted(&redis, p).await?, 0);

    redis.command::<String>(&["SET", &keys::large(p), "something else"]).await?;
    let ids = channel(&redis, &id, &[0], 2).await?;
    let state = redis.run::<Vec<Value>>(&call::read_after(&id, ids[0])).await?[0].clone();
    assert_eq!(state, text("pending"));
    assert_eq!(redis.commit(p, 128, limits::COMMIT_MAX_BYTES).await?.applied, 2);
    Ok(())
}
