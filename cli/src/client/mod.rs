//! The API of a store as functions.
//!
//! Every request here may be repeated without harm: a read changes nothing, and a write has an `Idempotency-Key`,
//! so one whose outcome is unknown is simply sent again. What is repeated, and when, is in [`send`].

mod admin;
mod bulk;
mod changes;
mod control;
mod health;
mod item;
mod list;
mod problem;
mod send;
mod whole;
mod write;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use larder_api::web::header;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};

#[cfg(test)]
pub use admin::PartitionStatus;
pub use admin::{Admin, Master, Status};
pub use bulk::{Done, Operation};
pub use changes::{Change, Event, Follow, Include};
pub use control::Control;
pub use health::Readiness;
pub use item::{Item, Known};
pub use list::{Entry, Listed, Wanted};
pub use problem::Problem;
pub use write::{Condition, Content, Fate, Written};

use crate::settings::Token;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long nothing may arrive: longer than a stream of changes is silent.
const READ_TIMEOUT: Duration = Duration::from_secs(75);

/// A store, as its clients see it. Clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<str>,
    retries: usize,
}

impl Client {
    /// A client of the store at `base`, with this token. It repeats a request `retries` times at most.
    ///
    /// # Errors
    /// Where there are no certificates to know the store by, or the token cannot be sent.
    pub fn new(base: &Url, token: Option<&Token>, retries: usize) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.secret()))
                .context("the token has characters that no header can carry")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { http: http(base, headers)?, base: base.as_str().trim_end_matches('/').into(), retries })
    }

    /// The address, e.g. `http://127.0.0.1:3000`.
    pub fn base(&self) -> &str {
        &self.base
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A request that writes, once, however often it is sent.
    fn writing(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).context("the system gives no random bytes")?;
        let key = format!("\"{:032x}\"", u128::from_be_bytes(key));
        Ok(self.request(method, path).header(header::IDEMPOTENCY_KEY, key))
    }
}

/// Without TLS no certificates are needed, and there may be none.
fn http(base: &Url, headers: HeaderMap) -> anyhow::Result<reqwest::Client> {
    // The one that is built with a C compiler alone. It was chosen before where there are two clients.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .default_headers(headers)
        .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        // A token goes where it was sent to, and nowhere else.
        .redirect(reqwest::redirect::Policy::none());
    let builder = if base.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
    builder.build().context("cannot speak HTTPS; are there certificates on this machine (ca-certificates)?")
}
