//! Has the data say its format, and leaves data of another format alone.

use larder_protocol::call;

use crate::connection::{Connection, Failure, Outage};
use crate::partitions::Partitions;

/// Comes before anything else is done at a master: what is there may have another meaning.
pub async fn begin(connection: &Connection, partitions: Partitions) -> Result<(), Outage> {
    match connection.begin(partitions, call::say_format).await {
        Err(Failure::Outage(outage)) => Err(outage),
        // Each call that changes data looks again. What does not say its format has the first.
        Err(failure) => {
            tracing::debug!(%partitions, "cannot say the format of the data yet: {failure}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
