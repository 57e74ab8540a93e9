//! The doorbells, one for each partition: accepting a write into an empty stream publishes the partition's
//! number, and a worker that signs off says so, because until the others know, nobody answers for its
//! partitions.
//!
//! They are sharded channels. Redis tells their messages only to the master that has the partition and to its
//! replicas, where a plain channel's would go to every node of the cluster.
//!
//! Messages are at-most-once, so nothing depends on them: they only make a commit immediate. After
//! each subscription all bells are rung, the sweep finds what was missed later, and the next
//! heartbeat tells who lives.

use std::sync::Arc;

use larder_protocol::{Partition, keys};
use redis::Msg;
use tokio::sync::Notify;

use super::bells::{Bells, Cause};
use super::ownership::Ownership;

/// What the connection delivers besides replies.
pub struct Doorbell {
    pub bells: Arc<Bells>,
    pub ownership: Arc<Ownership>,
    /// Notified when a worker has signed off.
    pub roster_changed: Arc<Notify>,
}

impl Doorbell {
    /// Handles one message. It runs inside the connection's own task, so it must not wait.
    pub fn on_message(&self, message: &Msg) {
        if message.get_payload_bytes() == keys::ROSTER_CHANGED.as_bytes() {
            self.roster_changed.notify_one();
            return;
        }
        let Some(p) = partition(message.get_payload_bytes()) else {
            // A later version's, or nonsense, which anyone who may publish can write.
            tracing::debug!(payload = ?message.get_payload_bytes(), "the doorbell's message is no partition");
            return;
        };
        if self.ownership.owns(p) {
            self.bells.ring(p, Cause::Doorbell);
        }
    }
}

fn partition(payload: &[u8]) -> Option<Partition> {
    Partition::new(std::str::from_utf8(payload).ok()?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_number_of_a_partition() {
        assert_eq!(partition(b"63"), Partition::new(63));
        for wrong in [&b""[..], b"64", b"-1", keys::ROSTER_CHANGED.as_bytes(), b"\xff"] {
            assert_eq!(partition(wrong), None);
        }
    }
}
