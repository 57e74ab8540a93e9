//! The admin server of a worker: the state of the whole store.
//!
//! What is unknown here is left out, and what is missing is empty, so that versions need not be the same. A null is what
//! nobody knows now: of a master that is down, nothing is.

use indicatif::BinaryBytes;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};

use super::Client;
use crate::failure::Failure;

/// The state of the store, as `GET /status` tells it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Status {
    pub version: String,
    pub ready: bool,
    pub missing: Option<String>,
    pub warnings: Vec<String>,
    pub pending: u64,
    pub oldest_pending_seconds: Option<f64>,
    pub dead_letters: u64,
    pub items: u64,
    /// Those that the sums do not have in them.
    pub unknown_partitions: Option<String>,
    pub masters: Vec<Master>,
    pub partitions: Vec<PartitionStatus>,
}

/// A Redis that takes writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Master {
    pub address: String,
    pub up: bool,
    pub partitions: String,
    pub live_workers: Option<u64>,
    pub replicas: Option<u64>,
    pub server: Option<String>,
    pub settings: Option<serde_json::Value>,
    pub memory_used_bytes: Option<u64>,
    pub memory_limit_bytes: Option<u64>,
    pub keeps_promises: Option<bool>,
}

/// One of the 64 partitions.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct PartitionStatus {
    pub partition: u8,
    pub master: Option<String>,
    pub pending: Option<u64>,
    pub oldest_pending_seconds: Option<f64>,
    /// Writes that it ever accepted.
    pub accepted: Option<u64>,
    pub items: Option<u64>,
    pub dead_letters: Option<u64>,
}

impl Status {
    /// Workers that live. Each works for all masters.
    pub fn workers(&self) -> u64 {
        self.masters.iter().filter_map(|master| master.live_workers).max().unwrap_or_default()
    }

    /// All that is wrong, in words.
    pub fn troubles(&self) -> impl Iterator<Item = String> {
        let unknown = self.unknown_partitions.iter().map(|which| format!("nothing is known of the partitions {which}"));
        self.missing.iter().chain(&self.warnings).cloned().chain(unknown)
    }
}

impl Master {
    /// How many there are, or that nobody knows.
    pub fn counted(count: Option<u64>) -> String {
        count.map_or_else(|| "?".to_owned(), |count| count.to_string())
    }

    /// How much memory it uses, of how much.
    pub fn memory(&self) -> String {
        let used = self.memory_used_bytes.map_or_else(|| "?".to_owned(), |bytes| BinaryBytes(bytes).to_string());
        used + &self.memory_limit_bytes.map(|bytes| format!(" of {}", BinaryBytes(bytes))).unwrap_or_default()
    }

    /// Whether its settings keep what Larder promises.
    pub fn promises(&self) -> &'static str {
        self.keeps_promises.map_or("?", |keeps| if keeps { "kept" } else { "NOT KEPT" })
    }
}

/// An admin server.
#[derive(Clone)]
pub struct Admin(Client);

impl Admin {
    /// That at `base`. It asks for no token.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(base: &Url, retries: usize) -> anyhow::Result<Self> {
        Client::new(base, None, retries).map(Self)
    }

    /// Asks for the state of the store.
    ///
    /// # Errors
    /// [`Failure`] where it does not answer.
    pub async fn status(&self) -> Result<Status, Failure> {
        let response = self.0.send(self.0.request(Method::GET, "/status"), &[]).await?;
        self.0.json(response).await
    }
}
