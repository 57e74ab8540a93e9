//! The dead letters in Redis, wherever their partitions are.

use larder_operator::dead::{Letter, Letters, Retried, Snapshot};
use larder_protocol::{Partition, Revision, StreamId, call, keys};
use redis::Cmd;
use tokio::sync::OnceCell;

use crate::connection::{Connection, Failure, RedisSettings};
use crate::masters::{self, Master};

/// Letters per page: few, because each of them may hold a whole value.
const PAGE: usize = 16;

/// An entry as Redis answers it; it makes the IDs itself, so they are always well formed.
type Entry = (String, Vec<(Vec<u8>, Vec<u8>)>);

/// The dead letters of all partitions. It connects to a master once it needs it.
pub struct Store {
    settings: RedisSettings,
    masters: Vec<(Master, OnceCell<Connection>)>,
}

impl Store {
    /// Finds out who the masters are.
    pub async fn open(settings: &RedisSettings) -> Result<Self, Failure> {
        let masters = masters::find(settings, &[]).await?;
        Ok(Self {
            settings: settings.clone(),
            masters: masters.iter().map(|master| (master.clone(), OnceCell::new())).collect(),
        })
    }

    /// The connection to the master of `p`.
    async fn at(&self, p: Partition) -> Result<&Connection, Failure> {
        let Some((master, connection)) = self.masters.iter().find(|(master, _)| master.partitions.contains(p)) else {
            return Err(Failure::Refused(format!("no master has the partition {p}")));
        };
        connection.get_or_try_init(|| Connection::open_unsubscribed(&self.settings, &master.address)).await
    }

    async fn letters(&self, partition: Partition, command: &Cmd) -> Result<Vec<Letter>, Failure> {
        let entries: Vec<Entry> = self.at(partition).await?.query(command).await?;
        entries
            .into_iter()
            .map(|(id, fields)| Ok(Letter::new(Revision { partition, id: stream_id(&id)? }, fields)))
            .collect()
    }
}

impl Letters for Store {
    async fn snapshots(&self, only: Option<Partition>) -> anyhow::Result<Vec<Snapshot>> {
        let mut snapshots = Vec::new();
        for partition in Partition::all().filter(|p| only.is_none_or(|only| only == *p)) {
            let key = keys::dead(partition);
            let count = self.at(partition).await?.query(Cmd::new().arg("XLEN").arg(&key)).await?;
            let last = Cmd::xrevrange_count(&key, "+", "-", 1);
            if let Some(last) = self.letters(partition, &last).await?.pop() {
                snapshots.push(Snapshot { last: last.name, count });
            }
        }
        Ok(snapshots)
    }

    async fn page(&self, of: &Snapshot, after: Option<StreamId>) -> anyhow::Result<Vec<Letter>> {
        let Revision { partition, id } = of.last;
        let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        let range = Cmd::xrange_count(keys::dead(partition), from, id.to_string(), PAGE);
        Ok(self.letters(partition, &range).await?)
    }

    async fn letter(&self, name: Revision) -> anyhow::Result<Option<Letter>> {
        let id = name.id.to_string();
        Ok(self.letters(name.partition, &Cmd::xrange(keys::dead(name.partition), &id, &id)).await?.pop())
    }

    async fn retry(&self, name: Revision) -> anyhow::Result<Retried> {
        let Revision { partition, id } = name;
        let reply: Vec<String> = self.at(partition).await?.run(call::retry(partition, id)).await?;
        match reply.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["retried", id] => Ok(Retried::As(Revision { partition, id: stream_id(id)? })),
            ["absent"] => Ok(Retried::Absent),
            ["unfit", reason] => Ok(Retried::Unfit(reason.to_owned())),
            _ => Err(Failure::Refused(format!("the retry script answered {reply:?}")).into()),
        }
    }

    async fn remove(&self, name: Revision) -> anyhow::Result<bool> {
        let command = Cmd::xdel(keys::dead(name.partition), &[name.id.to_string()]);
        let dropped: u64 = self.at(name.partition).await?.query(&command).await?;
        Ok(dropped > 0)
    }
}

fn stream_id(text: &str) -> Result<StreamId, Failure> {
    text.parse().map_err(|_| Failure::Refused(format!("Redis answered \"{text}\", which is no stream ID")))
}
