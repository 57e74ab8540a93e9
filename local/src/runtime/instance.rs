//! What one instance of the component holds on the host's side.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::{Request, Response};
use opentelemetry::Context;
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::observe::Observer;
use super::redis::Shared;
use crate::spin::Application;

/// The data of a store.
pub struct InstanceState {
    pub application: Arc<Application>,
    pub table: ResourceTable,
    pub observer: Observer,
    pub redis: Shared,
    /// Where it has connected to.
    pub addresses: HashSet<String>,
    /// What the commands of its requests belong to. An instance has few requests in its life, so none is taken out.
    pub requests: HashMap<GuestTaskId, Context>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoOutboundHttp,
}

impl InstanceState {
    /// A fresh instance: its environment, and our own standard output and error. It sees no
    /// files, and WASI's sockets are closed to it.
    pub fn new(application: Arc<Application>, observer: Observer, redis: Shared) -> Self {
        let mut wasi = WasiCtxBuilder::new();
        wasi.inherit_stdout().inherit_stderr();
        for (name, value) in &application.environment {
            wasi.env(name, value);
        }
        Self {
            application,
            table: ResourceTable::new(),
            observer,
            redis,
            addresses: HashSet::new(),
            requests: HashMap::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: NoOutboundHttp,
        }
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// Larder calls nobody over HTTP; a component that tries is told that it may not.
struct NoOutboundHttp;

type Transmission = Box<dyn Future<Output = Result<(), HttpError>> + Send>;

impl WasiHttpHooks for NoOutboundHttp {
    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Transmission,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Transmission), HttpError>> + Send> {
        Box::new(async { Err(HttpError::HttpRequestDenied) })
    }
}
