//! A thread with an event loop of its own, and all that its connections need.
//!
//! A request stays on the thread of its connection, and so do the instance that answers it and the connection to
//! Redis: nobody has to wake another thread, which costs more than most requests do.

use std::convert::Infallible;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use super::handler::Handler;
use crate::runtime::reuse::Instances;

/// How long requests in flight may take after the server was told to stop.
const GRACE: Duration = Duration::from_secs(1);

/// A thread that serves connections until it is dropped or [stopped](Core::stop).
pub struct Core {
    connections: mpsc::UnboundedSender<TcpStream>,
    open: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Core {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system has no thread or event loop left.
    pub fn start(instances: Instances) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start an event loop")?;
        let (connections, arriving) = mpsc::unbounded_channel();
        let open = Arc::new(AtomicUsize::new(0));
        let count = open.clone();
        let run = move || runtime.block_on(serve(arriving, instances, &count));
        let thread = thread::Builder::new().name("core".to_owned()).spawn(run).context("cannot start a thread")?;
        Ok(Self { connections, open, thread })
    }

    /// How many connections it serves.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Serves this connection too.
    pub fn take(&self, connection: TcpStream) {
        self.open.fetch_add(1, Ordering::Relaxed);
        // The thread ends with this sender, not before.
        let _ = self.connections.send(connection);
    }

    /// Lets requests in flight finish, for one second; [`Stopping::wait`] waits for that.
    pub fn stop(self) -> Stopping {
        Stopping(self.thread)
    }
}

/// A thread that ends within a second.
pub struct Stopping(JoinHandle<()>);

impl Stopping {
    /// Waits until it has ended.
    pub fn wait(self) {
        if self.0.join().is_err() {
            tracing::error!("a thread of the server ended with a panic");
        }
    }
}

/// One connection less, however it ends.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn serve(mut arriving: mpsc::UnboundedReceiver<TcpStream>, instances: Instances, count: &Arc<AtomicUsize>) {
    let stopping = instances.stopping.clone();
    let handler = Handler::new(instances);
    let connections = GracefulShutdown::new();
    while let Some(stream) = arriving.recv().await {
        let open = Open(count.clone());
        if let Err(error) = start(stream, &handler, &connections, open) {
            tracing::debug!("a connection broke: {error}");
        }
        // Those that are open are served before the next: a thousand that come at once hold nobody up.
        tokio::task::yield_now().await;
    }
    if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests were cut off: they took longer than {GRACE:?} to finish");
    }
    stopping.store(true, Ordering::Relaxed);
}

fn start(stream: TcpStream, handler: &Handler, connections: &GracefulShutdown, open: Open) -> io::Result<()> {
    let stream = tokio::net::TcpStream::from_std(stream)?;
    // Head and body of an answer leave in two writes; without this the second would wait for
    // the client to acknowledge the first, up to 40 ms.
    stream.set_nodelay(true)?;
    let handler = handler.clone();
    let service = service_fn(move |request| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(handler.answer(request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        let _open = open;
        if let Err(error) = connection.await {
            tracing::debug!("a connection broke: {error}");
        }
    });
    Ok(())
}
