//! How long an instance lives and how many requests share it: Spin's defaults.
//!
//! They decide what a component can rely on. An instance that is kept lets it keep its Redis
//! connection; an instance that is shared means that one trap fails all requests inside.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use opentelemetry::Context as TraceContext;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::GuestTaskId;
use wasmtime::{Engine, Result, Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};

use super::engine::Compiled;
use super::instance::InstanceState;
use super::observe::Observer;
use super::redis::Shared;
use crate::spin::Application;

/// Requests that an instance of WASI 0.3 serves in its life; one of WASI 0.2 serves one.
const MAX_REQUESTS: usize = 128;
/// Requests that an instance serves at once.
const MAX_CONCURRENT_REQUESTS: usize = 16;
/// How long an instance without requests is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// How many requests of a core and a route may be on their way to an instance at the same time: what they ask Redis travels
/// together.
const TURNS: u32 = 16;
/// From how many instances on they are filled by one request after the other, on all cores together.
const MANY: usize = 150;

/// Makes instances of one component, for one core.
#[derive(Clone)]
pub struct Instances {
    pub application: Arc<Application>,
    engine: Engine,
    pre: Arc<ProxyPre<InstanceState>>,
    pub observer: Observer,
    redis: Shared,
    /// Who may go to an instance next, for each route: followers who all come back at once do not hold up readers.
    turns: Arc<[Arc<Semaphore>]>,
    /// One for each instance that lives, and this.
    living: Arc<()>,
    /// From so many on, they are filled by one request after the other.
    many: usize,
    /// Set when the server stops: instances that end then have not failed.
    pub stopping: Arc<AtomicBool>,
}

impl Instances {
    /// Those of one of so many cores, which share the component.
    pub fn new(
        application: Arc<Application>,
        Compiled { engine, pre }: Compiled,
        observer: Observer,
        cores: usize,
    ) -> Self {
        let turns = application.routes.iter().map(|_| Arc::new(Semaphore::new(TURNS as usize))).collect();
        let (redis, living, stopping) = (Shared::default(), Arc::default(), Arc::default());
        Self { application, engine, pre, observer, redis, turns, living, many: MANY / cores, stopping }
    }

    /// Waits until this request may go to an instance; `route` is the number of its route.
    ///
    /// wasmtime's `ProxyHandler` starts an instance for what waits while the others are taking something. So a burst
    /// would start one for each of its requests, and a thousand of them are more than the pool has.
    pub async fn arrive(&self, route: usize, trace: Option<TraceContext>) -> Arrival {
        let is_kept = matches!(*self.pre, ProxyPre::P3(_));
        let turns = if is_kept && Arc::strong_count(&self.living) > self.many { TURNS } else { 1 };
        let turn = self.turns[route].clone().acquire_many_owned(turns).await.expect("nobody closes it");
        Arrival { trace, turn }
    }
}

impl HandlerState for Instances {
    type StoreData = InstanceState;
    type WorkerExpiration = IdleTimeout;
    type WorkerState = Limits;

    async fn instantiate(&self) -> Result<Instance<InstanceState, IdleTimeout, Limits>> {
        let state = InstanceState::new(self.application.clone(), self.observer.clone(), self.redis.clone());
        let mut store = Store::new(&self.engine, state);
        let proxy = self.pre.instantiate_async(&mut store).await?;
        let max_requests = match *self.pre {
            ProxyPre::P2(_) => 1,
            ProxyPre::P3(_) => MAX_REQUESTS,
        };
        let expiration = IdleTimeout { sleep: Box::pin(tokio::time::sleep(IDLE_TIMEOUT)) };
        Ok(Instance {
            store,
            proxy,
            view: |state| state.http(),
            expiration,
            state: Limits { max_requests, stopping: self.stopping.clone(), _living: self.living.clone() },
        })
    }
}

/// Ends an instance that has been idle for [`IDLE_TIMEOUT`]. A request may take any time.
pub struct IdleTimeout {
    sleep: Pin<Box<tokio::time::Sleep>>,
}

impl WorkerExpiration for IdleTimeout {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, since: Instant) -> Poll<()> {
        if status != WorkerStatus::Idle {
            return Poll::Pending;
        }
        let deadline = (since + IDLE_TIMEOUT).into();
        if self.sleep.deadline() != deadline {
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(cx)
    }
}

/// A request on its way to an instance.
pub struct Arrival {
    /// What its commands belong to, where that is told.
    pub trace: Option<TraceContext>,
    /// Until it is there.
    pub turn: OwnedSemaphorePermit,
}

/// Decides how many requests an instance takes.
pub struct Limits {
    max_requests: usize,
    stopping: Arc<AtomicBool>,
    _living: Arc<()>,
}

impl WorkerState for Limits {
    type StoreData = InstanceState;
    type RequestData = Arrival;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.max_requests {
            ShouldAccept::Never
        } else if concurrent >= MAX_CONCURRENT_REQUESTS {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, InstanceState>,
        Arrival { trace, turn }: Arrival,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        drop(turn);
        if let Some(context) = trace {
            store.data_mut().requests.insert(task, context);
        }
        Box::pin(std::future::pending())
    }

    fn drop(&self, _: Store<InstanceState>, result: Result<()>) {
        if let Err(error) = result
            && !self.stopping.load(Ordering::Relaxed)
        {
            tracing::error!("an instance of the component failed: {error:?}");
        }
    }
}
