//! The dead letters in Redis, wherever their partitions are.

use larder_protocol::{Partition, Revision, StreamId, call, keys};
use redis::Cmd;
use tokio::sync::OnceCell;

use super::letter::Letter;
use crate::connection::{Connection, Failure, RedisSettings};
use crate::masters::{self, Master};

/// Letters per page: few, because each of them may hold a whole value.
const PAGE: usize = 16;

/// An entry as Redis answers it; it makes the IDs itself, so they are always well formed.
type Entry = (String, Vec<(Vec<u8>, Vec<u8>)>);

/// The dead letters of all partitions. It connects to a master once it needs it.
pub struct Store<'a> {
    settings: &'a RedisSettings,
    masters: Vec<(Master, OnceCell<Connection>)>,
}

/// The letters that a partition held at some moment.
pub struct Snapshot {
    partition: Partition,
    last: StreamId,
    /// How many there were.
    pub count: u64,
}

/// What came of a retry.
pub enum Retried {
    /// It is a write again, of this revision.
    As(Revision),
    /// There is no such letter.
    Absent,
    /// It cannot be put back, for this reason; it is still there.
    Unfit(String),
}

impl<'a> Store<'a> {
    /// Finds out who the masters are.
    pub async fn open(settings: &'a RedisSettings) -> Result<Self, Failure> {
        let masters = masters::find(settings, &[]).await?;
        Ok(Self { settings, masters: masters.iter().map(|master| (master.clone(), OnceCell::new())).collect() })
    }

    /// The connection to the master of `p`.
    async fn at(&self, p: Partition) -> Result<&Connection, Failure> {
        let Some((master, connection)) = self.masters.iter().find(|(master, _)| master.partitions.contains(p)) else {
            return Err(Failure::Refused(format!("no master has the partition {p}")));
        };
        connection.get_or_try_init(|| Connection::open_unsubscribed(self.settings, &master.address)).await
    }

    /// What is there now. Partitions without dead letters are left out.
    pub async fn snapshots(&self, partitions: impl Iterator<Item = Partition>) -> Result<Vec<Snapshot>, Failure> {
        let mut snapshots = Vec::new();
        for partition in partitions {
            let key = keys::dead(partition);
            let count = self.at(partition).await?.query(Cmd::new().arg("XLEN").arg(&key)).await?;
            let last = Cmd::xrevrange_count(&key, "+", "-", 1);
            if let Some(last) = self.letters(partition, &last).await?.pop() {
                snapshots.push(Snapshot { partition, last: last.name.id, count });
            }
        }
        Ok(snapshots)
    }

    /// Calls `each` for the letters of a snapshot that are still there, a page at a time.
    pub async fn each_page(
        &self,
        snapshot: &Snapshot,
        mut each: impl AsyncFnMut(&[Letter]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let page = self.page(snapshot, after).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.name.id);
            each(&page).await?;
        }
    }

    /// The letters that are still there and come after `after`, the first page of them.
    async fn page(&self, snapshot: &Snapshot, after: Option<StreamId>) -> Result<Vec<Letter>, Failure> {
        let from = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        let key = keys::dead(snapshot.partition);
        self.letters(snapshot.partition, &Cmd::xrange_count(key, from, snapshot.last.to_string(), PAGE)).await
    }

    /// The letter of this name.
    pub async fn letter(&self, name: Revision) -> Result<Option<Letter>, Failure> {
        let id = name.id.to_string();
        Ok(self.letters(name.partition, &Cmd::xrange(keys::dead(name.partition), &id, &id)).await?.pop())
    }

    /// Puts the letter back onto its channel.
    pub async fn retry(&self, name: Revision) -> Result<Retried, Failure> {
        let Revision { partition, id } = name;
        let reply: Vec<String> = self.at(partition).await?.run(call::retry(partition, id)).await?;
        match reply.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["retried", id] => Ok(Retried::As(Revision { partition, id: stream_id(id)? })),
            ["absent"] => Ok(Retried::Absent),
            ["unfit", reason] => Ok(Retried::Unfit(reason.to_owned())),
            _ => Err(Failure::Refused(format!("the retry script answered {reply:?}"))),
        }
    }

    /// Removes the letter. Answers whether it was there.
    pub async fn drop(&self, name: Revision) -> Result<bool, Failure> {
        let command = Cmd::xdel(keys::dead(name.partition), &[name.id.to_string()]);
        let dropped: u64 = self.at(name.partition).await?.query(&command).await?;
        Ok(dropped > 0)
    }

    async fn letters(&self, partition: Partition, command: &Cmd) -> Result<Vec<Letter>, Failure> {
        let entries: Vec<Entry> = self.at(partition).await?.query(command).await?;
        entries
            .into_iter()
            .map(|(id, fields)| Ok(Letter::new(Revision { partition, id: stream_id(&id)? }, fields)))
            .collect()
    }
}

fn stream_id(text: &str) -> Result<StreamId, Failure> {
    text.parse().map_err(|_| Failure::Refused(format!("Redis answered \"{text}\", which is no stream ID")))
}
