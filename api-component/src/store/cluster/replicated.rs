//! Waits until replicas have a write: `WAITAOF` where Redis has it (7.2), which counts those that have it
//! on disk, else `WAIT`.
//!
//! Both count for what their own connection wrote, and hold it up meanwhile. So write and wait go over a connection
//! that nobody else uses, and never to two nodes: a new primary knows nothing of what the old one accepted.

use larder_protocol::limits::REPLICATION_PATIENCE;

use super::{ASKING, Cluster, Command};
use crate::store::node::Node;
use crate::store::redis::{RedisError, Replicated, Reply, UnderReplicated};

/// By which command replicas are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// By both, until the first answer to `WAITAOF`.
    #[default]
    Unknown,
    /// Those that have it in memory: `WAIT`.
    InMemory,
    /// Those that have it on disk: `WAITAOF`.
    OnDisk,
}

impl<N: Node> Cluster<N> {
    pub(super) async fn replicated(
        &self,
        node: &N,
        asking: bool,
        command: Command<'_>,
    ) -> Result<Replicated, RedisError> {
        let want = self.settings.min_replicas;
        let patience = REPLICATION_PATIENCE.min(self.settings.timeout);
        let (replicas, time) = (want.to_string(), patience.as_millis().to_string());
        let here_and_there: [&[u8]; 3] = [b"0", replicas.as_bytes(), time.as_bytes()];
        let waits = [
            Command { name: "WAIT", arguments: &here_and_there[1..] },
            Command { name: "WAITAOF", arguments: &here_and_there },
        ];
        let mut row: Vec<_> = asking.then_some(ASKING).into_iter().chain([command]).collect();
        row.extend_from_slice(match self.counted.get() {
            Counted::Unknown => &waits,
            Counted::InMemory => &waits[..1],
            Counted::OnDisk => &waits[1..],
        });

        let mut answers = node.execute_alone(&row, patience).await.into_iter();
        if asking {
            answers.next().transpose()?;
        }
        let replies = answers.next().transpose()?.unwrap_or_default();
        let (first, second) = (answers.next(), answers.next());
        let counts = match (first, second) {
            (Some(Ok(_)), Some(Ok(on_disk))) => {
                self.counted.set(Counted::OnDisk);
                Ok(on_disk)
            }
            // It does not know the command.
            (Some(Ok(in_memory)), Some(Err(RedisError::Refused { code, .. }))) if code == "ERR" => {
                self.counted.set(Counted::InMemory);
                Ok(in_memory)
            }
            (_, Some(Err(error))) | (Some(Err(error)), None) => Err(error),
            (Some(counts), _) => counts,
            (None, _) => Ok(vec![]),
        };
        let missing = match counts {
            Ok(counts) => missing(&counts, want),
            Err(error) => Some(UnderReplicated::Unknown(error)),
        };
        Ok(Replicated { replies, missing })
    }
}

/// What is missing by the reply of `WAIT`, a number, or of `WAITAOF`, which counts replicas last.
fn missing(reply: &[Reply], want: u64) -> Option<UnderReplicated> {
    let have = reply.last().and_then(Reply::number).unwrap_or_default();
    (have < want).then_some(UnderReplicated::Replicas { have, want })
}
