//! Compiles the component and links it to everything that it may import.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Cache, CacheConfig, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

use super::bindings;
use super::instance::InstanceState;
use crate::spin::Application;

/// A component that instances can be made of.
#[derive(Clone)]
pub struct Compiled {
    pub engine: Engine,
    pub pre: Arc<ProxyPre<InstanceState>>,
}

/// Compiles the application's component, or takes it from wasmtime's cache in the user's cache
/// folder, so that it is compiled once and not by every process of a test run.
///
/// # Errors
/// Where the file is missing or not a component, or imports what we do not offer.
pub fn prepare(application: &Application) -> Result<Compiled> {
    application.check_built()?;
    let wasm = &application.wasm;
    let engine = engine()?;
    let component = match &application.embedded {
        Some(embedded) => Component::new(&engine, embedded.component()?),
        None => Component::from_file(&engine, wasm),
    };
    let component = component.map_err(into_anyhow).with_context(|| format!("cannot compile {}", wasm.display()))?;
    let pre = linker(&engine)
        .and_then(|linker| linker.instantiate_pre(&component))
        .map_err(into_anyhow)
        .with_context(|| format!("{} imports what is not offered here", wasm.display()))?;
    // By what it exports.
    if let Ok(service) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(Compiled { engine, pre: Arc::new(ProxyPre::P3(service)) });
    }
    let proxy = p2::bindings::ProxyPre::new(pre).map_err(into_anyhow).with_context(|| {
        format!("{} cannot run here: it has to be an HTTP component of WASI 0.3 or 0.2", wasm.display())
    })?;
    Ok(Compiled { engine, pre: Arc::new(ProxyPre::P2(proxy)) })
}

/// How much of the memory and of the tables of an instance that has ended is cleared in place, in bytes. Given back, it
/// would be fetched again one page fault at a time.
const KEPT_MEMORY: usize = 1 << 20;
const KEPT_TABLES: usize = 64 << 10;

fn engine() -> Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    match Cache::new(CacheConfig::new()) {
        Ok(cache) => {
            config.cache(Some(cache));
        }
        Err(error) => tracing::warn!("the component is compiled without a cache: {error:#}"),
    }
    Engine::new(&config).map_err(into_anyhow).context("cannot set up wasmtime")
}

/// How many instances live at once at most, as on Spin.
const INSTANCES: u32 = 1_000;

/// Instances come and go under load; taking them from a pool makes that cheap. It has Spin's room for the modules and
/// tables that an instance consists of.
fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(INSTANCES).total_memories(INSTANCES).total_stacks(INSTANCES);
    pool.total_core_instances(4 * INSTANCES).total_tables(2 * INSTANCES);
    // Linux 6.7 tells which pages were written to. Without that all would have to be cleared, which takes longer than
    // to give them back.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEPT_MEMORY).table_keep_resident(KEPT_TABLES);
    }
    pool
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    // Everything of both, because the standard library of wasm32-wasip2 imports WASI 0.2 always.
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    p2::add_only_http_to_linker_async(&mut linker)?;
    p3::add_to_linker(&mut linker)?;
    bindings::wasip2::HostWasip2::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    bindings::wasip3::Host_::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// wasmtime has an error type of its own, in the manner of anyhow's.
pub fn into_anyhow(error: wasmtime::Error) -> anyhow::Error {
    anyhow::Error::from_boxed(error.into())
}
