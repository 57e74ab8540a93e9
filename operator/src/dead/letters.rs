//! Where the dead letters are.

use larder_protocol::{Partition, Revision, StreamId};
use serde::{Deserialize, Serialize};

use super::document::spelled;
use super::letter::Letter;

/// The dead letters of a store. A page of them is short, because each may hold a whole value.
pub trait Letters {
    /// What is there now, of one partition or of all. Partitions without dead letters are left out.
    fn snapshots(&self, only: Option<Partition>) -> impl Future<Output = anyhow::Result<Vec<Snapshot>>>;

    /// The letters of a snapshot that are still there and come after `after`, the first page of them.
    fn page(&self, of: &Snapshot, after: Option<StreamId>) -> impl Future<Output = anyhow::Result<Vec<Letter>>>;

    /// The letter of this name.
    fn letter(&self, name: Revision) -> impl Future<Output = anyhow::Result<Option<Letter>>>;

    /// Puts the letter back onto its channel.
    fn retry(&self, name: Revision) -> impl Future<Output = anyhow::Result<Retried>>;

    /// Removes the letter. Answers whether it was there.
    fn remove(&self, name: Revision) -> impl Future<Output = anyhow::Result<bool>>;
}

/// The letters that a partition held at some moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The youngest of them.
    #[serde(with = "spelled")]
    pub last: Revision,
    /// How many there were.
    pub count: u64,
}

/// What came of a retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is a write again, of this revision.
    As(Revision),
    /// There is no such letter.
    Absent,
    /// It cannot be put back, for this reason; it is still there.
    Unfit(String),
}

/// What the control server answers where a letter is a write again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requeued {
    /// Of this revision.
    #[serde(with = "spelled")]
    pub revision: Revision,
}

/// Calls `each` for the letters of a snapshot that are still there, a page at a time.
pub(super) async fn each_page(
    letters: &impl Letters,
    snapshot: &Snapshot,
    mut each: impl AsyncFnMut(&[Letter]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = letters.page(snapshot, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.name.id);
        each(&page).await?;
    }
}
