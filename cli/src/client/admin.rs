//! The admin server of a worker: the state of the whole store.
//!
//! What is unknown here is left out, and what is missing is empty, so that versions need not be the same.

use std::collections::BTreeMap;

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
    pub live_workers: u64,
    pub replicas: u64,
    pub server: Option<String>,
    pub settings: BTreeMap<String, String>,
    pub memory_used_bytes: Option<u64>,
    pub memory_limit_bytes: Option<u64>,
    pub keeps_promises: Option<bool>,
}

/// One of the 64 partitions.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct PartitionStatus {
    pub partition: u8,
    pub master: String,
    pub pending: u64,
    pub oldest_pending_seconds: Option<f64>,
    /// Writes that it ever accepted.
    pub accepted: u64,
    pub items: u64,
    pub dead_letters: u64,
}

impl Status {
    /// Writes that the store ever accepted.
    pub fn accepted(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.accepted).sum()
    }

    /// Workers that live. Each works for all masters.
    pub fn workers(&self) -> u64 {
        self.masters.iter().map(|master| master.live_workers).max().unwrap_or_default()
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
