//! Instances without a server around them, to see what one costs.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use wasmtime_wasi_http::handler::{HandlerState as _, ProxyHandler};

use super::engine::{self, into_anyhow};
use super::observe::Observer;
use super::reuse::Instances;
use crate::spin::Application;

/// A compiled component, of which instances are made one by one.
pub struct Alone(Instances);

impl Alone {
    /// Compiles the component.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn prepare(application: Application) -> Result<Self> {
        let component = engine::prepare(&application)?;
        Ok(Self(Instances::new(Arc::new(application), component, Observer::default(), 1)))
    }

    /// Makes an instance and drops it.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub async fn make(&self) -> Result<()> {
        self.0.instantiate().await.map(drop).map_err(into_anyhow)
    }

    /// Has a new instance answer `GET` of a path; WASI 0.3 keeps it for a second.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn answer(&self, path: &str) -> Result<StatusCode> {
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(format!("http://localhost{path}")).body(body)?;
        let arrival = self.0.arrive(0, None).await;
        let response = ProxyHandler::new(self.0.clone()).handle(arrival, request).await.map_err(into_anyhow)?;
        let status = response.status();
        response.into_body().collect().await.context("the answer breaks off")?;
        Ok(status)
    }
}
