//! A Larder to test, and the requests that tests send most.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use larder_api::web::header;
use larder_protocol::{ItemId, Revision};
use larder_system::{ApiProcess, System, SystemBuilder, Topology};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url};
use reqwest_middleware::{ClientWithMiddleware, RequestBuilder};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::openapi;

/// How long a test waits for what normally takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A deployment under test.
pub struct Larder {
    /// The processes, where they are the test's own.
    system: Option<System>,
    base: String,
    client: ClientWithMiddleware,
    /// Comes with every request.
    authorization: Option<HeaderValue>,
    /// What the ids of this test start with, so that tests can share a deployment.
    prefix: String,
}

impl Larder {
    /// The deployment that `LARDER_URL` names, with the token `LARDER_TOKEN` if there is one, or a
    /// system of the test's own.
    ///
    /// # Errors
    /// Where the system does not start.
    pub async fn start() -> anyhow::Result<Self> {
        match std::env::var("LARDER_URL") {
            Ok(url) => Self::at(url.trim_end_matches('/').to_owned(), None, std::env::var("LARDER_TOKEN").ok()),
            Err(_) => Self::run(System::builder()).await,
        }
    }

    /// A system of the test's own; `None`, said on standard error, where `LARDER_URL` asks to
    /// test a deployment that is not ours to stop.
    ///
    /// # Errors
    /// Where the system does not start.
    pub async fn own(builder: SystemBuilder) -> anyhow::Result<Option<Self>> {
        if std::env::var_os("LARDER_URL").is_some() {
            eprintln!("skipped: this test stops and starts processes, and LARDER_URL is set");
            return Ok(None);
        }
        Self::run(builder).await.map(Some)
    }

    /// The same, with one Redis; `None`, said on standard error, where `LARDER_CLUSTER` asks for more.
    ///
    /// # Errors
    /// As [`Larder::own`].
    pub async fn own_alone(builder: SystemBuilder) -> anyhow::Result<Option<Self>> {
        if Topology::from_env()? != Topology::Alone {
            eprintln!("skipped: this test is about one Redis, and LARDER_CLUSTER is set");
            return Ok(None);
        }
        Self::own(builder).await
    }

    async fn run(builder: SystemBuilder) -> anyhow::Result<Self> {
        let system = builder.start().await?;
        Self::at(system.url(), Some(system), None)
    }

    fn at(base: String, system: Option<System>, token: Option<String>) -> anyhow::Result<Self> {
        let authorization = token.map(|token| HeaderValue::try_from(format!("Bearer {token}"))).transpose()?;
        let client = openapi::witness(client(authorization.as_ref())?);
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos();
        Ok(Self { system, base, client, authorization, prefix: format!("test-{nanos:x}/") })
    }

    /// The same without a check of each answer against the OpenAPI document, for measurements.
    ///
    /// # Errors
    /// Where there can be no HTTP client.
    pub fn unwitnessed(self) -> anyhow::Result<Self> {
        let client = client(self.authorization.as_ref())?.into();
        Ok(Self { client, ..self })
    }

    /// The same store through another component.
    #[must_use]
    pub fn through(&self, api: &ApiProcess) -> Self {
        Self {
            system: None,
            base: api.url(),
            client: self.client.clone(),
            authorization: self.authorization.clone(),
            prefix: self.prefix.clone(),
        }
    }

    /// The processes of [`Larder::own`].
    ///
    /// # Panics
    /// Where they are not the test's own.
    pub fn system(&mut self) -> &mut System {
        self.system.as_mut().expect("only tests on Larder::own ask for the processes")
    }

    /// Takes the processes out, for a test that stops them while others send requests.
    ///
    /// # Panics
    /// As [`Larder::system`].
    pub fn take_system(&mut self) -> System {
        self.system.take().expect("only tests on Larder::own ask for the processes")
    }

    /// The address, e.g. `http://127.0.0.1:3000`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// An id that no other test uses.
    ///
    /// # Panics
    /// Where it would be too long.
    #[must_use]
    pub fn id(&self, name: &str) -> ItemId {
        ItemId::new(format!("{}{name}", self.prefix)).expect("the tests' ids are valid")
    }

    /// A request to any path.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A request to an item.
    pub fn item(&self, method: Method, id: &ItemId) -> RequestBuilder {
        self.request(method, &format!("/items/{}", id.to_path()))
    }

    /// A connection on which to send bytes as they are.
    ///
    /// # Errors
    /// Where there is none, or the store speaks TLS.
    pub async fn connect(&self) -> anyhow::Result<TcpStream> {
        let url: Url = self.base.parse()?;
        ensure!(url.scheme() == "http", "raw requests need plain HTTP, not {url}");
        let host = url.host_str().context("no host")?.trim_matches(['[', ']']);
        Ok(TcpStream::connect((host, url.port_or_known_default().context("no port")?)).await?)
    }

    /// The head of a request to an item, byte for byte, up to where more headers may follow.
    #[must_use]
    pub fn raw_head(&self, method: &Method, id: &ItemId) -> String {
        let authorization = self.authorization.as_ref().and_then(|value| value.to_str().ok());
        let authorization = authorization.map(|value| format!("authorization: {value}\r\n")).unwrap_or_default();
        format!("{method} /items/{} HTTP/1.1\r\nhost: larder\r\nconnection: close\r\n{authorization}", id.to_path())
    }

    /// Reads an item.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn get(&self, id: &ItemId) -> anyhow::Result<Response> {
        Ok(self.item(Method::GET, id).send().await?)
    }

    /// Writes an item as `text/plain` and waits until it is applied.
    ///
    /// # Errors
    /// Where the write is not accepted, or not applied in time.
    pub async fn put(&self, id: &ItemId, value: impl Into<Vec<u8>>) -> anyhow::Result<Revision> {
        let request = self.item(Method::PUT, id).header("content-type", "text/plain").body(value.into());
        self.applied(request.send().await?).await
    }

    /// Takes the answer to a write, and waits until the write is applied.
    ///
    /// # Errors
    /// Where it was not accepted, or is not applied in time.
    pub async fn applied(&self, response: Response) -> anyhow::Result<Revision> {
        let revision = accepted(response).await?;
        let path = format!("/writes/{revision}");
        eventually("the write is applied", async || {
            let response = self.request(Method::GET, &path).send().await?;
            ensure!(response.status() == StatusCode::OK, "{}", response.text().await?);
            let outcome: Value = response.json().await?;
            ensure!(outcome["outcome"] == "applied", "{outcome}");
            Ok(())
        })
        .await?;
        Ok(revision)
    }
}

fn client(authorization: Option<&HeaderValue>) -> reqwest::Result<Client> {
    let always = HeaderMap::from_iter(authorization.cloned().map(|value| (AUTHORIZATION, value)));
    larder_telemetry::choose_cryptography();
    Client::builder().timeout(PATIENCE).default_headers(always).build()
}

/// A client for what is not a store: it knows of no certificates, and keeps no connection for another test.
pub fn http() -> Client {
    let client = larder_system::http_client().pool_max_idle_per_host(0);
    client.build().expect("it needs nothing of the system")
}

/// Checks that a write was accepted, and tells its revision.
async fn accepted(response: Response) -> anyhow::Result<Revision> {
    let (status, revision) = (response.status(), response.headers().get(header::REVISION).cloned());
    let body = response.text().await?;
    ensure!(status == StatusCode::ACCEPTED, "{status} {body}");
    Ok(revision.context("no Larder-Revision")?.to_str()?.parse()?)
}

/// Repeats `check` until it succeeds.
///
/// # Errors
/// The last error of `check`, once 30 s have passed.
pub async fn eventually<T>(what: &str, check: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        match check().await {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() > PATIENCE => {
                return Err(error.context(format!("not within {} s: {what}", PATIENCE.as_secs())));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}
