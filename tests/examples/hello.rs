//! The least that hyper does for a request, in the shape of larder-local's server: an event loop for each core, one
//! socket that listens, `TCP_NODELAY`. What larder-local takes beyond this is WebAssembly's and Larder's.
//! `make bench` runs it: `hello 127.0.0.1:6600`.

use std::convert::Infallible;
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::Context as _;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

/// What every request is answered with.
const BODY: &str = "hello you\n";

fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).context("usage: hello IP:PORT")?;
    let listener = TcpListener::bind(&address).with_context(|| format!("cannot listen on {address}"))?;
    let count = thread::available_parallelism()?.get();
    let cores = (0..count).map(|_| core()).collect::<anyhow::Result<Vec<_>>>()?;
    println!("Serving http://{address}");
    for (stream, core) in listener.incoming().zip(cores.iter().cycle()) {
        core.send(stream?).context("a core ended")?;
    }
    Ok(())
}

/// Starts a thread that serves the connections that it is sent.
fn core() -> anyhow::Result<mpsc::UnboundedSender<TcpStream>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (connections, mut arriving) = mpsc::unbounded_channel();
    thread::spawn(move || {
        runtime.block_on(async {
            while let Some(stream) = arriving.recv().await {
                tokio::spawn(serve(stream));
            }
        });
    });
    Ok(connections)
}

async fn serve(stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let stream = TokioIo::new(tokio::net::TcpStream::from_std(stream)?);
    let hello = service_fn(async |_: Request<Incoming>| Ok::<_, Infallible>(Response::new(BODY.to_owned())));
    // A client that goes away is no error here.
    Ok(http1::Builder::new().serve_connection(stream, hello).await?)
}
