//! Whether the store works, as far as it tells everybody.

use reqwest::Method;

use super::{Client, Problem};
use crate::failure::Failure;

/// What `GET /health/ready` says.
#[derive(Debug)]
pub enum Readiness {
    Ready,
    /// What is missing; to a token with the scope `admin` it says which check fails.
    NotReady(Problem),
}

impl Client {
    /// Asks once whether the store is ready.
    ///
    /// # Errors
    /// [`Failure`] where it does not answer.
    pub async fn ready(&self) -> Result<Readiness, Failure> {
        let response = self.send(self.request(Method::GET, "/health/ready"), &[503]).await?;
        if response.status().is_success() {
            return Ok(Readiness::Ready);
        }
        self.json(response).await.map(Readiness::NotReady)
    }

    /// Asks whether the component answers at all; nothing of the store is asked.
    ///
    /// # Errors
    /// [`Failure`] where it does not.
    pub async fn live(&self) -> Result<(), Failure> {
        self.send(self.request(Method::GET, "/health/live"), &[]).await.map(drop)
    }
}
