//! The worker follows the masters: of a cluster, whose partitions move and whose masters die, and the one
//! that Sentinels name.

mod dead;
mod moving;
mod succession;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use larder_protocol::{Content, Item, ItemId, Operation, Partition, StreamId, Write, call, keys};
use larder_system::{DataFolder, RedisCluster};
use larder_tests::{Direct, eventually};
use redis::Value;

/// What every test here returns.
type Tested = anyhow::Result<()>;

/// So that a replica takes over soon.
const NODE_TIMEOUT: Duration = Duration::from_secs(1);

/// So that none does, on a busy machine neither, where the test is about something else.
const LONG_NODE_TIMEOUT: Duration = Duration::from_secs(10);

/// A cluster of three masters with a replica each.
async fn cluster(node_timeout: Duration) -> anyhow::Result<RedisCluster> {
    RedisCluster::start(&Arc::new(DataFolder::temporary()?), 3, node_timeout).await
}

/// An item of each partition.
fn items() -> BTreeMap<Partition, ItemId> {
    let ids = (0..2_000).map(|n| ItemId::new(format!("item-{n}")).expect("it is an id"));
    ids.map(|id| (Partition::of(&id), id)).collect()
}

fn put(value: &str) -> Write {
    Operation::Put { content: Content::new(None, value.into()).expect("it has no type"), ttl: None }.into()
}

/// Accepts a write as the component does.
async fn accept(redis: &Direct, id: &ItemId, write: &Write) -> anyhow::Result<StreamId> {
    let reply: Vec<Value> = redis.run(&call::accept(id, write, "", 1_000, false)).await?;
    match &reply[..] {
        [Value::BulkString(what), Value::BulkString(id), _] if what == b"accepted" => {
            Ok(std::str::from_utf8(id)?.parse()?)
        }
        _ => anyhow::bail!("{reply:?}"),
    }
}

async fn item(redis: &Direct, id: &ItemId) -> anyhow::Result<Option<Item>> {
    let stored: Option<Vec<u8>> = redis.command(&["GET", &keys::item(id)]).await?;
    Ok(stored.map(Item::decode).transpose()?)
}

async fn becomes(redis: &Direct, id: &ItemId, value: &str) -> Tested {
    eventually("the write is applied", async || {
        let now = item(redis, id).await?.map(|item| String::from_utf8_lossy(&item.value).into_owned());
        ensure!(now.as_deref() == Some(value), "{id} is {now:?}");
        Ok(())
    })
    .await
}

/// Connections to single nodes, by which one that is down keeps no other waiting.
struct Nodes<'a> {
    cluster: &'a RedisCluster,
    of: BTreeMap<Partition, usize>,
}

impl<'a> Nodes<'a> {
    async fn of(cluster: &'a RedisCluster) -> anyhow::Result<Self> {
        let mut of = BTreeMap::new();
        for p in Partition::all() {
            of.insert(p, cluster.master_of(p.slot()).await?);
        }
        Ok(Self { cluster, of })
    }

    async fn open(&self, p: Partition) -> anyhow::Result<Direct> {
        Ok(Direct::open(&self.cluster.node(self.of[&p]).url()).await?)
    }
}
