//! The control server of a worker: the dead letters, which the public API does not reach.

use larder_operator::dead::{Letter, Letters, Requeued, Retried, Snapshot};
use larder_protocol::{Partition, Revision, StreamId};
use reqwest::{Method, RequestBuilder, Url};

use super::Client;
use crate::failure::Failure;

/// A control server.
pub struct Control(Client);

impl Control {
    /// That at `base`. It asks for no token, but to be asked from its own machine.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(base: &Url) -> anyhow::Result<Self> {
        // A retry of a letter, sent again after it was done, would find no letter.
        Client::new(base, None, 0).map(Self)
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        self.0.base()
    }

    fn letter_request(&self, method: Method, name: Revision, then: &str) -> RequestBuilder {
        self.0.request(method, &format!("/dead/letters/{name}{then}"))
    }
}

/// The answer, or `None` where there is no such letter.
fn found<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Err(Failure::Problem { problem, .. }) if problem.status == 404 => Ok(None),
        answer => answer.map(Some),
    }
}

impl Letters for Control {
    async fn snapshots(&self, only: Option<Partition>) -> anyhow::Result<Vec<Snapshot>> {
        let only = only.map(|partition| ("partition", partition.index()));
        let response = self.0.send(self.0.request(Method::GET, "/dead").query(only.as_slice()), &[]).await?;
        Ok(self.0.json(response).await?)
    }

    async fn page(&self, of: &Snapshot, after: Option<StreamId>) -> anyhow::Result<Vec<Letter>> {
        let mut query = vec![("until", of.last.to_string())];
        query.extend(after.map(|after| ("after", after.to_string())));
        let response = self.0.send(self.0.request(Method::GET, "/dead/letters").query(&query), &[]).await?;
        Ok(self.0.json(response).await?)
    }

    async fn letter(&self, name: Revision) -> anyhow::Result<Option<Letter>> {
        match found(self.0.send(self.letter_request(Method::GET, name, ""), &[]).await)? {
            Some(response) => Ok(Some(self.0.json(response).await?)),
            None => Ok(None),
        }
    }

    async fn retry(&self, name: Revision) -> anyhow::Result<Retried> {
        match found(self.0.send(self.letter_request(Method::POST, name, "/retry"), &[]).await) {
            Ok(Some(response)) => Ok(Retried::As(self.0.json::<Requeued>(response).await?.revision)),
            Ok(None) => Ok(Retried::Absent),
            Err(Failure::Problem { problem, .. }) if problem.status == 409 => Ok(Retried::Unfit(problem.detail)),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn remove(&self, name: Revision) -> anyhow::Result<bool> {
        Ok(found(self.0.send(self.letter_request(Method::DELETE, name, ""), &[]).await)?.is_some())
    }
}
