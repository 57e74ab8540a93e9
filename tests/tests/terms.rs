//! A new primary that lacks the end of a stream, and whose clock is behind, gives out no revision again; and the
//! writes that were lost are told from those that were not.

use anyhow::Context as _;
use larder_protocol::{Content, ItemId, Operation, Partition, StreamId, Write, call};
use larder_system::Clock;
use larder_tests::RedisAlone;
use redis::{Value, from_redis_value};

type Tested = anyhow::Result<()>;

/// How far the clock of the new primary is behind, in seconds.
const BEHIND: i64 = -10;

/// Two Redis that had the same, until one went on without the other.
struct Pair {
    id: ItemId,
    old: RedisAlone,
    new: RedisAlone,
}

impl Pair {
    /// A primary, and a replica whose clock is behind.
    async fn start() -> anyhow::Result<Self> {
        let (old, mut new) = (RedisAlone::start().await?, RedisAlone::start().await?);
        new.server.set_clock(Clock::Ahead(BEHIND));
        new.restart().await?;
        new.direct.command::<()>(&["REPLICAOF", "127.0.0.1", &old.server.port().to_string()]).await?;
        Ok(Self { id: ItemId::new("a")?, old, new })
    }

    fn partition(&self) -> Partition {
        Partition::of(&self.id)
    }

    async fn start_terms(&self) -> Tested {
        self.old.run::<Vec<u64>>(&call::start_terms(self.partition())).await?;
        Ok(())
    }

    /// Waits until the replica has everything.
    async fn level(&self) -> Tested {
        larder_tests::eventually("the replica has everything", async || {
            let replicas: u64 = self.old.command(&["WAIT", "1", "1000"]).await?;
            anyhow::ensure!(replicas == 1, "{replicas} replicas");
            // What came with the first synchronization is on its disk only when that file is written anew.
            let info: String = self.new.command(&["INFO", "persistence"]).await?;
            let is_on_disk = info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0");
            anyhow::ensure!(is_on_disk, "{info}");
            Ok(())
        })
        .await
    }

    /// The replica becomes a primary, and hears nothing more of the old one.
    async fn part(&self) -> Tested {
        self.new.direct.command::<()>(&["REPLICAOF", "NO", "ONE"]).await?;
        Ok(())
    }

    async fn accept(&self, redis: &RedisAlone) -> anyhow::Result<StreamId> {
        let content = Content::new(None, b"x".to_vec())?;
        let write = Write::from(Operation::Put { content, ttl: None });
        let reply = redis.accept(&self.id, &write, 1_000).await?;
        let id: String = from_redis_value(reply.into_iter().nth(1).context("it has an ID")?)?;
        Ok(id.parse()?)
    }

    async fn accept_some(&self, redis: &RedisAlone) -> anyhow::Result<Vec<StreamId>> {
        let mut ids = vec![];
        for _ in 0..20 {
            ids.push(self.accept(redis).await?);
        }
        Ok(ids)
    }

    /// Applies what was accepted; tells the position behind the last change.
    async fn commit(&self, redis: &RedisAlone) -> anyhow::Result<StreamId> {
        redis.run::<Value>(&call::commit(self.partition(), 100, 1_000_000, 10_000)).await?;
        let ends: Vec<String> = redis.run(&call::feed(&[self.partition()])).await?;
        Ok(ends.get(1).context("there is a feed")?.parse()?)
    }

    /// How many changes are told after this position; `None` where that cannot be said.
    async fn changes(&self, redis: &RedisAlone, after: StreamId) -> anyhow::Result<Option<usize>> {
        let reply: Vec<Value> = redis.run(&call::changes(self.partition(), after, "", 100)).await?;
        Ok(reply.len().checked_sub(2).map(|fields| fields / 5))
    }

    /// What is told of a write.
    async fn outcome(&self, redis: &RedisAlone, id: StreamId) -> anyhow::Result<String> {
        let revision = larder_protocol::Revision { partition: self.partition(), id };
        let reply: Vec<String> = redis.run(&call::outcome(revision, None)).await?;
        Ok(reply[0].clone())
    }

    /// What a read that wants the state of a write finds.
    async fn read_after(&self, redis: &RedisAlone, id: StreamId) -> anyhow::Result<String> {
        let reply: Vec<Value> = redis.run(&call::read_after(&self.id, id)).await?;
        Ok(from_redis_value(reply.into_iter().next().context("it says something")?)?)
    }
}

fn rising(ids: &[StreamId]) -> bool {
    ids.is_sorted_by(|a, b| a < b)
}

#[tokio::test]
async fn a_new_primary_gives_out_no_revision_again() -> Tested {
    let pair = Pair::start().await?;
    pair.start_terms().await?;
    let kept = pair.accept_some(&pair.old).await?;
    pair.level().await?;
    pair.part().await?;
    let lost = pair.accept_some(&pair.old).await?;
    let given = pair.accept_some(&pair.new).await?;
    assert!(rising(&[&kept[..], &lost].concat()) && rising(&[&kept[..], &given].concat()));
    assert!(given.iter().all(|id| !lost.contains(id)), "{lost:?} {given:?}");

    pair.commit(&pair.new).await?;
    for id in kept.iter().chain(&given) {
        assert_eq!((pair.outcome(&pair.new, *id).await?.as_str(), *id), ("applied", *id));
        assert_eq!(pair.read_after(&pair.new, *id).await?, "current");
    }
    for id in lost {
        assert_eq!((pair.outcome(&pair.new, id).await?.as_str(), id), ("unknown", id));
        assert_eq!(pair.read_after(&pair.new, id).await?, "ahead");
    }
    Ok(())
}

/// Who has followed the changes up to one that was lost is told so, whatever the new primary tells after it.
#[tokio::test]
async fn a_position_in_a_lost_end_of_the_feed_is_never_good_again() -> Tested {
    let pair = Pair::start().await?;
    pair.start_terms().await?;
    pair.accept_some(&pair.old).await?;
    let kept = pair.commit(&pair.old).await?;
    pair.level().await?;
    pair.part().await?;
    let mut lost = vec![];
    for redis in [&pair.old, &pair.new] {
        for _ in 0..20 {
            pair.accept(redis).await?;
            let last = pair.commit(redis).await?;
            if std::ptr::eq(redis, &pair.old) {
                lost.push(last);
            }
        }
    }
    assert!(rising(&[&[kept], &lost[..]].concat()), "{kept:?} {lost:?}");
    assert_eq!(pair.changes(&pair.new, kept).await?, Some(20));
    for id in lost {
        assert_eq!((pair.changes(&pair.new, id).await?, id), (None, id));
    }
    Ok(())
}

/// The check above can fail: this is what Redis does by itself.
#[tokio::test]
async fn without_terms_a_revision_would_be_given_out_again() -> Tested {
    let mut pair = Pair::start().await?;
    // A clock that stands still in the future makes it certain.
    let first = pair.accept(&pair.old).await?;
    let ahead = format!("{}-1", first.ms + 3_600_000);
    pair.old.command::<()>(&["XSETID", &larder_protocol::keys::writes(pair.partition()), &ahead]).await?;
    pair.level().await?;
    pair.part().await?;
    let (lost, given) = (pair.accept(&pair.old).await?, pair.accept(&pair.new).await?);
    assert_eq!(lost, given);
    // The term begins where the worker says so; from then on it does not happen.
    pair.new.run::<Vec<u64>>(&call::start_terms(pair.partition())).await?;
    let (lost, given) = (pair.accept(&pair.old).await?, pair.accept(&pair.new).await?);
    assert_ne!(lost, given);
    // A primary that starts again begins a term too, and goes on where it was.
    pair.new.restart().await?;
    let again = pair.accept(&pair.new).await?;
    assert!(again > given && again.seq / 65_536 != given.seq / 65_536, "{given:?} {again:?}");
    Ok(())
}

/// All that old is settled; whether a primary that is forgotten lost it, nobody can say.
#[tokio::test]
async fn a_revision_of_a_term_that_is_forgotten_is_no_reason_to_wait() -> Tested {
    let pair = Pair::start().await?;
    pair.start_terms().await?;
    let given = pair.accept(&pair.old).await?;
    pair.commit(&pair.old).await?;
    let day = 24 * 60 * 60 * 1_000;
    let of_another = |age| StreamId { ms: given.ms - age, seq: given.seq + 5 * 65_536 };
    assert_eq!(pair.read_after(&pair.old, of_another(day - 60_000)).await?, "ahead");
    assert_eq!(pair.read_after(&pair.old, of_another(day + 60_000)).await?, "current");
    Ok(())
}
