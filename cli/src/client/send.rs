//! Sends a request until there is an answer that counts.
//!
//! No answer, 429 and 503 are worth another try: after as long as `Retry-After` says, or a moment that doubles.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response};

use super::{Client, Problem};
use crate::failure::Failure;

/// The longest pause that a store is granted.
const MAX_PAUSE: Duration = Duration::from_secs(60);

impl Client {
    /// The answer to a request, where it is a success or one that `also` takes for one.
    ///
    /// # Errors
    /// [`Failure`], also after the last try.
    pub(super) async fn send(&self, request: RequestBuilder, also: &[u16]) -> Result<Response, Failure> {
        let once = || self.send_once(&request, also);
        once.retry(self.pauses())
            .when(Failure::is_temporary)
            .adjust(|failure, pause| match failure {
                Failure::Problem { retry_after: Some(wanted), .. } => {
                    pause.map(|pause| pause.max(*wanted).min(MAX_PAUSE))
                }
                _ => pause,
            })
            .await
    }

    /// The pauses before what is tried again.
    pub(super) fn pauses(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(self.retries)
            .with_jitter()
    }

    async fn send_once(&self, request: &RequestBuilder, also: &[u16]) -> Result<Response, Failure> {
        let request =
            request.try_clone().ok_or_else(|| Failure::Usage("this request cannot be repeated".to_owned()))?;
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = response.status();
        if status.is_success() || also.contains(&status.as_u16()) {
            return Ok(response);
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let body = response.bytes().await.map_err(|error| self.unreachable(error))?;
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) if problem.status == status.as_u16() => Err(Failure::Problem { problem, retry_after }),
            // To HEAD there is no body.
            _ if body.is_empty() && status.as_u16() < 500 => {
                let title = status.canonical_reason().unwrap_or_default().to_owned();
                let problem = Problem { status: status.as_u16(), title, ..Problem::default() };
                Err(Failure::Problem { problem, retry_after })
            }
            _ => Err(Failure::Stranger { url: self.base().to_owned(), status: status.as_u16() }),
        }
    }

    /// The whole body of an answer, as JSON.
    pub(super) async fn json<T: serde::de::DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|error| self.unreachable(error))?;
        serde_json::from_slice(&body).map_err(|_| Failure::Stranger { url: self.base().to_owned(), status })
    }

    pub(super) fn unreachable(&self, error: reqwest::Error) -> Failure {
        // The causes say more than reqwest does, and the last of them says it best.
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            reason = inner.to_string();
            cause = inner.source();
        }
        Failure::Unreachable { url: self.base().to_owned(), reason }
    }
}
